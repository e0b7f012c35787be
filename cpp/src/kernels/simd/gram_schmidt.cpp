// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "kernels/simd/gram_schmidt.hpp"

#include "kernels/simd/lanes.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

double dot(const double* a, const double* b, std::size_t rows) {
    double lane[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < rows; ++i) {
        lane[0] += a[i] * b[i];
    }
    return total(lane);
}

double project_out(const double* basis, std::size_t count, std::size_t rows, double* column,
                   double* parts) {
    for (std::size_t at = 0; at < count; ++at) {
        const double* __restrict direction = basis + at * rows;
        double* __restrict rest = column;
        const double part = dot(direction, rest, rows);
        for (std::size_t i = 0; i < rows; ++i) {
            rest[i] -= part * direction[i];
        }
        parts[at] += part;
    }
    return dot(column, column, rows);
}

}  // namespace

const GramSchmidtKernels* gram_schmidt_kernels() {
    static constexpr GramSchmidtKernels table = {project_out};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
