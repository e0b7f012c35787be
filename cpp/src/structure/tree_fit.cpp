#include "structure/tree_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/parallel.hpp"
#include "structure/slice.hpp"
#include "surrogate/column_grids.hpp"

namespace closedform {

TreeSample::TreeSample(const TensorSurrogate& model, const Table& table,
                       std::span<const double> targets, std::span<const double> row_weights,
                       std::uint64_t seed, unsigned threads)
    : rows(std::min(table.rows(), tree_rows)),
      inputs(table.columns()),
      held_out(hold_out_rows(rows, seed)) {
    x.resize(rows * inputs);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t row = table.rows() * i / rows;
        for (std::size_t d = 0; d < inputs; ++d) {
            x[i * inputs + d] = table(row, d);
        }
        if (!targets.empty()) {
            y.push_back(targets[row]);
        }
        if (!row_weights.empty()) {
            weights.push_back(row_weights[row]);
        }
    }
    const Table sampled = MatrixView<const double>(x.data(), rows, inputs);
    if (targets.empty()) {
        y.resize(rows);
        model.value(sampled, y.data(), threads);
    }
    grids = column_grids(sampled);
    deviation = weighted_moments(y, weights).deviation;
}

namespace {

double at_anchor(const TensorSurrogate& model, const std::vector<double>& anchor) {
    double u = 0;
    model.evaluate_block(anchor.data(), 1, 1, &u, nullptr, nullptr);
    return u;
}

}  // namespace

FittedTree::FittedTree(const SeparationTree& tree, const TreeStart& start, const TreeSample& sample,
                       const TreeFitOptions& options)
    : tree_(tree) {
    build(tree_, 0, 1, 0, start, sample, options);
}

/// The node's function is scale * u(its block; anchor) + shift.
std::size_t FittedTree::build(const SeparationTree& tree, std::size_t parent, double scale,
                              double shift, const TreeStart& start, const TreeSample& sample,
                              const TreeFitOptions& options) {
    const std::size_t self = nodes_.size();
    nodes_.push_back({tree.kind, parent, {}, leaves_.size(), 0});
    if (tree.parts.empty()) {
        std::vector<GridBasis> bases;
        for (const std::size_t d : tree.inputs) {
            bases.push_back(sample.grids.basis(d, options.segments, options.patch, options.degree));
        }
        leaves_.push_back(on_other_grid(slice(start.model, tree.inputs, start.anchor, scale, shift),
                                        std::move(bases)));
        leaf_inputs_.push_back(tree.inputs);
        return self;
    }
    const double u0 = at_anchor(start.model, start.anchor);
    const double here = scale * u0 + shift;
    double constant = here;
    for (std::size_t p = 0; p < tree.parts.size(); ++p) {
        const SeparationTree& part = tree.parts[p];
        double part_scale = scale;
        double part_shift = shift;
        if (tree.kind == SeparationTree::Kind::sum) {
            part_shift = shift - here;
            const auto known = start.offsets.find(part.inputs);
            if (part.kind == SeparationTree::Kind::product && known != start.offsets.end()) {
                part_shift = -scale * known->second;
                constant -= scale * u0 + part_shift;
            }
        } else if (p > 0 && here != 0) {
            part_scale /= here;
            part_shift /= here;
        }
        const std::size_t child = build(part, self, part_scale, part_shift, start, sample, options);
        nodes_[self].children.push_back(child);
    }
    nodes_[self].constant = tree.kind == SeparationTree::Kind::sum ? constant : 0;
    return self;
}

void FittedTree::leaf_values(const TreeSample& sample, std::size_t leaf,
                             std::vector<double>& out) const {
    constexpr std::size_t block = 256;
    const auto& inputs = leaf_inputs_[leaf];
    std::vector<double> x(inputs.size() * block);
    out.resize(sample.rows);
    for (std::size_t first = 0; first < sample.rows; first += block) {
        const std::size_t count = std::min(block, sample.rows - first);
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < inputs.size(); ++k) {
                x[k * block + i] = sample.x[(first + i) * sample.inputs + inputs[k]];
            }
        }
        leaves_[leaf].evaluate_block(x.data(), count, block, out.data() + first, nullptr, nullptr);
    }
}

