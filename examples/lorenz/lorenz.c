/*
 * Integrates the Lorenz system with CVODE (SUNDIALS 6) from the right-hand sides that export.py found
 * in data, by the exported Jacobian, and compares it with the true system.
 *
 * Two trajectories of a chaotic system part at an exponential rate however small the difference of
 * their equations, so closeness alone proves nothing. What the error of the found coefficients does
 * to first order is the solution of the variational equation
 *
 *     d'(t) = J(u) d + (found(u) - true(u)),  d(0) = 0,
 *
 * along the true trajectory u. The program fails unless the difference of the two trajectories is
 * that solution, to 5 per cent, from the first rounding errors up to a difference of DIVERGED.
 */
#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

#include "lorenz_found.h"

#define DIVERGED 0.2 /* beyond it, terms of second order count: the system's size is about 40 */
#define TOLERANCE 0.05
#define STEP 0.5
#define LONGEST 30.0

static void check(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "lorenz: %s\n", what);
        exit(1);
    }
}

static void true_rates(const double u[3], double rate[3])
{
    rate[0] = 10.0 * (u[1] - u[0]);
    rate[1] = u[0] * (28.0 - u[2]) - u[1];
    rate[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
}

static void found_rates(const double u[3], double rate[3], double jacobian[3][3])
{
    rate[0] = rate_of_x(u[0], u[1], u[2], jacobian[0]);
    rate[1] = rate_of_y(u[0], u[1], u[2], jacobian[1]);
    rate[2] = rate_of_z(u[0], u[1], u[2], jacobian[2]);
}

/* The found system. */
static int found(realtype t, N_Vector state, N_Vector rate, void *data)
{
    double jacobian[3][3];
    (void)t;
    (void)data;
    found_rates(N_VGetArrayPointer(state), N_VGetArrayPointer(rate), jacobian);
    return 0;
}

static int found_jacobian(realtype t, N_Vector state, N_Vector rate, SUNMatrix matrix, void *data,
                          N_Vector a, N_Vector b, N_Vector c)
{
    double rates[3], jacobian[3][3];
    (void)t, (void)rate, (void)data, (void)a, (void)b, (void)c;
    found_rates(N_VGetArrayPointer(state), rates, jacobian);
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            SM_ELEMENT_D(matrix, i, j) = jacobian[i][j];
        }
    }
    return 0;
}

/* The true system u, and what the error of the found one does to it to first order: (u, d). */
static int truth(realtype t, N_Vector state, N_Vector rate, void *data)
{
    const double *u = N_VGetArrayPointer(state);
    const double *d = u + 3;
    double *du = N_VGetArrayPointer(rate);
    double rates[3], jacobian[3][3];
    (void)t, (void)data;
    true_rates(u, du);
    found_rates(u, rates, jacobian);
    for (int i = 0; i < 3; ++i) {
        du[3 + i] = rates[i] - du[i];
        for (int j = 0; j < 3; ++j) {
            du[3 + i] += jacobian[i][j] * d[j];
        }
    }
    return 0;
}

typedef struct {
    void *memory;
    N_Vector state;
    SUNMatrix matrix;
    SUNLinearSolver solver;
} Integration;

/* Newton iteration with a dense matrix; without a Jacobian CVODE takes difference quotients. */
static Integration begin(SUNContext context, int size, CVRhsFn rates, CVLsJacFn jacobian)
{
    Integration run;
    run.state = N_VNew_Serial(size, context);
    run.matrix = SUNDenseMatrix(size, size, context);
    run.solver = SUNLinSol_Dense(run.state, run.matrix, context);
    run.memory = CVodeCreate(CV_BDF, context);
    N_VConst(0.0, run.state);
    for (int i = 0; i < 3; ++i) {
        NV_Ith_S(run.state, i) = i == 2 ? 20.0 : 1.0 + i;
    }
    check(CVodeInit(run.memory, rates, 0.0, run.state), "CVodeInit failed");
    check(CVodeSStolerances(run.memory, 1e-11, 1e-12), "tolerances were refused");
    check(CVodeSetMaxNumSteps(run.memory, 100000), "the number of steps was refused");
    check(CVodeSetLinearSolver(run.memory, run.solver, run.matrix), "no linear solver");
    if (jacobian != NULL) {
        check(CVodeSetJacFn(run.memory, jacobian), "the Jacobian was refused");
    }
    return run;
}

static void end(Integration *run)
{
    CVodeFree(&run->memory);
    SUNLinSolFree(run->solver);
    SUNMatDestroy(run->matrix);
    N_VDestroy(run->state);
}

static double length(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

int main(void)
{
    SUNContext context;
    check(SUNContext_Create(NULL, &context), "no context");
    Integration ours = begin(context, 3, found, found_jacobian);
    Integration theirs = begin(context, 6, truth, NULL);
    const double *z = N_VGetArrayPointer(ours.state);
    const double *u = N_VGetArrayPointer(theirs.state);

    double difference[3] = {0.0, 0.0, 0.0}, worst = 0.0, t = 0.0, reached;
    int compared = 0;
    printf("   t   difference    explained    unexplained\n");
    while (length(difference) < DIVERGED && t < LONGEST) {
        t += STEP;
        check(CVode(ours.memory, t, ours.state, &reached, CV_NORMAL) < 0, "found: CVODE failed");
        check(CVode(theirs.memory, t, theirs.state, &reached, CV_NORMAL) < 0, "CVODE failed");
        double left[3];
        for (int i = 0; i < 3; ++i) {
            difference[i] = z[i] - u[i];
            left[i] = difference[i] - u[3 + i];
        }
        const double share = length(left) / length(u + 3);
        printf("%5.1f   %.3e    %.3e    %.2f %%\n", t, length(difference), length(u + 3), 100 * share);
        if (length(difference) < DIVERGED) {
            worst = fmax(worst, share);
            ++compared;
        }
    }
    long steps, rates, jacobians, by_rates;
    CVodeGetNumSteps(ours.memory, &steps);
    CVodeGetNumRhsEvals(ours.memory, &rates);
    CVodeGetNumJacEvals(ours.memory, &jacobians);
    CVodeGetNumLinRhsEvals(ours.memory, &by_rates);
    printf("found system: %ld steps, %ld right-hand sides, %ld exported Jacobians\n", steps, rates,
           jacobians);
    printf("the error of the coefficients explains %.2f %% of the difference or more\n",
           100 * (1 - worst));
    check(jacobians < 1 || by_rates != 0, "the exported Jacobian was not used");
    check(compared < 2, "the found system is not the true one: it is elsewhere at once");
    check(!(length(difference) >= DIVERGED), "no divergence: nothing was tested");
    check(!(worst <= TOLERANCE), "the error of the coefficients does not explain the difference");
    end(&ours);
    end(&theirs);
    SUNContext_Free(&context);
    return 0;
}
