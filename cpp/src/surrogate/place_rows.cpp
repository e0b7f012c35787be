#include "surrogate/place_rows.hpp"

#include <algorithm>
#include <array>

namespace closedform {

void place_rows(std::span<const FactorTable> tables, const double* x, std::size_t stride,
                std::size_t count, int* cell, double* t) {
    std::array<double, tensor_block_rows> unused{};
    for (std::size_t k = 0; k < tables.size(); ++k) {
        for (std::size_t first = 0; first < count; first += tensor_block_rows) {
            const std::size_t at = k * stride + first;
            tensor_row_kernels().locate(grid_of(tables[k]), x + at,
                                        std::min(tensor_block_rows, count - first), cell + at,
                                        t + at, unused.data());
        }
    }
}

}  // namespace closedform
