/* The functions that are told a device: on the CPU they are those that are not told; on a GPU they
 * agree with the CPU, or say in one line why there is none. */
#include <closedform/c_api.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(int holds, const char* what) {
    if (!holds) {
        fprintf(stderr, "failed: %s\n", what);
        ++failures;
    }
}

int main(int count, char** arguments) {
    const double rows[2][3] = {{0.25, -0.5, 1}, {0.5, 0.125, 0.75}};
    const float singles[2][3] = {{0.25F, -0.5F, 1}, {0.5F, 0.125F, 0.75F}};
    double here[2 * 13];
    double there[2 * 13];
    char path[1024];
    closedform_error error = {""};
    closedform_model* surrogate = NULL;
    closedform_model* formula = NULL;
    int status = 0;
    if (count != 3) {
        return 2;
    }
    snprintf(path, sizeof path, "%s/outside_linear.npz", arguments[1]);
    check(closedform_load(path, &surrogate, &error) == CLOSEDFORM_OK, "a surrogate loads");
    snprintf(path, sizeof path, "%s/all_operators.json", arguments[1]);
    check(closedform_load(path, &formula, &error) == CLOSEDFORM_OK, "a formula loads");

    closedform_evaluate(surrogate, rows[0], 2, 1, here, here + 2, here + 8, &error);
    status = closedform_evaluate_on(CLOSEDFORM_CPU, surrogate, rows[0], 2, 1, there, there + 2,
                                    there + 8, &error);
    check(status == CLOSEDFORM_OK && memcmp(here, there, sizeof here) == 0, "the CPU is the CPU");

    status = closedform_evaluate_on(CLOSEDFORM_CUDA, surrogate, rows[0], 2, 1, there, there + 2,
                                    there + 8, &error);
    printf("by %s: %s\n", arguments[2], status == CLOSEDFORM_OK ? "on a GPU" : error.message);
    if (status == CLOSEDFORM_OK) {
        for (int i = 0; i < 2 * 13; ++i) {
            check(fabs(there[i] - here[i]) < 1e-10 * (1 + fabs(here[i])), "a GPU agrees");
        }
    } else {
        check(status == CLOSEDFORM_NO_DEVICE && strncmp(error.message, "device: ", 8) == 0 &&
                  strchr(error.message, '\n') == NULL,
              "no device is said in one line");
    }
    check((strstr(error.message, "without CUDA") == NULL) == (strcmp(arguments[2], "cuda") == 0),
          "closedform::cuda has the kernels, and no other");
    check(closedform_evaluate_float_on(CLOSEDFORM_CUDA, surrogate, singles[0], 2, 1, there, NULL,
                                       NULL, &error) == status,
          "float32 rows do as float64 rows");
    check(closedform_evaluate_on(CLOSEDFORM_CUDA, formula, rows[0], 2, 1, there, NULL, NULL,
                                 &error) == CLOSEDFORM_BAD_ARGUMENT,
          "formulas are the CPU's");
    check(closedform_evaluate_on(2, surrogate, rows[0], 2, 1, there, NULL, NULL, &error) ==
              CLOSEDFORM_BAD_ARGUMENT,
          "no such device");
    closedform_free(surrogate);
    closedform_free(formula);
    return failures != 0;
}
