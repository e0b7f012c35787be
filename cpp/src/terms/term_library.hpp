#pragma once
// The building blocks of a sum of terms: every term is a factor of one input or the product of two,
// such as sqrt(x)/y, |x - 0.4| or x*z, evaluated once on all rows.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "expression/row_blocks.hpp"

namespace closedform {

/// A function of one input that a term is multiplied or divided by.
struct Factor {
    Tape tape;
    int input = 0;
    bool divides = false;
    int nodes = 0;  ///< what it adds to an expression, its multiplication or division included
};

struct Term {
    /// Positions in the factors; 0 for none (the first factor stands for 1).
    std::array<std::int32_t, 2> factors{0, 0};
    /// What it adds to a sum: its factors, its constant and the addition.
    int nodes = 0;
};

struct LibraryOptions {
    OpSet operators;
    std::size_t max_terms = 3000;
    /// Terms with a row farther from their mean than this many standard deviations are left out:
    /// a fit could bend to that one row, and extrapolates wildly.
    double max_deviations = 5.0;
    StopToken stop = {};  ///< ends it with the terms that there are
};

class TermLibrary {
  public:
    /// Terms the operators allow, without those that are not finite, constant, (nearly) equal to a
    /// shorter one, or dominated by single rows. `target` (a value a row) ranks the inputs where
    /// there are too many for all pairs.
    TermLibrary(const RowBlocks& rows, std::span<const double> target,
                const LibraryOptions& options);

    std::size_t size() const { return terms_.size(); }
    std::size_t rows() const { return rows_; }
    const Term& term(std::size_t t) const { return terms_[t]; }
    const Factor& factor(std::size_t f) const { return factors_[f]; }
    std::size_t factors() const { return factors_.size(); }

    /// Values of term t, scaled to mean 0 and variance 1; rows() of them, terms one after another.
    const double* column(std::size_t t) const { return columns_.data() + t * rows_; }
    /// That column is scale * (values - mean).
    double scale(std::size_t t) const { return scales_[t]; }
    double mean(std::size_t t) const { return means_[t]; }

    /// Nodes of a sum of these terms with a constant term, common factors written once, and how:
    /// terms of one group share group.factor; those of the last group (factor 0) share nothing.
    struct Group {
        std::int32_t factor = 0;
        std::vector<int> terms;
    };
    struct Grouping {
        int nodes = 0;
        std::vector<Group> groups;
    };
    Grouping group(std::span<const int> terms) const;

    /// Nodes that a factor saves when a sum already holds it: entries for all factors, from a
    /// grouping of that sum.
    void shared_nodes(const Grouping& grouping, std::span<int> saved) const;

    /// constant + sum of coefficient * term, in that grouping; the coefficients are for the
    /// unscaled terms, one for each of `terms`. Empty when longer than max_tape_size.
    Tape sum(std::span<const int> terms, std::span<const double> coefficients,
             double constant) const;

  private:
    void add_factor(Tape tape, int input, bool divides, const RowBlocks& rows);
    void make_factors(const RowBlocks& rows);
    void make_hinges(int input, std::span<const double> sorted, const RowBlocks& rows);
    std::vector<Term> combine(std::span<const double> target) const;
    std::vector<int> ranked_inputs(std::span<const double> target) const;
    void evaluate_terms(const std::vector<Term>& candidates);

    LibraryOptions options_;
    std::size_t rows_ = 0;
    int inputs_ = 0;
    std::vector<Factor> factors_;
    std::vector<std::vector<double>> values_;  ///< of the factors, as they enter a product
    std::vector<Term> terms_;
    std::vector<double> columns_;
    std::vector<double> scales_;
    std::vector<double> means_;
};

}  // namespace closedform
