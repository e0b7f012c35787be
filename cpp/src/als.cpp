#include "closedform/als.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "closedform/cell_moments.hpp"
#include "closedform/placed_rows.hpp"
#include "kernel_sets.hpp"
#include "simd/als_rows.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(AlsRowKernels, als_row_kernels)

const AlsRowKernels& als_row_kernels() {
    static const AlsRowKernels& chosen = CLOSEDFORM_PICK_SET(AlsRowKernels, als_row_kernels);
    return chosen;
}

namespace {

std::vector<double> penalty_of(const GridBasis& basis, double smoothing) {
    std::vector<double> penalty = basis.roughness();
    const std::vector<double> spread = basis.spread();
    for (std::size_t i = 0; i < penalty.size(); ++i) {
        penalty[i] = smoothing * (penalty[i] + (basis.levels() ? 10.0 : 1.0) * spread[i]);
    }
    for (std::size_t i = 0; i < basis.node_count(); ++i) {
        penalty[i * basis.node_count() + i] += 1e-13;  // nodes without rows stay put
    }
    return penalty;
}

/// Share of the moment t^q in the product of two shape functions: t^k t^l with k + l = q.
std::vector<double> weave_of(const GridBasis& basis) {
    const std::size_t width = basis.width();
    std::vector<double> weave(basis.cells() * moment_count * width * width, 0.0);
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* cell = weave.data() + c * moment_count * width * width;
        for (std::size_t i = 0; i < width; ++i) {
            for (std::size_t j = 0; j < width; ++j) {
                for (std::size_t k = 0; k < shape_count; ++k) {
                    for (std::size_t l = 0; l < shape_count; ++l) {
                        cell[((k + l) * width + i) * width + j] +=
                            basis.shape(c, i)[k] * basis.shape(c, j)[l];
                    }
                }
            }
        }
    }
    return weave;
}

class Solver {
  public:
    Solver(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
           const AlsOptions& options)
        : model_(model), free_(free), rows_(rows), options_(options), tables_(model.inputs()) {
        if (free.modes() != model.modes() || free.inputs() != model.inputs() ||
            rows.x.columns() != model.inputs() || rows.x.rows() != rows.y.size() ||
            rows.count() == 0 || (!rows.weights.empty() && rows.weights.size() != rows.y.size()) ||
            (!rows.multiplier.empty() && rows.multiplier.size() != rows.y.size())) {
            throw std::invalid_argument("als: sizes of rows, weights and model do not match");
        }
        for (std::size_t i = 0; i < rows.count(); ++i) {
            total_weight_ += rows.weight(rows.row(i));
        }
        if (!(total_weight_ > 0)) {
            throw std::invalid_argument("als: weights must have a positive sum");
        }
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            refresh_table(d);
            weaves_.push_back(weave_of(model.basis(d)));
            penalties_.push_back(penalty_of(model.basis(d), options.smoothing));
        }
        rows_there_ = options.rows_there
                          ? options.rows_there(rows)
                          : std::make_unique<PlacedRows>(rows, tables_, options.threads);
    }

    AlsResult run() {
        AlsResult result;
        double before = std::numeric_limits<double>::infinity();
        while (result.sweeps < options_.max_sweeps) {
            for (std::size_t d = 0; d < model_.inputs(); ++d) {
                if (options_.stop && options_.stop()) {
                    finish(result);
                    return result;
                }
                update(d);
            }
            ++result.sweeps;
            if (before - objective_ <= options_.tolerance * objective_) {
                break;
            }
            before = objective_;
        }
        finish(result);
        return result;
    }

  private:
    void finish(AlsResult& result) {
        result.rmse = std::sqrt(std::max(0.0, squares_) / total_weight_);
        model_.refresh();
    }

    void refresh_table(std::size_t d) {
        fill_factor_table(model_.basis(d), model_.factor(d), model_.modes(), Outside::linear,
                          tables_[d]);
    }

    void update(std::size_t d);
    void solve(std::size_t d);
    void assemble(std::size_t d);
    void store(std::size_t d, const std::vector<double>& u);
    /// Element of the normal matrix, row >= column.
    double& band(std::size_t row, std::size_t column) {
        return band_[column * (reach_ + 1) + row - column];
    }

    TensorSurrogate& model_;
    const FreeFactors& free_;
    const FitRows& rows_;
    const AlsOptions& options_;
    std::vector<FactorTable> tables_;
    std::vector<std::vector<double>> penalties_;  ///< per input, [nodes][nodes]
    std::unique_ptr<MomentRows> rows_there_;
    CellMoments moments_;
    std::vector<std::size_t> chosen_;  ///< modes whose factor of the current input is free
    std::size_t chosen_padded_ = 0;
    std::vector<std::vector<double>> weaves_;  ///< per input, [cells][9][width][width]
    std::size_t reach_ = 0;                    ///< sub-diagonals of the normal matrix
    std::vector<double> band_;                 ///< its lower band, by columns
    std::vector<double> right_;                ///< its right-hand side
    double total_weight_ = 0;
    double objective_ = 0;
    double squares_ = 0;
};

