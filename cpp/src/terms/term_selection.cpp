#include "terms/term_selection.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/dense_solve.hpp"
#include "core/parallel.hpp"

namespace closedform {
namespace {

using ConstMatrix = Eigen::Map<const Eigen::MatrixXd>;
using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

// A term of which the set explains all but this share is not added: its coefficient would be large
// and the opposite of others'.
constexpr double least_independent = 1e-4;
constexpr double ridge = 1e-9;
constexpr double least_improvement = 1e-4;  // of a swap, relative
constexpr double noise = 0.3;               // of the scores while recreating
constexpr double temperature = 0.015;       // by how much an accepted set may be worse, relative
constexpr std::size_t rows_at_once = 64;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

TermCovariance::TermCovariance(const TermLibrary& library, std::span<const double> target,
                               std::span<const double> weights)
    : library_(library),
      weights_(weights.begin(), weights.end()),
      means_(library.size()),
      variances_(library.size()),
      with_target_(library.size()),
      rows_(library.size()),
      known_(std::make_unique<std::once_flag[]>(library.size())) {
    const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (double& weight : weights_) {
        weight /= total;
    }
    const std::size_t rows = library.rows();
    for (std::size_t i = 0; i < rows; ++i) {
        target_mean_ += weights_[i] * target[i];
    }
    std::vector<double> residual(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        residual[i] = weights_[i] * (target[i] - target_mean_);
        target_variance_ += residual[i] * (target[i] - target_mean_);
    }
    for (std::size_t t = 0; t < library.size(); ++t) {
        const double* column = library.column(t);
        double mean = 0.0;
        double square = 0.0;
        double product = 0.0;
        for (std::size_t i = 0; i < rows; ++i) {
            mean += weights_[i] * column[i];
            square += weights_[i] * column[i] * column[i];
            product += residual[i] * column[i];
        }
        means_[t] = mean;
        variances_[t] = (square - mean * mean) * (1.0 + ridge);
        with_target_[t] = product;
    }
}

std::vector<double> TermCovariance::computed(std::size_t first, std::size_t count) const {
    const auto rows = index(library_.rows());
    const auto terms = index(library_.size());
    const ConstMatrix all(library_.column(0), rows, terms);
    const ConstVector weights(weights_.data(), rows);
    const ConstVector means(means_.data(), terms);
    const Eigen::MatrixXd some = weights.asDiagonal() * all.middleCols(index(first), index(count));
    std::vector<double> found(library_.size() * count);
    Eigen::Map<Eigen::MatrixXd> product(found.data(), terms, index(count));
    product.noalias() = all.transpose() * some;
    for (std::size_t r = 0; r < count; ++r) {
        const std::size_t t = first + r;
        product.col(index(r)) -= means * means_[t];
        product(index(t), index(r)) = variances_[t];
    }
    return found;
}

const double* TermCovariance::row(std::size_t t) const {
    std::call_once(known_[t], [&] { rows_[t] = computed(t, 1); });
    return rows_[t].data();
}

void TermCovariance::fill(unsigned threads, const StopToken& stop) const {
    const std::size_t terms = library_.size();
    const std::size_t pieces = (terms + rows_at_once - 1) / rows_at_once;
    parallel_for(pieces, threads, [&](std::size_t piece, unsigned) {
        if (stop.stopped()) {
            return;
        }
        const std::size_t first = piece * rows_at_once;
        const std::size_t count = std::min(rows_at_once, terms - first);
        const std::vector<double> found = computed(first, count);
        for (std::size_t r = 0; r < count; ++r) {
            // Whoever has asked for a row before reads it where it lies.
            std::call_once(known_[first + r], [&] {
                const double* row = found.data() + r * terms;
                rows_[first + r].assign(row, row + terms);
            });
        }
    });
}

TermSet::TermSet(const TermCovariance& covariance)
    : covariance_(&covariance),
      numerator_(covariance.with_target()),
      denominator_(covariance.variances()),
      error_(covariance.target_variance()) {}

void TermSet::add(int term) {
    const auto t = static_cast<std::size_t>(term);
    const std::size_t size = terms_.size();
    const auto library = index(denominator_.size());
    // What the set leaves of the new term, as covariances with all others.
    std::vector<double> fresh(covariance_->row(t), covariance_->row(t) + library);
    Vector rest(fresh.data(), library);
    std::vector<double> on_set(size);
    const double* covariances = covariance_->row(t);
    for (std::size_t i = 0; i < size; ++i) {
        on_set[i] = weights_[i][t];
        const double factor = covariances[static_cast<std::size_t>(terms_[i])];
        rest -= factor * ConstVector(weights_[i].data(), library);
    }
    const double left = denominator_[t];
    const double coefficient = numerator_[t] / left;
    error_ -= coefficient * numerator_[t];
    Vector(numerator_.data(), library) -= coefficient * rest;
    Vector(denominator_.data(), library).array() -= rest.array().square() / left;
    rest /= left;
    for (std::size_t i = 0; i < size; ++i) {
        Vector(weights_[i].data(), library) -= on_set[i] * rest;
        coefficients_[i] -= on_set[i] * coefficient;
    }
    std::vector<double> inverse((size + 1) * (size + 1));
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
            inverse[i * (size + 1) + j] = inverse_[i * size + j] + on_set[i] * on_set[j] / left;
        }
        inverse[i * (size + 1) + size] = inverse[size * (size + 1) + i] = -on_set[i] / left;
    }
    inverse.back() = 1.0 / left;
    inverse_ = std::move(inverse);
    weights_.push_back(std::move(fresh));
    coefficients_.push_back(coefficient);
    terms_.push_back(term);
}

