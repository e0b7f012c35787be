#pragma once
// Dimensional analysis of expressions: whether units can be given to their constants so that only
// what is alike is added, and only pure numbers go into functions.

#include <array>
#include <optional>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

inline constexpr std::size_t most_base_units = 8;

/// Exponents of the base units (kg, m, s, ...) of a quantity; all zero for a pure number.
using Dimension = std::array<double, most_base_units>;

/// What the quantities of a problem are measured in.
struct Dimensions {
    std::vector<Dimension> inputs;    ///< one a column
    std::optional<Dimension> target;  ///< nothing: any will do
    /// What a constant may be of; none: of anything. Exponents are pure numbers.
    std::vector<Dimension> constants = {Dimension{}};

    bool free_constants() const { return constants.empty(); }
};

/// Whether units can be given to the constants so that every operator has operands it can take,
/// whatever the whole is of.
bool consistent(const Tape& tape, const Dimensions& dimensions);

/// The same, where the whole is of the target's dimension. A constant alone is of any.
bool meets_target(const Tape& tape, const Dimensions& dimensions);

/// What the constants are of, in their order in the tape, exponents included; nothing where they
/// cannot be so that the whole is of the target's dimension. Where several ways are open, a factor
/// that could be a pure number is one.
std::optional<std::vector<Dimension>> constant_dimensions(const Tape& tape,
                                                          const Dimensions& dimensions);

}  // namespace closedform
