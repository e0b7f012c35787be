/* The C interface from C99: every file named on the corpus's list gives the values beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <closedform/c_api.h>

static double number(FILE* file) {
    char word[64];
    return fscanf(file, "%63s", word) == 1 ? strtod(word, NULL) : NAN;
}

/* Largest difference; where one is not finite, neither may the other be. */
static double difference(const double* got, FILE* expected, size_t count) {
    double worst = 0;
    for (size_t i = 0; i < count; ++i) {
        const double e = number(expected);
        const double d = fabs(got[i] - e) / (1 + fabs(e));
        if (!isfinite(got[i]) != !isfinite(e)) {
            return INFINITY;
        }
        worst = isfinite(e) && d > worst ? d : worst;
    }
    return worst;
}

static int check(const char* folder, const char* name, const char* extension) {
    char path[1024];
    char line[1024];
    closedform_error error;
    closedform_model* model = NULL;
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, extension);
    if (closedform_load(path, &model, &error) != CLOSEDFORM_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    FILE* expected = fopen(path, "r");
    size_t inputs = 0;
    size_t rows = 0;
    int failures = expected == NULL || fscanf(expected, "%zu %zu\n", &inputs, &rows) != 2 ||
                   inputs != closedform_inputs(model);
    for (size_t i = 0; failures == 0 && i < inputs; ++i) {
        failures += fgets(line, sizeof line, expected) == NULL;
        line[strcspn(line, "\n")] = '\0';
        failures += strcmp(line, closedform_input_name(model, i)) != 0;
    }
    double* x = malloc((inputs + 1 + inputs + inputs * inputs) * sizeof *x);
    double* out = x + inputs; /* value, gradient, Hessian: as the file has them */
    for (size_t r = 0; failures == 0 && r < rows; ++r) {
        for (size_t i = 0; i < inputs; ++i) {
            x[i] = number(expected);
        }
        failures += closedform_evaluate(model, x, 1, 1, out, out + 1, out + 1 + inputs, &error) !=
                    CLOSEDFORM_OK;
        failures += !(difference(out, expected, 1 + inputs + inputs * inputs) < 1e-11);
    }
    free(x);
    if (expected != NULL) {
        fclose(expected);
    }
    closedform_free(model);
    if (failures != 0) {
        fprintf(stderr, "%s: not what the corpus says\n", path);
    }
    return failures;
}

int main(int count, char** arguments) {
    static const char* const files[][2] = {
        {"outside_linear", "npz"}, {"outside_clamp", "npz"},   {"unicode_names", "npz"},
        {"one_input", "npz"},      {"front", "json"},          {"front_null_loss", "json"},
        {"all_operators", "json"}, {"unicode_formula", "json"}};
    closedform_error error;
    closedform_model* model = NULL;
    int failures = count != 2 || closedform_c_api_version() != CLOSEDFORM_C_API_VERSION;
    for (size_t i = 0; failures == 0 && i < sizeof files / sizeof files[0]; ++i) {
        failures += check(arguments[1], files[i][0], files[i][1]);
    }
    failures += closedform_load(arguments[0], &model, &error) != CLOSEDFORM_BAD_FILE;
    printf("closedform %s from C: %d failures\n", closedform_version(), failures);
    return failures != 0;
}
