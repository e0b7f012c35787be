#pragma once
// A formula with unknown functions: `f(x1, x2)*g(x3) + p[0]`. A candidate for it is one expression
// for each of them, in their arguments, and substituted into it an ordinary expression.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct Template {
    /// A function to be found, or with no arguments a number.
    struct Unknown {
        std::string name;
        std::size_t arguments = 0;
    };
    /// One place where a function stands, perhaps derived by some of its arguments (from 0).
    struct Call {
        std::size_t unknown = 0;
        std::vector<std::size_t> by;
        std::vector<Tape> arguments;
    };

    std::size_t inputs = 0;
    std::vector<Unknown> unknowns;
    std::vector<Call> calls;  ///< each may stand in arguments of later ones
    Tape tape;                ///< of the inputs, and behind them one for each call

    /// An expression of the inputs for one of the unknowns (`join_parts`). Its constants keep in
    /// `variable` which of the candidate's they are; others' is -1. Empty where it is no such
    /// candidate, or too long.
    Tape expand(const Tape& candidate) const;

    /// Whether parts are one for each of the unknowns, in its arguments.
    bool takes(std::span<const Tape> parts) const;

    /// Whether a tape of inputs and calls reads an input, if only in what a call's arguments are.
    bool reads(const Tape& expression, std::size_t input) const;
};

/// What `parse` reads, in which names that are no inputs and no operators are unknown functions,
/// name[0], name[1], ... numbers, and D(f, 1)(x1, x2) the derivative of f by its first argument;
/// without arguments of its own, D(f, 1), or D(f, x1), where f first stands in the text. Throws
/// std::invalid_argument saying where and what was wrong.
Template parse_template(std::string_view text, std::span<const std::string> names);

}  // namespace closedform
