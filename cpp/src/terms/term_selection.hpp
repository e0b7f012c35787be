#pragma once
// Choosing terms: the sum of at most so many nodes that fits a target best, by forward selection,
// swaps, and ruin and recreate (Schrimpf et al. 2000), all on the terms' covariances.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "core/random.hpp"
#include "terms/term_library.hpp"

namespace closedform {

/// Weighted covariances of a library's terms with each other and with a target. Rows of the
/// matrix are computed when first asked for; safe to ask from several threads.
class TermCovariance {
  public:
    /// target and weights: a value a row of the library; rows of weight 0 do not count. The
    /// library must outlive this.
    TermCovariance(const TermLibrary& library, std::span<const double> target,
                   std::span<const double> weights);

    const double* row(std::size_t t) const;
    /// Computes all rows at once: faster than one after another.
    void fill(unsigned threads, const StopToken& stop) const;

    const TermLibrary& library() const { return library_; }
    const std::vector<double>& variances() const { return variances_; }
    const std::vector<double>& with_target() const { return with_target_; }
    const std::vector<double>& means() const { return means_; }
    double target_mean() const { return target_mean_; }
    double target_variance() const { return target_variance_; }

  private:
    /// `count` rows from the first on.
    std::vector<double> computed(std::size_t first, std::size_t count) const;

    const TermLibrary& library_;
    std::vector<double> weights_;  ///< they sum to 1
    std::vector<double> means_;
    std::vector<double> variances_;
    std::vector<double> with_target_;
    double target_mean_ = 0.0;
    double target_variance_ = 0.0;
    mutable std::vector<std::vector<double>> rows_;
    mutable std::unique_ptr<std::once_flag[]> known_;
};

/// A set of terms with their least-squares fit, and for every other term of the library what adding
/// it would do. Adding, removing and trying swaps cost a pass over the library, however many rows.
class TermSet {
  public:
    explicit TermSet(const TermCovariance& covariance);

    void add(int term);
    void remove(std::size_t position);

    const std::vector<int>& terms() const { return terms_; }
    /// Coefficients of the scaled terms.
    const std::vector<double>& coefficients() const { return coefficients_; }
    /// Weighted mean squared error.
    double error() const { return error_; }

    /// By how much each term of the library would lower the error; 0 for those (nearly) dependent
    /// on the set.
    void gains(std::span<double> out) const;
    /// The same after removing the term at `position`; relative to the error with it.
    void gains_without(std::size_t position, std::span<double> out) const;

  private:
    const TermCovariance* covariance_;
    std::vector<int> terms_;
    std::vector<double> coefficients_;
    std::vector<std::vector<double>> weights_;  ///< [in set][library]: regression of all on the set
    std::vector<double> inverse_;               ///< of the set's covariance; capacity_ a row
    std::vector<double> numerator_;             ///< covariance of each with the residual
    std::vector<double> denominator_;           ///< variance of each that the set leaves
    double error_ = 0.0;
};

struct SelectionOptions {
    int max_nodes = 30;
    int iterations = 100;  ///< of ruin and recreate; none: forward selection and swaps only
};

/// The best set of terms found whose sum has at most max_nodes nodes. `stop` is asked often.
std::vector<int> select_terms(const TermCovariance& covariance, const SelectionOptions& options,
                              Random& random, const StopToken& stop);

}  // namespace closedform
