#pragma once
// Making new expressions from old ones. Nothing here looks at data.

#include <vector>

#include "closedform/expression/expression.hpp"
#include "core/random.hpp"
#include "objective/objective.hpp"
#include "search/evolution_options.hpp"

namespace closedform {

class Variation {
  public:
    /// `inputs`: the columns expressions may read. `column_values`: values these take in the data,
    /// from which some of the constants are drawn; may be empty.
    Variation(const OpSet& operators, std::vector<int> inputs,
              std::vector<double> column_values = {}, const VariationOptions& options = {});

    /// A random tree of at most `size` nodes.
    Tape grow(Random& random, std::size_t size) const;

    /// One random change of structure: a node's operator, a subtree replaced, a node inserted or
    /// removed, a constant put in.
    Tape mutate(const Tape& parent, Random& random) const;

    /// `parent` with one subtree replaced by one of `donor`.
    Tape crossover(const Tape& parent, const Tape& donor, Random& random) const;

    /// `parent` with a term joined to it, where the operators allow it; else parent unchanged.
    Tape join(const Tape& parent, Tape term, Joint joint) const;

    /// parent / (by + constant), where the operators allow it; else parent unchanged. As one step:
    /// without the constant the quotient has a pole and is no way to it.
    Tape divide(const Tape& parent, const Tape& by, Random& random) const;

    /// Every tape one step away: a node wrapped in a function, joined with an input, replaced by
    /// another of its kind, or left out for one of its operands.
    std::vector<Tape> neighbours(const Tape& parent) const;

    /// Every constant moved, some far: a new start for fitting them.
    Tape shake(const Tape& parent, Random& random) const;

  private:
    double constant(Random& random) const;
    Tape leaf(Random& random) const;
    Tape point(const Tape& parent, Random& random) const;
    Tape insert(const Tape& parent, Random& random) const;
    Tape remove(const Tape& parent, Random& random) const;
    Tape parametrise(const Tape& parent, Random& random) const;
    Tape combine(const Tape& left, const Tape& right, Op op) const;
    /// The tape under a function or raised to a constant power, as a last step.
    Tape wrap(Tape inner, Random& random) const;
    double exponent(Random& random) const;
    Op binary(Random& random) const;

    VariationOptions options_;
    OpSet operators_;
    std::vector<int> inputs_;
    std::vector<double> column_values_;
    std::vector<Op> unary_;
    std::vector<Op> binary_;
    bool powers_;  ///< pow, beside other binary operators: mostly of a constant exponent
};

}  // namespace closedform
