#include "closedform/separability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "closedform/parallel.hpp"

namespace closedform {

void LogHistogram::add(double value) {
    if (std::isnan(value)) {
        return;
    }
    int exponent = 0;
    const double mantissa = std::frexp(std::abs(value), &exponent);  // [1/2, 1)
    int bin = 0;
    if (mantissa > 0) {
        bin = (exponent - lowest_exponent) * bins_per_octave +
              static_cast<int>((mantissa - 0.5) * 2 * bins_per_octave);
    }
    bin = std::clamp(std::isinf(value) ? octaves * bins_per_octave : bin, 0,
                     octaves * bins_per_octave - 1);
    ++counts_[static_cast<std::size_t>(bin)];
}

void LogHistogram::merge(const LogHistogram& other) {
    for (std::size_t i = 0; i < bins; ++i) {
        counts_[i] += other.counts_[i];
    }
}

std::uint64_t LogHistogram::count() const {
    std::uint64_t total = 0;
    for (const std::uint64_t c : counts_) {
        total += c;
    }
    return total;
}

double LogHistogram::quantile(double q) const {
    const double wanted = q * static_cast<double>(count());
    double below = 0;
    for (std::size_t i = 0; i < bins; ++i) {
        const auto here = static_cast<double>(counts_[i]);
        if (here > 0 && below + here >= wanted) {
            if (i == 0) {
                return 0;
            }
            const auto octave = static_cast<int>(i) / bins_per_octave;
            const double step = static_cast<double>(i % bins_per_octave);
            const double share = std::clamp((wanted - below) / here, 0.0, 1.0);
            return std::ldexp(0.5 + (step + share) / (2 * bins_per_octave),
                              octave + lowest_exponent);
        }
        below += here;
    }
    return 0;
}

namespace {

constexpr std::size_t block = 64;
/// Blocks that scores are taken at, evenly spaced: means over a million rows are as good as any.
constexpr std::size_t most_blocks = 1000000 / block;

std::size_t pair_index(std::size_t i, std::size_t j) {  // i < j
    return j * (j - 1) / 2 + i;
}

/// Sums of floating-point numbers: one per piece of the rows, merged in order.
struct Sums {
    explicit Sums(std::size_t n)
        : slopes(n), bends(n * (n - 1) / 2), crossed(bends.size()), lean(bends.size()) {}
    double rows = 0, value = 0, square = 0;
    std::vector<double> slopes;   ///< u_i^2
    std::vector<double> bends;    ///< u_ij^2
    std::vector<double> crossed;  ///< (u u_ij - u_i u_j)^2
    std::vector<double> lean;     ///< (u u_ij - u_i u_j) u_ij

    void add(const Sums& other) {
        rows += other.rows;
        value += other.value;
        square += other.square;
        const auto all = [](std::vector<double>& to, const std::vector<double>& from) {
            for (std::size_t i = 0; i < to.size(); ++i) {
                to[i] += from[i];
            }
        };
        all(slopes, other.slopes);
        all(bends, other.bends);
        all(crossed, other.crossed);
        all(lean, other.lean);
    }
};

/// Counts: one per worker, for their order does not matter.
struct Counts {
    explicit Counts(std::size_t n) : bend(n * (n - 1) / 2), crossed(bend.size()) {}
    LogHistogram size;  ///< |u - c|
    std::vector<LogHistogram> bend, crossed;
};

struct Space {
    std::vector<double> x, value, gradient, hessian;
};

class Pass {
  public:
    Pass(const TensorSurrogate& model, const Table& rows, const ScoreOptions& options)
        : model_(model), rows_(rows), options_(options) {
        const std::size_t n = options.inputs.size();
        pieces_ = std::clamp<std::size_t>(rows.rows() / 4096, 1, 64);
        all_blocks_ = (rows.rows() + block - 1) / block;
        blocks_ = std::min(all_blocks_, most_blocks);
        workers_ =
            static_cast<unsigned>(std::min<std::size_t>(resolve_threads(options.threads), pieces_));
        for (std::size_t d : options.inputs) {
            const double range = model.basis(d).high() - model.basis(d).low();
            scale_.push_back(range);
        }
        sums_ = std::make_unique<Sums>(n);
        counts_ = std::make_unique<Counts>(n);
    }

    void run(double offset) {
        const std::size_t n = options_.inputs.size();
        std::vector<Sums> sums(pieces_, Sums(n));
        std::vector<Counts> counts(workers_, Counts(n));
        std::vector<Space> spaces(workers_);
        parallel_for(pieces_, workers_, [&](std::size_t piece, unsigned worker) {
            const std::size_t end = blocks_ * (piece + 1) / pieces_;
            for (std::size_t b = blocks_ * piece / pieces_; b < end; ++b) {
                if (options_.stop && options_.stop()) {
                    return;
                }
                const std::size_t at = all_blocks_ * b / blocks_ * block;
                reduce(at, std::min(block, rows_.rows() - at), offset, spaces[worker], sums[piece],
                       counts[worker]);
            }
        });
        *sums_ = Sums(n);
        *counts_ = Counts(n);
        for (const Sums& s : sums) {
            sums_->add(s);
        }
        for (const Counts& c : counts) {
            counts_->size.merge(c.size);
            for (std::size_t p = 0; p < c.bend.size(); ++p) {
                counts_->bend[p].merge(c.bend[p]);
                counts_->crossed[p].merge(c.crossed[p]);
            }
        }
    }

