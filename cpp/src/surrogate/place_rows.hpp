#pragma once
// Where rows lie on the grids of a surrogate: the cell and the coordinate in it, input by input.

#include <cstddef>
#include <span>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "kernels/simd/tensor.hpp"

namespace closedform {

inline GridView grid_of(const FactorTable& table) {
    return {table.nodes.data(), table.nodes.size(), table.center.data(),
            table.inverse_width.data()};
}

/// Of `count` rows, whose input k is at x + k * stride; cell and t are laid out as x is.
void place_rows(std::span<const FactorTable> tables, const double* x, std::size_t stride,
                std::size_t count, int* cell, double* t);

}  // namespace closedform