void TermSet::remove(std::size_t position) {
    const std::size_t size = terms_.size();
    const auto library = index(denominator_.size());
    const double diagonal = inverse_[position * size + position];
    const double coefficient = coefficients_[position];
    const std::vector<double> gone = std::move(weights_[position]);
    const ConstVector weight(gone.data(), library);
    std::vector<double> inverse;
    inverse.reserve((size - 1) * (size - 1));
    for (std::size_t i = 0; i < size; ++i) {
        if (i == position) {
            continue;
        }
        const double ratio = inverse_[i * size + position] / diagonal;
        Vector(weights_[i].data(), library) -= ratio * weight;
        coefficients_[i] -= ratio * coefficient;
        for (std::size_t j = 0; j < size; ++j) {
            if (j != position) {
                inverse.push_back(inverse_[i * size + j] - ratio * inverse_[position * size + j]);
            }
        }
    }
    error_ += coefficient * coefficient / diagonal;
    Vector(numerator_.data(), library) += coefficient / diagonal * weight;
    Vector(denominator_.data(), library).array() += weight.array().square() / diagonal;
    inverse_ = std::move(inverse);
    const auto at = static_cast<std::ptrdiff_t>(position);
    weights_.erase(weights_.begin() + at);
    coefficients_.erase(coefficients_.begin() + at);
    terms_.erase(terms_.begin() + at);
}

void TermSet::gains(std::span<double> out) const {
    const double* variance = covariance_->variances().data();
    for (std::size_t t = 0; t < out.size(); ++t) {
        const double share = numerator_[t] * numerator_[t] / denominator_[t];
        out[t] = denominator_[t] > least_independent * variance[t] ? share : 0.0;
    }
}

void TermSet::gains_without(std::size_t position, std::span<double> out) const {
    const double diagonal = inverse_[position * terms_.size() + position];
    const double over = 1.0 / diagonal;
    const double coefficient = coefficients_[position] / diagonal;
    const double lost = coefficients_[position] * coefficient;
    const double* weight = weights_[position].data();
    const double* variance = covariance_->variances().data();
    for (std::size_t t = 0; t < out.size(); ++t) {
        const double product = numerator_[t] + coefficient * weight[t];
        const double left = denominator_[t] + weight[t] * weight[t] * over;
        const double share = product * product / left - lost;
        out[t] = left > least_independent * variance[t] ? share : -lost;
    }
}

namespace {

/// The moves of the search on one set of terms.
class Selection {
  public:
    Selection(const TermCovariance& covariance, int max_nodes, Random& random,
              const StopToken& stop)
        : covariance_(covariance),
          library_(covariance.library()),
          max_nodes_(max_nodes),
          random_(random),
          stop_(stop),
          gain_(library_.size()),
          cost_(library_.size()),
          saved_(library_.factors()) {
        for (std::size_t t = 0; t < library_.size(); ++t) {
            terms_.push_back(library_.term(t));
        }
    }

