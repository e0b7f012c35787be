#include "surrogate/als.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "core/kernel_dispatch.hpp"
#include "kernels/simd/als.hpp"
#include "surrogate/als_equations.hpp"
#include "surrogate/als_moments.hpp"
#include "surrogate/als_rows.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(AlsRowKernels, als_row_kernels)

const AlsRowKernels& als_row_kernels() {
    static const AlsRowKernels& chosen = CLOSEDFORM_PICK_SET(AlsRowKernels, als_row_kernels);
    return chosen;
}

namespace {

class Solver {
  public:
    Solver(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
           const AlsOptions& options)
        : model_(model), free_(free), options_(options), tables_(model.inputs()) {
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
            equations_.emplace_back(model.basis(d), options.smoothing);
        }
        if (options.rows_there) {
            rows_there_ = options.rows_there(rows);
        }
        if (!rows_there_) {
            rows_there_ =
                std::make_unique<PlacedRows>(rows, tables_, options.threads, options.stop);
        }
    }

    AlsResult run() {
        AlsResult result;
        double before = std::numeric_limits<double>::infinity();
        while (result.sweeps < options_.max_sweeps) {
            for (std::size_t d = 0; d < model_.inputs(); ++d) {
                if (options_.stop.stopped()) {
                    finish(result);
                    if (result.sweeps == 0) {  // no error that could be compared
                        result.rmse = std::numeric_limits<double>::infinity();
                    }
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
    void store(std::size_t d, const std::vector<double>& u);

    TensorSurrogate& model_;
    const FreeFactors& free_;
    const AlsOptions& options_;
    std::vector<FactorTable> tables_;
    std::vector<InputEquations> equations_;  ///< one an input
    std::unique_ptr<MomentRowSums> rows_there_;
    CellMoments moments_;
    std::vector<std::size_t> chosen_;  ///< modes whose factor of the current input is free
    std::size_t chosen_padded_ = 0;
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
    rows_there_->add({d, tables_, chosen_, model_.modes(), model_.offset(), chosen_padded_},
                     options_.stop, moments_);
    InputEquations& equations = equations_[d];
    if (!equations.take(moments_, chosen_.size(), chosen_padded_, options_.stop)) {
        return;
    }
    const std::span<const double> right = equations.right();
    const std::vector<double> u = equations.solve(right);
    const double gain = std::inner_product(u.begin(), u.end(), right.begin(), 0.0);
    const std::vector<double> penalty = equations.penalty_of(u);
    const double price = std::inner_product(u.begin(), u.end(), penalty.begin(), 0.0);
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
        if (heir == d || !(scale > 0)) {
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
