#include "core/blas.hpp"

#include <mutex>

// The Fortran interface: every BLAS has it, headers of the C one differ. CLOSEDFORM_BLAS_PREFIX is
// what scipy-openblas32 puts before each name.
#define CLOSEDFORM_JOIN2(a, b) a##b
#define CLOSEDFORM_JOIN(a, b) CLOSEDFORM_JOIN2(a, b)
#define CLOSEDFORM_BLAS(name) CLOSEDFORM_JOIN(CLOSEDFORM_BLAS_PREFIX, name)

extern "C" {
void CLOSEDFORM_BLAS(dgemm_)(const char* transpose_a, const char* transpose_b, const int* m,
                             const int* n, const int* k, const double* alpha, const double* a,
                             const int* lda, const double* b, const int* ldb, const double* beta,
                             double* c, const int* ldc);
void CLOSEDFORM_BLAS(sgemm_)(const char* transpose_a, const char* transpose_b, const int* m,
                             const int* n, const int* k, const float* alpha, const float* a,
                             const int* lda, const float* b, const int* ldb, const float* beta,
                             float* c, const int* ldc);
#if defined(CLOSEDFORM_OPENBLAS)
void CLOSEDFORM_BLAS(openblas_set_num_threads)(int threads);
int CLOSEDFORM_BLAS(openblas_get_num_threads)();
#endif
}

namespace closedform {
namespace {

void gemm(const char* transpose_a, int m, int n, int k, const double* a, int lda, const double* b,
          int ldb, double* c) {
    const double one = 1;
    const double zero = 0;
    CLOSEDFORM_BLAS(dgemm_)(transpose_a, "N", &m, &n, &k, &one, a, &lda, b, &ldb, &zero, c, &m);
}

void gemm(const char* transpose_a, int m, int n, int k, const float* a, int lda, const float* b,
          int ldb, float* c) {
    const float one = 1;
    const float zero = 0;
    CLOSEDFORM_BLAS(sgemm_)(transpose_a, "N", &m, &n, &k, &one, a, &lda, b, &ldb, &zero, c, &m);
}

// A row-major matrix is its transpose to Fortran, so both products are asked for transposed:
// out^T = b a^T and out^T = b^T a^T.
template <class T>
void transposed_product(const T* a, std::size_t a_stride, const T* b, std::size_t rows,
                        std::size_t columns, std::size_t inner, T* out) {
    gemm("T", static_cast<int>(columns), static_cast<int>(rows), static_cast<int>(inner), b,
         static_cast<int>(inner), a, static_cast<int>(a_stride), out);
}

template <class T>
void product(const T* a, const T* b, std::size_t rows, std::size_t columns, std::size_t inner,
             T* out) {
    gemm("N", static_cast<int>(columns), static_cast<int>(rows), static_cast<int>(inner), b,
         static_cast<int>(columns), a, static_cast<int>(inner), out);
}

}  // namespace

void multiply_transposed(const double* a, std::size_t a_stride, const double* b, std::size_t rows,
                         std::size_t columns, std::size_t inner, double* out) {
    transposed_product(a, a_stride, b, rows, columns, inner, out);
}

void multiply_transposed(const float* a, std::size_t a_stride, const float* b, std::size_t rows,
                         std::size_t columns, std::size_t inner, float* out) {
    transposed_product(a, a_stride, b, rows, columns, inner, out);
}

void multiply(const double* a, const double* b, std::size_t rows, std::size_t columns,
              std::size_t inner, double* out) {
    product(a, b, rows, columns, inner, out);
}

void multiply(const float* a, const float* b, std::size_t rows, std::size_t columns,
              std::size_t inner, float* out) {
    product(a, b, rows, columns, inner, out);
}

#if defined(CLOSEDFORM_OPENBLAS)

namespace {

// Follows OpenBLAS's own process-wide number: how many of us hold it at one, and what it was.
struct HeldNumber {
    std::mutex guard;
    int holders = 0;
    int before = 0;
};

HeldNumber& held_number() {
    static HeldNumber held;
    return held;
}

}  // namespace

SerialProducts::SerialProducts() {
    HeldNumber& held = held_number();
    const std::scoped_lock lock(held.guard);
    if (held.holders++ == 0) {
        held.before = CLOSEDFORM_BLAS(openblas_get_num_threads)();
        CLOSEDFORM_BLAS(openblas_set_num_threads)(1);
    }
}

SerialProducts::~SerialProducts() {
    HeldNumber& held = held_number();
    const std::scoped_lock lock(held.guard);
    if (--held.holders == 0) {
        CLOSEDFORM_BLAS(openblas_set_num_threads)(held.before);
    }
}

#else

SerialProducts::SerialProducts() = default;
SerialProducts::~SerialProducts() = default;

#endif

}  // namespace closedform