    TermSet run(int iterations) {
        TermSet best(covariance_);
        fill(best, 0.0);
        swap(best, 3);
        fill(best, 0.0);
        // What a term adds is counted before it may change how the others share factors.
        while (!best.terms().empty() && !fits(best)) {
            best.remove(best.terms().size() - 1);
        }
        TermSet current = best;
        for (int i = 0; i < iterations && !stop_.stopped() && !best.terms().empty(); ++i) {
            TermSet trial = current;
            const std::size_t size = trial.terms().size();
            const std::size_t ruined = 1 + random_.below(std::max<std::size_t>(1, size / 3));
            for (std::size_t k = 0; k < ruined; ++k) {
                trial.remove(random_.below(trial.terms().size()));
            }
            fill(trial, noise);
            swap(trial, 1);
            fill(trial, 0.0);
            // A little worse is accepted, too: it leads out of local minima.
            const double accepted =
                current.error() * (1.0 - temperature * std::log(1.0 - random_.uniform()));
            if (trial.error() < accepted && fits(trial)) {
                // Afresh, so that rounding does not add up over the updates.
                current = TermSet(covariance_);
                for (const int term : trial.terms()) {
                    current.add(term);
                }
                if (current.error() < best.error()) {
                    best = current;
                }
            }
        }
        return best;
    }

  private:
    bool fits(const TermSet& set) const { return library_.group(set.terms()).nodes <= max_nodes_; }

    /// Nodes every term of the library would add to this sum; returns the sum's own.
    int costs(std::span<const int> terms) {
        const TermLibrary::Grouping grouping = library_.group(terms);
        library_.shared_nodes(grouping, saved_);
        for (std::size_t t = 0; t < terms_.size(); ++t) {
            const auto [a, b] = terms_[t].factors;
            cost_[t] = terms_[t].nodes - std::max(saved_[static_cast<std::size_t>(a)],
                                                  saved_[static_cast<std::size_t>(b)]);
        }
        return grouping.nodes;
    }

    /// Adds the terms that lower the error most per node until none fits.
    void fill(TermSet& set, double randomness) {
        while (!stop_.stopped()) {
            const int room = max_nodes_ - costs(set.terms());
            set.gains(gain_);
            double best_score = 1e-7;
            int best = -1;
            for (std::size_t t = 0; t < gain_.size(); ++t) {
                if (cost_[t] > room || gain_[t] <= 0.0) {
                    continue;
                }
                const double share = std::min(gain_[t] / set.error(), 1.0 - 1e-12);
                double score = -std::log1p(-share) / std::max(2, cost_[t]);
                if (randomness > 0.0) {
                    // At most four standard deviations: no draw for those without a chance.
                    score *= score * 3.4 > best_score ? std::exp(randomness * random_.normal()) : 1;
                }
                if (score > best_score) {
                    best_score = score;
                    best = static_cast<int>(t);
                }
            }
            if (best < 0) {
                return;
            }
            set.add(best);
        }
    }

    /// Replaces single terms by the best others while that helps.
    void swap(TermSet& set, int passes) {
        bool improved = true;
        for (int pass = 0; pass < passes && improved; ++pass) {
            improved = false;
            std::vector<int> order = set.terms();
            for (std::size_t i = 0; i + 1 < order.size(); ++i) {
                std::swap(order[i], order[i + random_.below(order.size() - i)]);
            }
            for (const int term : order) {
                if (stop_.stopped()) {
                    return;
                }
                improved = swap_one(set, term) || improved;
            }
        }
    }

    bool swap_one(TermSet& set, int term) {
        std::vector<int> others = set.terms();
        const auto found = std::find(others.begin(), others.end(), term);
        const auto position = static_cast<std::size_t>(found - others.begin());
        others.erase(found);
        const int room = max_nodes_ - costs(others);
        set.gains_without(position, gain_);
        double best_gain = least_improvement * set.error();
        int best = -1;
        for (std::size_t t = 0; t < gain_.size(); ++t) {
            if (gain_[t] > best_gain && cost_[t] <= room) {
                best_gain = gain_[t];
                best = static_cast<int>(t);
            }
        }
        if (best < 0 || best == term) {
            return false;
        }
        others.push_back(best);
        if (library_.group(others).nodes > max_nodes_) {
            return false;
        }
        set.remove(position);
        set.add(best);
        return true;
    }

    const TermCovariance& covariance_;
    const TermLibrary& library_;
    const int max_nodes_;
    Random& random_;
    const StopToken& stop_;
    std::vector<Term> terms_;
    std::vector<double> gain_;
    std::vector<int> cost_;
    std::vector<int> saved_;
};

}  // namespace

std::vector<int> select_terms(const TermCovariance& covariance, const SelectionOptions& options,
                              Random& random, const StopToken& stop) {
    if (covariance.library().size() == 0) {
        return {};
    }
    return Selection(covariance, options.max_nodes, random, stop).run(options.iterations).terms();
}

}  // namespace closedform