void Solver::update(std::size_t d) {
    chosen_.clear();
    for (std::size_t m = 0; m < model_.modes(); ++m) {
        if (free_(m, d)) {
            chosen_.push_back(m);
        }
    }
    if (chosen_.empty()) {
        return;
    }
    chosen_padded_ = (chosen_.size() + mode_padding - 1) / mode_padding * mode_padding;
    moments_.clear(model_.basis(d).cells(), chosen_.size(), chosen_padded_);
    rows_there_->gather(d, tables_, chosen_, model_.modes(), model_.offset(), chosen_padded_,
                        moments_);
    solve(d);
}

/// Normal matrix and right-hand side, unknowns ordered [node][mode]: only modes of nodes that share
/// a cell meet, so that the matrix is a narrow band.
void Solver::assemble(std::size_t d) {
    const GridBasis& basis = model_.basis(d);
    const std::size_t width = basis.width();
    const std::size_t modes = chosen_.size();
    CellMoments& moments = moments_;
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* cell = moments.pairs.data() + c * modes * moment_count * chosen_padded_;
        if (!moments.any(c, modes, chosen_padded_)) {
            continue;
        }
        for (std::size_t m = 0; m < modes; ++m) {  // each pair was summed once
            for (std::size_t q = 0; q < moment_count; ++q) {
                for (std::size_t n = m + 1; n < modes; ++n) {
                    cell[(m * moment_count + q) * chosen_padded_ + n] =
                        cell[(n * moment_count + q) * chosen_padded_ + m];
                }
            }
        }
        const std::size_t first = basis.first_node(c);
        als_row_kernels().add_cell(cell, weaves_[d].data() + c * moment_count * width * width,
                                   width, modes, chosen_padded_, first, band_.data(), reach_);
    }
    moments.add_by_node(basis, modes, chosen_padded_, right_.data());
    if (!options_.tilt.empty()) {
        const std::vector<double>& tilt = options_.tilt[d];
        for (std::size_t i = 0; i < right_.size(); ++i) {
            right_[i] += tilt[i / modes * model_.modes() + chosen_[i % modes]];
        }
    }
}

