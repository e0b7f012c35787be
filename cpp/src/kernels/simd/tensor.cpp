#include "kernels/simd/tensor.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t stride = tensor_block_rows;

void locate(GridView grid, const double* x, std::size_t count, int* cell, double* t,
            double* inverse_width) {
    // Counting the nodes at or below x has no branch and no gather; grids are short. The right end
    // belongs to the last element.
    constexpr std::size_t group = 32;
    double below[stride];
    const std::size_t last = grid.node_count - 1;
    const double end = grid.nodes[last];
    if (count == 1) {  // a solver's row: no lanes to fill
        int nodes = x[0] > end ? 1 : 0;
        for (std::size_t j = 0; j < last; ++j) {
            nodes += x[0] >= grid.nodes[j] ? 1 : 0;
        }
        below[0] = nodes;
    }
    for (std::size_t first = 0; first < count && count > 1; first += group) {
        double at[group];
        double sum[group];
        for (std::size_t i = 0; i < group; ++i) {
            at[i] = first + i < count ? x[first + i] : end;
            sum[i] = at[i] > end ? 1.0 : 0.0;
        }
        for (std::size_t j = 0; j < last; ++j) {
            const double node = grid.nodes[j];
            for (std::size_t i = 0; i < group; ++i) {
                sum[i] += at[i] >= node ? 1.0 : 0.0;
            }
        }
        for (std::size_t i = 0; i < group; ++i) {
            below[first + i] = sum[i];
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const int c = static_cast<int>(below[i]);
        cell[i] = c;
        inverse_width[i] = grid.inverse_width[c];
        t[i] = (x[i] - grid.center[c]) * grid.inverse_width[c];
    }
}

void values(const kernels::FactorView* factors, std::size_t inputs, const int* cell,
            const double* t, std::size_t count, double offset, double* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const kernels::RowPlace<double> at = {cell + i, t + i, nullptr, stride};
        out[i] = offset + kernels::tensor_value<Pack>(kernels::FactorViews{factors}, inputs,
                                                      factors[0].padded, at);
    }
}

void derivatives(const kernels::FactorView* factors, std::size_t inputs, const int* cell,
                 const double* t, const double* inverse_width, std::size_t count, double offset,
                 double* space, double* value, double* gradient, double* hessian) {
    for (std::size_t i = 0; i < count; ++i) {
        const double u = kernels::tensor_derivatives<Pack>(
            kernels::FactorViews{factors}, inputs, factors[0].padded,
            {cell + i, t + i, inverse_width + i, stride}, reinterpret_cast<Pack*>(space),
            gradient + i * inputs, hessian == nullptr ? nullptr : hessian + i * inputs * inputs);
        if (value != nullptr) {
            value[i] = offset + u;
        }
    }
}

}  // namespace

const TensorRowKernels* tensor_row_kernels() {
    static const TensorRowKernels table = {locate, values, derivatives};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
