#include "closedform/structure/pair_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/fold_parts.hpp"
#include "structure/pair_totals.hpp"
#include "structure/slice.hpp"

namespace closedform {

namespace {

constexpr std::size_t block = 64;
/// Second derivatives that are kept at once, of as many rows as they allow.
constexpr std::size_t most_entries = std::size_t{1} << 20U;

std::size_t pair_index(std::size_t i, std::size_t j) {  // i < j
    return j * (j - 1) / 2 + i;
}

struct Space {
    std::vector<double> x, value, gradient, hessian;
};

class PairsHere : public PairRowSums {
  public:
    PairsHere(const TensorSurrogate& model, const Table& rows, const ScoreOptions& options)
        : sliced_(options.inputs.size() < model.inputs()),
          model_(sliced_ ? slice(model, options.inputs, options.anchor) : model),
          rows_(rows),
          options_(options) {
        pieces_ = std::clamp<std::size_t>(rows.rows() / 4096, 1, 64);
        all_blocks_ = (rows.rows() + block - 1) / block;
        blocks_ = std::min(all_blocks_, std::max<std::size_t>(1, options.most_rows / block));
        workers_ =
            static_cast<unsigned>(std::min<std::size_t>(resolve_threads(options.threads), pieces_));
        for (std::size_t k = 0; k < model_.inputs(); ++k) {
            scale_.push_back(model_.basis(k).high() - model_.basis(k).low());
        }
    }

    bool add(const double& offset, const StopToken& stop, PairTotals& total) override {
        const std::size_t n = model_.inputs();
        // Counts are one per worker: their order does not matter, and they are large.
        std::vector<PairCounts> counts;
        for (unsigned worker = 0; worker < workers_; ++worker) {
            counts.emplace_back(n);
        }
        std::vector<Space> spaces(workers_);
        const bool whole = fold_parts(
            pieces_, workers_, stop,
            [&](std::size_t piece, unsigned worker) {
                PairSums sums(n);
                const std::size_t end = blocks_ * (piece + 1) / pieces_;
                for (std::size_t b = blocks_ * piece / pieces_; b < end; ++b) {
                    const std::size_t at = all_blocks_ * b / blocks_ * block;
                    reduce(at, std::min(block, rows_.rows() - at), offset, stop, spaces[worker],
                           sums, counts[worker]);
                }
                return sums;
            },
            [&](std::size_t, const PairSums& sums) { total.sums.add(sums); });
        for (; !counts.empty(); counts.pop_back()) {
            total.counts.merge(counts.back());
        }
        return whole && !stop.stopped();
    }

  private:
    /// A block of rows, a few at a time where their second derivatives are many.
    void reduce(std::size_t first, std::size_t count, double offset, const StopToken& stop,
                Space& s, PairSums& sums, PairCounts& counts) const {
        const std::size_t inputs = model_.inputs();
        const std::size_t step =
            std::clamp<std::size_t>(most_entries / (inputs * inputs), 1, block);
        for (std::size_t begin = 0; begin < count && !stop.stopped(); begin += step) {
            reduce_rows(first + begin, std::min(step, count - begin), offset, s, sums, counts);
        }
    }

    void reduce_rows(std::size_t first, std::size_t count, double offset, Space& s, PairSums& sums,
                     PairCounts& counts) const {
        const std::size_t d = model_.inputs();
        s.x.resize(rows_.columns() * block);
        s.value.resize(block);
        s.gradient.resize(count * d);
        s.hessian.resize(count * d * d);
        rows_.read_block(first, count, s.x.data(), block);
        for (std::size_t k = 0; k < d && sliced_; ++k) {  // inputs ascend: none is overwritten
            std::copy_n(s.x.data() + options_.inputs[k] * block, count, s.x.data() + k * block);
        }
        model_.evaluate_block(s.x.data(), count, block, s.value.data(), s.gradient.data(),
                              s.hessian.data());
        for (std::size_t r = 0; r < count; ++r) {
            const double u = s.value[r] - offset;
            sums.rows += 1;
            sums.value += u;
            sums.square += u * u;
            counts.size.add(u);
            const double* gradient = s.gradient.data() + r * d;
            const double* hessian = s.hessian.data() + r * d * d;
            for (std::size_t j = 0; j < d; ++j) {
                const double uj = gradient[j] * scale_[j];
                sums.slopes[j] += uj * uj;
                for (std::size_t i = 0; i < j; ++i) {
                    const std::size_t p = pair_index(i, j);
                    const double uij = hessian[j * d + i] * scale_[i] * scale_[j];
                    const double product_residual =
                        kernels::product_residual(u, gradient[i] * scale_[i], uj, uij);
                    sums.curvatures[p] += uij * uij;
                    sums.product_residual[p] += product_residual * product_residual;
                    sums.residual_curvature[p] += product_residual * uij;
                    counts.curvature[p].add(uij);
                    counts.product_residual[p].add(product_residual);
                }
            }
        }
    }