void Solver::solve(std::size_t d) {
    const GridBasis& basis = model_.basis(d);
    const std::size_t nodes = basis.node_count();
    const std::size_t modes = chosen_.size();
    // How many nodes on a node meets: those of its cells, and those a penalty ties it to.
    const std::size_t ties =
        basis.levels() ? nodes - 1 : std::max<std::size_t>(basis.width() - 1, 2);
    const std::size_t size = modes * nodes;
    reach_ = std::min((ties + 1) * modes - 1, size - 1);
    band_.assign(size * (reach_ + 1), 0.0);
    right_.assign(size, 0.0);
    assemble(d);

    // Penalties in proportion to what the mode's other factors carry, so that they do not depend on
    // how a mode's scale is shared among its factors.
    std::vector<double> carried(modes, 0.0);
    double most = 0;
    for (std::size_t m = 0; m < modes; ++m) {
        for (std::size_t c = 0; c < basis.cells(); ++c) {
            carried[m] += moments_.pairs[((c * modes + m) * moment_count) * chosen_padded_ + m];
        }
        most = std::max(most, carried[m]);
    }
    if (!(most > 0)) {
        return;  // every mode is zero elsewhere: nothing to learn from this input
    }
    const std::vector<double>& penalty = penalties_[d];
    for (std::size_t m = 0; m < modes; ++m) {
        carried[m] = std::max(carried[m], 1e-10 * most);
        for (std::size_t i = 0; i < nodes; ++i) {
            for (std::size_t j = i > ties ? i - ties : 0; j <= i; ++j) {
                band(i * modes + m, j * modes + m) += carried[m] * penalty[i * nodes + j];
            }
        }
    }
    const AlsRowKernels& kernel = als_row_kernels();
    const std::vector<double> original = band_;
    double ridge = 1e-12 * most / static_cast<double>(nodes);
    while (!kernel.factor_band(band_.data(), size, reach_)) {
        band_ = original;
        for (std::size_t i = 0; i < size; ++i) {
            band(i, i) += ridge;
        }
        ridge *= 100;
        if (!(ridge < 1e6 * most)) {
            return;
        }
    }
    std::vector<double> u = right_;
    kernel.solve_band(band_.data(), size, reach_, u.data());
    double gain = 0;
    double price = 0;
    for (std::size_t i = 0; i < size; ++i) {
        gain += right_[i] * u[i];
    }
    for (std::size_t m = 0; m < modes; ++m) {
        for (std::size_t i = 0; i < nodes; ++i) {
            double row = 0;
            for (std::size_t j = 0; j < nodes; ++j) {
                row += penalty[i * nodes + j] * u[j * modes + m];
            }
            price += carried[m] * row * u[i * modes + m];
        }
    }
    if (!std::isfinite(gain + price)) {
        return;
    }
    objective_ = moments_.square - gain;
    squares_ = objective_ - price;
    store(d, u);
}

/// Writes the solution back; a mode's scale moves on to its next free factor, which is solved next.
void Solver::store(std::size_t d, const std::vector<double>& u) {
    const std::size_t nodes = model_.basis(d).node_count();
    for (std::size_t f = 0; f < chosen_.size(); ++f) {
        const std::size_t m = chosen_[f];
        double scale = 0;
        for (std::size_t j = 0; j < nodes; ++j) {
            scale = std::max(scale, std::abs(u[j * chosen_.size() + f]));
        }
        std::size_t heir = d;
        for (std::size_t step = 1; step < model_.inputs() && heir == d; ++step) {
            const std::size_t k = (d + step) % model_.inputs();
            heir = free_(m, k) ? k : d;
        }
        if (heir == d || !(scale > 0) || !options_.tilt.empty()) {
            scale = 1;
        }
        for (std::size_t j = 0; j < nodes; ++j) {
            model_.factor(d)[m * nodes + j] = u[j * chosen_.size() + f] / scale;
        }
        if (scale != 1) {
            const std::size_t heir_nodes = model_.basis(heir).node_count();
            for (std::size_t j = 0; j < heir_nodes; ++j) {
                model_.factor(heir)[m * heir_nodes + j] *= scale;
            }
            const std::size_t padded = tables_[heir].padded;
            for (std::size_t at = m; at < tables_[heir].planes.size(); at += padded) {
                tables_[heir].planes[at] *= scale;
            }
        }
    }
    refresh_table(d);
}

}  // namespace

AlsResult fit_als(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
                  const AlsOptions& options) {
    return Solver(model, free, rows, options).run();
}

}  // namespace closedform
