#include "closedform/tensor_surrogate.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <string>

#include "closedform/parallel.hpp"
#include "kernel_sets.hpp"
#include "simd/tensor_rows.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(TensorRowKernels, tensor_row_kernels)

const TensorRowKernels& tensor_row_kernels() {
    static const TensorRowKernels& chosen =
        CLOSEDFORM_PICK_SET(TensorRowKernels, tensor_row_kernels);
    return chosen;
}

OutsideGrid::OutsideGrid(std::size_t row, std::size_t column, double value, double low, double high)
    : std::domain_error("row " + std::to_string(row) + ", column " + std::to_string(column) + ": " +
                        std::to_string(value) + " lies outside the surrogate's grid [" +
                        std::to_string(low) + ", " + std::to_string(high) +
                        "]; choose outside=\"linear\" or \"clamp\" to go beyond it"),
      row_(row),
      column_(column) {}

void fill_factor_table(const GridBasis& basis, std::span<const double> node_values,
                       std::size_t modes, Outside outside, FactorTable& table) {
    constexpr std::size_t planes = GridBasis::coefficients_per_shape;
    const std::size_t padded = (modes + mode_padding - 1) / mode_padding * mode_padding;
    const std::size_t nodes = basis.node_count();
    if (table.nodes.empty()) {
        table.nodes = basis.nodes();
        table.center.resize(basis.cells());
        table.inverse_width.resize(basis.cells());
        for (std::size_t c = 0; c < basis.cells(); ++c) {
            table.center[c] = basis.center(c);
            table.inverse_width[c] = basis.inverse_width(c);
        }
    }
    table.padded = padded;
    table.planes.assign(basis.cells() * planes * padded, 0.0);
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* out = table.planes.data() + c * planes * padded;
        for (std::size_t j = 0; j < basis.width(); ++j) {
            const double* shape = basis.shape(c, j);
            const double* u = node_values.data() + basis.first_node(c) + j;
            for (std::size_t k = 0; k < planes; ++k) {
                for (std::size_t m = 0; m < modes; ++m) {
                    out[k * padded + m] += shape[k] * u[m * nodes];
                }
            }
        }
    }
    if (outside == Outside::clamp) {
        for (const std::size_t c : {std::size_t{0}, basis.cells() - 1}) {
            double* out = table.planes.data() + c * planes * padded;
            std::fill(out + padded, out + planes * padded, 0.0);
        }
    }
}

TensorSurrogate::TensorSurrogate(std::vector<GridBasis> bases, std::size_t modes)
    : bases_(std::move(bases)), modes_(modes) {
    if (bases_.empty() || modes == 0) {
        throw std::invalid_argument("tensor surrogate: needs at least one input and one mode");
    }
    for (const GridBasis& basis : bases_) {
        factors_.emplace_back(modes * basis.node_count(), 0.0);
    }
    refresh();
}

void TensorSurrogate::set_outside(Outside outside) {
    outside_ = outside;
    refresh();
}

void TensorSurrogate::refresh() {
    tables_.resize(bases_.size());
    for (std::size_t d = 0; d < bases_.size(); ++d) {
        fill_factor_table(bases_[d], factors_[d], modes_, outside_, tables_[d]);
    }
}

namespace {

/// What one thread needs to evaluate a block.
struct BlockSpace {
    explicit BlockSpace(std::size_t inputs)
        : cell(inputs * tensor_block_rows),
          t(inputs * tensor_block_rows),
          inverse_width(inputs * tensor_block_rows),
          lanes(kernels::tensor_row_space(inputs, true)) {}

    struct alignas(64) Lane {
        double v[widest_pack];
    };
    std::vector<int> cell;
    std::vector<double> t;
    std::vector<double> inverse_width;
    std::vector<Lane> lanes;
};

}  // namespace