    bool sliced_;
    TensorSurrogate model_;  ///< over the inputs that are scored
    const Table& rows_;
    const ScoreOptions& options_;
    std::size_t pieces_ = 1;
    std::size_t all_blocks_ = 0;
    std::size_t blocks_ = 0;  ///< of them, those that are read
    unsigned workers_ = 1;
    std::vector<double> scale_;
};

}  // namespace

std::unique_ptr<PairRowSums> pair_sums(const TensorSurrogate& model, const Table& rows,
                                       const ScoreOptions& options) {
    return std::make_unique<PairsHere>(model, rows, options);
}

PairScores score_pairs(const TensorSurrogate& model, const Table& rows,
                       const ScoreOptions& options) {
    const std::size_t n = options.inputs.size();
    PairsHere here(model, rows, options);
    PairRowSums& all = options.pair_sums != nullptr ? *options.pair_sums : here;
    const auto totals_for = [&](double c) {
        PairTotals totals(n);
        all.add(c, options.stop, totals);
        return totals;
    };
    PairTotals totals = totals_for(0);
    double offset = 0;
    if (options.free_offset) {
        // Each pair has its own least-squares c; the pair that comes closest to a product with it
        // decides, for pairs that are coupled say nothing about c.
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t i = 0; i < j; ++i) {
                const std::size_t p = pair_index(i, j);
                const double curvature = totals.sums.curvatures[p];
                if (options.discrete[options.inputs[i]] || options.discrete[options.inputs[j]] ||
                    !(curvature > 0)) {
                    continue;
                }
                const double residual_curvature = totals.sums.residual_curvature[p];
                // Against the slopes' product, which does not change with c.
                const double left = (totals.sums.product_residual[p] -
                                     residual_curvature * residual_curvature / curvature) /
                                    (totals.sums.slopes[i] * totals.sums.slopes[j]);
                if (left < least) {
                    least = left;
                    offset = residual_curvature / curvature;
                }
            }
        }
        if (offset != 0) {
            totals = totals_for(offset);
        }
    }
    const PairSums& sums = totals.sums;
    PairScores scores;
    scores.inputs = options.inputs;
    scores.offset = offset;
    const double mean = sums.value / sums.rows;
    scores.deviation = std::sqrt(std::max(0.0, sums.square / sums.rows - mean * mean));
    const double size = totals.counts.size.quantile(0.5);
    const double tiny = std::numeric_limits<double>::min();
    const double add_unit = std::max(tiny, 12 * scores.deviation);
    const double product_unit = std::max(tiny, 12 * size * scores.deviation);
    for (auto* matrix : {&scores.additive_median, &scores.additive_rms, &scores.product_median,
                         &scores.product_rms}) {
        matrix->assign(n * n, 0.0);
    }
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < j; ++i) {
            const std::size_t p = pair_index(i, j);
            const bool meant = sums.rows > 0 && !options.discrete[options.inputs[i]] &&
                               !options.discrete[options.inputs[j]];
            const auto set = [&](std::vector<double>& matrix, double score) {
                matrix[i * n + j] = matrix[j * n + i] =
                    meant ? score : std::numeric_limits<double>::quiet_NaN();
            };
            set(scores.additive_median, totals.counts.curvature[p].quantile(0.5) / add_unit);
            set(scores.additive_rms, std::sqrt(sums.curvatures[p] / sums.rows) / add_unit);
            set(scores.product_median,
                totals.counts.product_residual[p].quantile(0.5) / product_unit);
            set(scores.product_rms, std::sqrt(sums.product_residual[p] / sums.rows) / product_unit);
        }
    }
    return scores;
}

}  // namespace closedform
