/* What one row costs through the C interface: guard_work.py compiles it against a build's library.
 *
 *     latency MODEL
 *
 * Prints "row" and the inputs of a row, "numbers" and its value, gradient and Hessian, and
 * "seconds" that a call for one row takes: of the value, and of all three. */

#include <closedform/c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 1000, RUNS = 100, MOST_INPUTS = 16 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char* what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Seconds a call in the fastest of some runs over all rows. */
static double fastest(const closedform_model* model, const double* x, size_t inputs, double* value,
                      double* gradient, double* hessian) {
    double best = 1e9;
    for (int run = 0; run < RUNS; ++run) {
        const double begun = now();
        for (int r = 0; r < ROWS; ++r) {
            if (closedform_evaluate(model, x + (size_t)r * inputs, 1, 1, value, gradient, hessian,
                                    NULL) != CLOSEDFORM_OK) {
                fail("a row could not be evaluated");
            }
        }
        const double taken = (now() - begun) / ROWS;
        best = taken < best ? taken : best;
    }
    return best;
}

static void print(const char* what, const double* numbers, size_t count) {
    printf("%s", what);
    for (size_t i = 0; i < count; ++i) {
        printf(" %.17g", numbers[i]);
    }
    printf("\n");
}

int main(int count, char** arguments) {
    static double x[ROWS * MOST_INPUTS];
    double numbers[1 + MOST_INPUTS + MOST_INPUTS * MOST_INPUTS];
    double seconds[2];
    closedform_error error;
    closedform_model* model = NULL;
    if (count != 2) {
        fail("usage: latency MODEL, of inputs in [0, 1]");
    }
    if (closedform_load(arguments[1], &model, &error) != CLOSEDFORM_OK) {
        fail(error.message);
    }
    const size_t n = closedform_inputs(model);
    if (n > MOST_INPUTS) {
        fail("too many inputs");
    }
    unsigned long long state = 1;
    for (size_t i = 0; i < ROWS * n; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x[i] = 0.05 + 0.9 * (double)(state >> 11) / 9007199254740992.0;
    }
    seconds[0] = fastest(model, x, n, numbers, NULL, NULL);
    seconds[1] = fastest(model, x, n, numbers, numbers + 1, numbers + 1 + n);
    print("row", x + (ROWS - 1) * n, n);
    print("numbers", numbers, 1 + n + n * n);
    print("seconds", seconds, 2);
    closedform_free(model);
    return 0;
}