void TensorSurrogate::evaluate_block(const double* x, std::size_t count, std::size_t stride,
                                     double* value, double* gradient, double* hessian) const {
    const std::size_t d = inputs();
    const TensorRowKernels& kernel = tensor_row_kernels();
    thread_local std::unique_ptr<BlockSpace> space;
    thread_local std::size_t space_inputs = 0;
    thread_local std::vector<double> spare_gradient;
    if (!space || space_inputs != d) {
        space = std::make_unique<BlockSpace>(d);
        space_inputs = d;
    }
    std::vector<kernels::FactorView> views(d);
    for (std::size_t k = 0; k < d; ++k) {
        views[k] = {tables_[k].planes.data(), tables_[k].padded};
    }
    if (gradient == nullptr && hessian != nullptr) {
        spare_gradient.resize(tensor_block_rows * d);
    }
    for (std::size_t first = 0; first < count; first += tensor_block_rows) {
        const std::size_t rows = std::min(tensor_block_rows, count - first);
        for (std::size_t k = 0; k < d; ++k) {
            const FactorTable& table = tables_[k];
            kernel.locate({table.nodes.data(), table.nodes.size(), table.center.data(),
                           table.inverse_width.data()},
                          x + k * stride + first, rows, space->cell.data() + k * tensor_block_rows,
                          space->t.data() + k * tensor_block_rows,
                          space->inverse_width.data() + k * tensor_block_rows);
        }
        if (gradient == nullptr && hessian == nullptr) {
            kernel.values(views.data(), d, space->cell.data(), space->t.data(), rows, offset_,
                          value + first);
        } else {
            kernel.derivatives(views.data(), d, space->cell.data(), space->t.data(),
                               space->inverse_width.data(), rows, offset_, space->lanes.data()->v,
                               value == nullptr ? nullptr : value + first,
                               gradient == nullptr ? spare_gradient.data() : gradient + first * d,
                               hessian == nullptr ? nullptr : hessian + first * d * d);
        }
    }
}

void TensorSurrogate::check_inside(const double* x, std::size_t count, std::size_t stride,
                                   std::size_t first_row) const {
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t d = 0; d < inputs(); ++d) {
            const double v = x[d * stride + i];
            if (v < bases_[d].low() || v > bases_[d].high()) {
                throw OutsideGrid(first_row + i, d, v, bases_[d].low(), bases_[d].high());
            }
        }
    }
}

void TensorSurrogate::value(const Table& rows, double* out, unsigned threads) const {
    derivatives(rows, out, nullptr, nullptr, threads);
}

void TensorSurrogate::derivatives(const Table& rows, double* value, double* gradient,
                                  double* hessian, unsigned threads) const {
    if (rows.columns() != inputs()) {
        throw std::invalid_argument("tensor surrogate: X has " + std::to_string(rows.columns()) +
                                    " columns, the surrogate " + std::to_string(inputs()));
    }
    const std::size_t d = inputs();
    constexpr std::size_t piece_rows = 16 * tensor_block_rows;
    const std::size_t pieces = (rows.rows() + piece_rows - 1) / piece_rows;
    const unsigned workers = resolve_threads(threads);
    std::vector<std::vector<double>> columns(workers);
    parallel_for(pieces, workers, [&](std::size_t piece, unsigned worker) {
        std::vector<double>& x = columns[worker];
        x.resize(d * tensor_block_rows);
        const std::size_t end = std::min(rows.rows(), (piece + 1) * piece_rows);
        for (std::size_t first = piece * piece_rows; first < end; first += tensor_block_rows) {
            const std::size_t count = std::min(tensor_block_rows, end - first);
            rows.read_block(first, count, x.data(), tensor_block_rows);
            if (outside_ == Outside::error) {
                check_inside(x.data(), count, tensor_block_rows, first);
            }
            evaluate_block(x.data(), count, tensor_block_rows,
                           value == nullptr ? nullptr : value + first,
                           gradient == nullptr ? nullptr : gradient + first * d,
                           hessian == nullptr ? nullptr : hessian + first * d * d);
        }
    });
}

}  // namespace closedform
