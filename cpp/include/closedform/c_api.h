/* The stable C interface: a surrogate or a formula that Python saved, as a function of n inputs
 * with exact first and second derivatives. For C, Fortran (fortran/closedform.f90) and others.
 *
 *     closedform_error error;
 *     closedform_model* model;
 *     if (closedform_load("law.json", &model, &error) != CLOSEDFORM_OK) { puts(error.message); }
 *     closedform_evaluate(model, x, 1, 1, &f, df, NULL, &error);
 *     closedform_free(model);
 *
 * A model never changes: any number of threads may use one at the same time, and free it once when
 * none does. No function keeps state of its own, throws, or prints. Functions that can fail return
 * a closedform_status and, when they fail, write one line into `error` unless that is NULL. */
#ifndef CLOSEDFORM_C_API_H
#define CLOSEDFORM_C_API_H

#include <stddef.h>

#if defined(CLOSEDFORM_EXPORTS) && defined(__GNUC__)
#define CLOSEDFORM_API __attribute__((visibility("default")))
#else
#define CLOSEDFORM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something is added; what exists keeps its meaning. A change that breaks programs
 * compiled before changes the shared library's SOVERSION. */
#define CLOSEDFORM_C_API_VERSION 2

/* CLOSEDFORM_C_API_VERSION of the library that is running. */
CLOSEDFORM_API int closedform_c_api_version(void);

/* The library's version, for example "0.1.0". */
CLOSEDFORM_API const char* closedform_version(void);

typedef enum closedform_status {
    CLOSEDFORM_OK = 0,
    CLOSEDFORM_BAD_ARGUMENT = 1, /* a null pointer, an index out of range */
    CLOSEDFORM_CANNOT_READ = 2,  /* no such file, or no permission */
    CLOSEDFORM_BAD_FILE = 3,     /* cut off, damaged, or something else altogether */
    CLOSEDFORM_NEWER_FILE = 4,   /* written by a later closedform */
    CLOSEDFORM_OUTSIDE = 5,      /* a row outside the grid of a surrogate with outside="error" */
    CLOSEDFORM_NO_MEMORY = 6,
    CLOSEDFORM_FAILED = 7,   /* anything else; the message says what */
    CLOSEDFORM_NO_DEVICE = 8 /* no GPU that can be used, or an error on it (since version 2) */
} closedform_status;

/* One line of UTF-8, ended by a zero; written only when a function fails. */
typedef struct closedform_error {
    char message[512];
} closedform_error;

typedef struct closedform_model closedform_model;

/* Reads what Surrogate.save, Formula.save or Front.save wrote: from the file at `path`, or from
 * `size` bytes in memory, which are not needed afterwards. Of a front, the model is its best
 * formula. *model is NULL after a failure; otherwise give it to closedform_free. */
CLOSEDFORM_API int closedform_load(const char* path, closedform_model** model,
                                   closedform_error* error);
CLOSEDFORM_API int closedform_load_memory(const void* bytes, size_t size, closedform_model** model,
                                          closedform_error* error);

/* Formulas in the file `model` came from, by complexity; 0 for a surrogate. */
CLOSEDFORM_API size_t closedform_formula_count(const closedform_model* model);

/* Another formula of the same front, 0 <= index < closedform_formula_count(model), as a model of
 * its own: to be freed on its own. */
CLOSEDFORM_API int closedform_choose(const closedform_model* model, size_t index,
                                     closedform_model** formula, closedform_error* error);

/* NULL is fine. */
CLOSEDFORM_API void closedform_free(closedform_model* model);

/* Number of inputs n. */
CLOSEDFORM_API size_t closedform_inputs(const closedform_model* model);

/* Name of an input in UTF-8, in the order of the columns; NULL past the last. Lives as long as the
 * model. */
CLOSEDFORM_API const char* closedform_input_name(const closedform_model* model, size_t input);

/* The formula's text; "" for a surrogate. Lives as long as the model. */
CLOSEDFORM_API const char* closedform_text(const closedform_model* model);

/* The formula's loss on the rows it was searched on, the surrogate's held-out error; NaN where the
 * file does not say. */
CLOSEDFORM_API double closedform_loss(const closedform_model* model);

/* Value [row_count], gradient [row_count][n] and Hessian [row_count][n][n] at the rows
 * [row_count][n], one behind the other; give NULL for what is not wanted. Results are double for
 * float rows, too. A formula is not finite where it is not defined; a NaN input gives NaN.
 *
 * threads: 0 for all cores. Up to some thousand rows are done in the calling thread whatever it
 * says; that thread keeps its working memory (about 1 MB for formulas), so that only its first call
 * allocates. After a failure the results are undefined. */
CLOSEDFORM_API int closedform_evaluate(const closedform_model* model, const double* rows,
                                       size_t row_count, unsigned threads, double* value,
                                       double* gradient, double* hessian, closedform_error* error);
CLOSEDFORM_API int closedform_evaluate_float(const closedform_model* model, const float* rows,
                                             size_t row_count, unsigned threads, double* value,
                                             double* gradient, double* hessian,
                                             closedform_error* error);

/* Where rows are worked on (since version 2). A GPU is CUDA's current device, for programs that are
 * linked with closedform::cuda. */
typedef enum closedform_device { CLOSEDFORM_CPU = 0, CLOSEDFORM_CUDA = 1 } closedform_device;

/* As closedform_evaluate, on a closedform_device. Rows and results are in the host's memory with
 * CLOSEDFORM_CUDA, too, which evaluates surrogates in the precision of the rows and knows no
 * `threads`: CLOSEDFORM_NO_DEVICE where the library was built without CUDA, no GPU can be used, or
 * its memory runs out; CLOSEDFORM_BAD_ARGUMENT for a formula and for a surrogate with
 * outside="error", which the CPU evaluates. */
CLOSEDFORM_API int closedform_evaluate_on(int device, const closedform_model* model,
                                          const double* rows, size_t row_count, unsigned threads,
                                          double* value, double* gradient, double* hessian,
                                          closedform_error* error);
CLOSEDFORM_API int closedform_evaluate_float_on(int device, const closedform_model* model,
                                                const float* rows, size_t row_count,
                                                unsigned threads, double* value, double* gradient,
                                                double* hessian, closedform_error* error);

#ifdef __cplusplus
}
#endif

#endif