    const Sums& sums() const { return *sums_; }
    const Counts& counts() const { return *counts_; }

  private:
    void reduce(std::size_t first, std::size_t count, double offset, Space& s, Sums& sums,
                Counts& counts) const {
        const std::size_t d = model_.inputs();
        s.x.resize(d * block);
        s.value.resize(block);
        s.gradient.resize(block * d);
        s.hessian.resize(block * d * d);
        rows_.read_block(first, count, s.x.data(), block);
        if (options_.inputs.size() < d) {
            std::size_t next = 0;
            for (std::size_t k = 0; k < d; ++k) {
                if (next < options_.inputs.size() && options_.inputs[next] == k) {
                    ++next;
                } else {
                    std::fill_n(s.x.data() + k * block, count, options_.anchor[k]);
                }
            }
        }
        model_.evaluate_block(s.x.data(), count, block, s.value.data(), s.gradient.data(),
                              s.hessian.data());
        const std::size_t n = options_.inputs.size();
        for (std::size_t r = 0; r < count; ++r) {
            const double u = s.value[r] - offset;
            sums.rows += 1;
            sums.value += u;
            sums.square += u * u;
            counts.size.add(u);
            const double* gradient = s.gradient.data() + r * d;
            const double* hessian = s.hessian.data() + r * d * d;
            for (std::size_t j = 0; j < n; ++j) {
                const std::size_t dj = options_.inputs[j];
                const double uj = gradient[dj] * scale_[j];
                sums.slopes[j] += uj * uj;
                for (std::size_t i = 0; i < j; ++i) {
                    const std::size_t di = options_.inputs[i];
                    const std::size_t p = pair_index(i, j);
                    const double uij = hessian[dj * d + di] * scale_[i] * scale_[j];
                    const double crossed = u * uij - gradient[di] * scale_[i] * uj;
                    sums.bends[p] += uij * uij;
                    sums.crossed[p] += crossed * crossed;
                    sums.lean[p] += crossed * uij;
                    counts.bend[p].add(uij);
                    counts.crossed[p].add(crossed);
                }
            }
        }
    }

    const TensorSurrogate& model_;
    const Table& rows_;
    const ScoreOptions& options_;
    std::size_t pieces_ = 1;
    std::size_t all_blocks_ = 0;
    std::size_t blocks_ = 0;  ///< of them, those that are read
    unsigned workers_ = 1;
    std::vector<double> scale_;
    std::unique_ptr<Sums> sums_;
    std::unique_ptr<Counts> counts_;
};

}  // namespace

PairScores score_pairs(const TensorSurrogate& model, const Table& rows,
                       const ScoreOptions& options) {
    const std::size_t n = options.inputs.size();
    Pass pass(model, rows, options);
    pass.run(0);
    double offset = 0;
    if (options.free_offset) {
        // Each pair has its own least-squares c; the pair that comes closest to a product with it
        // decides, for pairs that are coupled say nothing about c.
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t i = 0; i < j; ++i) {
                const std::size_t p = pair_index(i, j);
                const double bend = pass.sums().bends[p];
                if (options.discrete[options.inputs[i]] || options.discrete[options.inputs[j]] ||
                    !(bend > 0)) {
                    continue;
                }
                const double lean = pass.sums().lean[p];
                // Against the slopes' product, which does not change with c.
                const double left = (pass.sums().crossed[p] - lean * lean / bend) /
                                    (pass.sums().slopes[i] * pass.sums().slopes[j]);
                if (left < least) {
                    least = left;
                    offset = lean / bend;
                }
            }
        }
        if (offset != 0) {
            pass.run(offset);
        }
    }
    const Sums& sums = pass.sums();
    PairScores scores;
    scores.inputs = options.inputs;
    scores.offset = offset;
    const double mean = sums.value / sums.rows;
    scores.deviation = std::sqrt(std::max(0.0, sums.square / sums.rows - mean * mean));
    const double size = pass.counts().size.quantile(0.5);
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
            const bool meant =
                !options.discrete[options.inputs[i]] && !options.discrete[options.inputs[j]];
            const auto set = [&](std::vector<double>& matrix, double score) {
                matrix[i * n + j] = matrix[j * n + i] =
                    meant ? score : std::numeric_limits<double>::quiet_NaN();
            };
            set(scores.additive_median, pass.counts().bend[p].quantile(0.5) / add_unit);
            set(scores.additive_rms, std::sqrt(sums.bends[p] / sums.rows) / add_unit);
            set(scores.product_median, pass.counts().crossed[p].quantile(0.5) / product_unit);
            set(scores.product_rms, std::sqrt(sums.crossed[p] / sums.rows) / product_unit);
        }
    }
    return scores;
}

}  // namespace closedform