/// values[node] from its children's.
void FittedTree::combine(std::vector<std::vector<double>>& values, std::size_t node) const {
    const bool sum = nodes_[node].kind == SeparationTree::Kind::sum;
    std::fill(values[node].begin(), values[node].end(), sum ? nodes_[node].constant : 1.0);
    for (const std::size_t child : nodes_[node].children) {
        for (std::size_t i = 0; i < values[node].size(); ++i) {
            if (sum) {
                values[node][i] += values[child][i];
            } else {
                values[node][i] *= values[child][i];
            }
        }
    }
}

std::vector<double> FittedTree::value(const TreeSample& sample) const {
    std::vector<std::vector<double>> values(nodes_.size(), std::vector<double>(sample.rows));
    for (std::size_t node = nodes_.size(); node-- > 0;) {
        if (nodes_[node].kind == SeparationTree::Kind::leaf) {
            leaf_values(sample, nodes_[node].leaf, values[node]);
        } else {
            combine(values, node);
        }
    }
    return values[0];
}

/// The nodes' values at all rows of the sample, and one node after another fitted to what the
/// others leave.
class FittedTree::Fitting {
  public:
    Fitting(FittedTree& tree, const TreeSample& sample, ChosenRows rows,
            const TreeFitOptions& options, const StopToken& stop)
        : tree_(tree),
          nodes_(tree.nodes_),
          sample_(sample),
          rows_(rows),
          options_(options),
          values_(nodes_.size(), std::vector<double>(sample.rows)),
          columns_(tree.leaves_.size()),
          target_(sample.rows),
          slope_(sample.rows) {
        als_.smoothing = options.smoothing;
        als_.tolerance = 1e-6;
        als_.stop = stop;
        for (std::size_t leaf = 0; leaf < columns_.size(); ++leaf) {
            columns_[leaf] = own_inputs(leaf);
        }
        for (std::size_t node = nodes_.size(); node-- > 0;) {
            if (nodes_[node].kind == SeparationTree::Kind::leaf) {
                tree_.leaf_values(sample_, nodes_[node].leaf, values_[node]);
            } else {
                tree_.combine(values_, node);
            }
        }
    }

    /// A sum's constant: a number times the slope.
    void fit_constant(std::size_t node) {
        linearise(node);
        double up = 0;
        double down = 0;
        const auto add = [&](std::size_t i) {
            const double w = sample_.weights.empty() ? 1.0 : sample_.weights[i];
            up += w * slope_[i] *
                  (target_[i] - slope_[i] * (values_[node][i] - nodes_[node].constant));
            down += w * slope_[i] * slope_[i];
        };
        for (std::size_t p = 0; p < (rows_ ? rows_->size() : sample_.rows); ++p) {
            add(rows_ ? (*rows_)[p] : p);
        }
        if (down > 0) {
            nodes_[node].constant = up / down;
            tree_.combine(values_, node);
            propagate(node);
        }
    }

    /// Returns the error that is left.
    double fit_leaf(std::size_t node) {
        linearise(node);
        TensorSurrogate& leaf = tree_.leaves_[nodes_[node].leaf];
        const std::size_t width = leaf.inputs();
        als_.max_sweeps = width == 1 ? 1 : (nodes_.size() == 1 ? options_.sweeps : 5);
        const FitRows data{
            MatrixView<const double>(columns_[nodes_[node].leaf].data(), sample_.rows, width),
            target_, sample_.weights, slope_, rows_};
        const double error = fit_als(leaf, FreeFactors(leaf.modes(), width), data, als_).rmse;
        tree_.leaf_values(sample_, nodes_[node].leaf, values_[node]);
        propagate(node);
        return error;
    }

  private:
    std::vector<double> own_inputs(std::size_t leaf) const {
        const auto& inputs = tree_.leaf_inputs_[leaf];
        std::vector<double> columns(sample_.rows * inputs.size());
        for (std::size_t i = 0; i < sample_.rows; ++i) {
            for (std::size_t k = 0; k < inputs.size(); ++k) {
                columns[i * inputs.size() + k] = sample_.x[i * sample_.inputs + inputs[k]];
            }
        }
        return columns;
    }

