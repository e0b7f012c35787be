#pragma once
// The two products of row-major matrices that a network needs, by the BLAS that was linked, each
// call on the thread that makes it.

#include <cstddef>

namespace closedform {

/// out [rows x columns] = a [rows x inner] b^T with b [columns x inner]. `a_stride`: from one row
/// of a to the next; b and out are contiguous. No size exceeds an int (32 bits); none is zero.
void multiply_transposed(const double* a, std::size_t a_stride, const double* b, std::size_t rows,
                         std::size_t columns, std::size_t inner, double* out);
void multiply_transposed(const float* a, std::size_t a_stride, const float* b, std::size_t rows,
                         std::size_t columns, std::size_t inner, float* out);

/// out [rows x columns] = a [rows x inner] b with b [inner x columns], all contiguous.
void multiply(const double* a, const double* b, std::size_t rows, std::size_t columns,
              std::size_t inner, double* out);
void multiply(const float* a, const float* b, std::size_t rows, std::size_t columns,
              std::size_t inner, float* out);

/// While one lives, products run on the thread that calls them and on no other: the rows are
/// already shared out among threads, and a BLAS that shared each product out again would make more
/// threads than cores.
///
/// OpenBLAS keeps this number once per process and per loaded copy of the library, not per thread
/// (openblas_set_num_threads_local exists, but sets the same number, and not every build has it).
/// So the number is put back when the last of ours ends; meanwhile other callers of the SAME copy
/// get one thread as well. With scipy-openblas32 that is nobody: numpy and scipy bring copies of
/// their own. A BLAS that is not OpenBLAS is left alone; its environment variable (for example
/// MKL_NUM_THREADS=1) says it there.
class SerialProducts {
  public:
    SerialProducts();
    ~SerialProducts();
    SerialProducts(const SerialProducts&) = delete;
    SerialProducts& operator=(const SerialProducts&) = delete;
};

}  // namespace closedform
