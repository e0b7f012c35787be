#include "closedform/surrogate/tensor_surrogate.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/kernel_dispatch.hpp"
#include "core/parallel.hpp"
#include "kernels/simd/tensor.hpp"
#include "surrogate/place_rows.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(TensorRowKernels, tensor_row_kernels)

const TensorRowKernels& tensor_row_kernels() {
    static const TensorRowKernels& chosen =
        CLOSEDFORM_PICK_SET(TensorRowKernels, tensor_row_kernels);
    return chosen;
}

namespace {

constexpr std::array<std::pair<std::string_view, Outside>, 3> outside_names = {
    {{"error", Outside::error}, {"clamp", Outside::clamp}, {"linear", Outside::linear}}};

}  // namespace

std::string_view name(Outside outside) {
    return std::find_if(outside_names.begin(), outside_names.end(),
                        [&](const auto& known) { return known.second == outside; })
        ->first;
}

Outside outside_named(std::string_view name) {
    for (const auto& [known, outside] : outside_names) {
        if (name == known) {
            return outside;
        }
    }
    throw std::invalid_argument("outside must be \"error\", \"clamp\" or \"linear\", not \"" +
                                std::string(name) + "\"");
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

TensorSurrogate::TensorSurrogate(std::vector<GridBasis> bases, std::size_t modes,
                                 std::vector<std::vector<double>> factors, double offset,
                                 Outside outside)
    : bases_(std::move(bases)),
      modes_(modes),
      factors_(std::move(factors)),
      offset_(offset),
      outside_(outside) {
    bool fit = !bases_.empty() && modes_ > 0 && factors_.size() == bases_.size();
    for (std::size_t d = 0; fit && d < bases_.size(); ++d) {
        fit = factors_[d].size() == modes_ * bases_[d].node_count();
    }
    if (!fit) {
        throw std::invalid_argument("surrogate: parts do not belong together");
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

/// What one thread needs to evaluate a block; it grows with the inputs and is kept.
struct BlockSpace {
    void fit(std::size_t inputs) {
        if (views.size() < inputs) {
            cell.resize(inputs * tensor_block_rows);
            t.resize(inputs * tensor_block_rows);
            inverse_width.resize(inputs * tensor_block_rows);
            columns.resize(inputs * tensor_block_rows);
            views.resize(inputs);  // last: it says that all is there
        }
    }
    /// Also for derivatives: with thousands of inputs this is large, and a value needs none of it.
    void fit_derivatives(std::size_t inputs) {
        if (spare_gradient.size() < inputs * tensor_block_rows) {
            lanes.resize(kernels::tensor_row_space(inputs, true));
            spare_gradient.resize(inputs * tensor_block_rows);  // last: it says that all is there
        }
    }

    struct alignas(64) Lane {
        double v[widest_pack];
    };
    std::vector<int> cell;
    std::vector<double> t;
    std::vector<double> inverse_width;
    std::vector<double> columns;
    std::vector<double> spare_gradient;
    std::vector<Lane> lanes;
    std::vector<kernels::FactorView> views;
};

BlockSpace& block_space(std::size_t inputs) {
    thread_local BlockSpace space;
    space.fit(inputs);
    return space;
}

}  // namespace

void TensorSurrogate::evaluate_block(const double* x, std::size_t count, std::size_t stride,
                                     double* value, double* gradient, double* hessian) const {
    const std::size_t d = inputs();
    const TensorRowKernels& kernel = tensor_row_kernels();
    BlockSpace& space = block_space(d);
    if (gradient != nullptr || hessian != nullptr) {
        space.fit_derivatives(d);
    }
    for (std::size_t k = 0; k < d; ++k) {
        space.views[k] = {tables_[k].planes.data(), tables_[k].padded};
    }
    for (std::size_t first = 0; first < count; first += tensor_block_rows) {
        const std::size_t rows = std::min(tensor_block_rows, count - first);
        for (std::size_t k = 0; k < d; ++k) {
            kernel.locate(grid_of(tables_[k]), x + k * stride + first, rows,
                          space.cell.data() + k * tensor_block_rows,
                          space.t.data() + k * tensor_block_rows,
                          space.inverse_width.data() + k * tensor_block_rows);
        }
        if (gradient == nullptr && hessian == nullptr) {
            kernel.values(space.views.data(), d, space.cell.data(), space.t.data(), rows, offset_,
                          value + first);
        } else {
            kernel.derivatives(
                space.views.data(), d, space.cell.data(), space.t.data(),
                space.inverse_width.data(), rows, offset_, space.lanes.data()->v,
                value == nullptr ? nullptr : value + first,
                gradient == nullptr ? space.spare_gradient.data() : gradient + first * d,
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
    const auto work = [&](std::size_t piece, unsigned) {
        double* x = block_space(d).columns.data();
        const std::size_t end = std::min(rows.rows(), (piece + 1) * piece_rows);
        for (std::size_t first = piece * piece_rows; first < end; first += tensor_block_rows) {
            const std::size_t count = std::min(tensor_block_rows, end - first);
            rows.read_block(first, count, x, tensor_block_rows);
            if (outside_ == Outside::error) {
                check_inside(x, count, tensor_block_rows, first);
            }
            evaluate_block(x, count, tensor_block_rows, value == nullptr ? nullptr : value + first,
                           gradient == nullptr ? nullptr : gradient + first * d,
                           hessian == nullptr ? nullptr : hessian + first * d * d);
        }
    };
    if (pieces == 1) {  // a solver asks row by row: not even the loop's own bookkeeping
        work(0, 0);
    } else {
        parallel_for(pieces, threads, work);
    }
}

}  // namespace closedform