    /// The whole is rest + slope * (value of a node): from the root down.
    void linearise(std::size_t node) {
        const std::size_t n = sample_.rows;
        std::vector<std::size_t> path = {node};
        while (path.back() != 0) {
            path.push_back(nodes_[path.back()].parent);
        }
        target_ = sample_.y;
        std::fill(slope_.begin(), slope_.end(), 1.0);
        for (std::size_t step = path.size(); step-- > 1;) {
            const Node& at = nodes_[path[step]];
            for (const std::size_t child : at.children) {
                if (child == path[step - 1]) {
                    continue;
                }
                for (std::size_t i = 0; i < n; ++i) {
                    if (at.kind == SeparationTree::Kind::sum) {
                        target_[i] -= slope_[i] * values_[child][i];
                    } else {
                        slope_[i] *= values_[child][i];
                    }
                }
            }
            if (at.kind == SeparationTree::Kind::sum) {
                for (std::size_t i = 0; i < n; ++i) {
                    target_[i] -= slope_[i] * at.constant;
                }
            }
        }
    }

    void propagate(std::size_t node) {
        while (node != 0) {
            node = nodes_[node].parent;
            tree_.combine(values_, node);
        }
    }

    FittedTree& tree_;
    std::vector<Node>& nodes_;
    const TreeSample& sample_;
    ChosenRows rows_;
    const TreeFitOptions& options_;
    AlsOptions als_;
    std::vector<std::vector<double>> values_;   ///< by node
    std::vector<std::vector<double>> columns_;  ///< each leaf's own inputs
    std::vector<double> target_;
    std::vector<double> slope_;
};

void FittedTree::fit(const TreeSample& sample, ChosenRows rows, const TreeFitOptions& options,
                     const StopToken& stop) {
    Fitting fitting(*this, sample, rows, options, stop);
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t sweep = 0; sweep < options.sweeps; ++sweep) {
        double error = 0;
        for (std::size_t node = 0; node < nodes_.size(); ++node) {
            if (stop.stopped()) {
                return;
            }
            if (nodes_[node].kind == SeparationTree::Kind::sum) {
                fitting.fit_constant(node);
            } else if (nodes_[node].kind == SeparationTree::Kind::leaf) {
                error = fitting.fit_leaf(node);
            }
        }
        if (nodes_.size() == 1 || !(error < before * (1 - 3e-4))) {
            return;
        }
        before = error;
    }
}

std::vector<double> held_out_values(const SeparationTree& tree, const TreeStart& start,
                                    const TreeSample& sample, const TreeFitOptions& options,
                                    unsigned threads, const StopToken& stop) {
    const std::size_t folds = sample.held_out.train.size();
    std::vector<double> values(sample.rows, std::nan(""));
    parallel_for(folds, threads, [&](std::size_t f, unsigned) {
        FittedTree fitted(tree, start, sample, options);
        fitted.fit(sample, sample.held_out.train[f], options, stop);
        const std::vector<double> u = fitted.value(sample);
        for (const std::uint32_t row : sample.held_out.test[f]) {
            values[row] = u[row];
        }
    });
    if (stop.stopped()) {
        std::fill(values.begin(), values.end(), std::nan(""));
    }
    return values;
}

HeldOutErrors errors_held_out(const std::vector<double>& values, const TreeSample& sample) {
    HeldOutErrors errors;
    double weight = 0;
    double sum = 0;
    for (const auto& fold : sample.held_out.test) {
        for (const std::uint32_t row : fold) {
            const double w = sample.weights.empty() ? 1.0 : sample.weights[row];
            const double error = (sample.y[row] - values[row]) / sample.deviation;
            errors.squares.push_back(w * error * error);
            sum += errors.squares.back();
            weight += w;
        }
    }
    const double mean_weight = weight / static_cast<double>(errors.squares.size());
    for (double& square : errors.squares) {
        square /= mean_weight;
    }
    errors.relative = std::sqrt(sum / weight);
    if (!std::isfinite(errors.relative)) {
        errors.relative = std::numeric_limits<double>::infinity();
    }
    return errors;
}

double standard_error(const HeldOutErrors& a, const HeldOutErrors& b) {
    const double a_mean = a.relative * a.relative;
    const double b_mean = b.relative * b.relative;
    double sum = 0;
    for (std::size_t i = 0; i < a.squares.size(); ++i) {
        const double other = b.squares.empty() ? 1.0 : b.squares[i] / b_mean;
        const double difference = a.squares[i] / a_mean - other;
        sum += difference * difference;
    }
    return std::sqrt(sum) / static_cast<double>(a.squares.size());
}

HeldOutErrors held_out_errors(const SeparationTree& tree, const TreeStart& start,
                              const TreeSample& sample, const TreeFitOptions& options,
                              unsigned threads, const StopToken& stop) {
    return errors_held_out(held_out_values(tree, start, sample, options, threads, stop), sample);
}

}  // namespace closedform
