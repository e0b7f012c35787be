#pragma once
// Infix text of an expression, both ways. parse(print(tape)) evaluates to the same doubles.

#include <span>
#include <string>
#include <string_view>

#include "closedform/expression/expression.hpp"

namespace closedform {

class Vocabulary;

/// Infix text that Python, too, can read: `3.5*exp(-x1)/(x2 + 1.2)**2`. Constants are written with
/// the fewest digits that read back as the same double; square and cube as `**2` and `**3`, steps
/// as `(x1 > 2.5)`. `names[i]` is column i's name; operators of a user's own have the names that
/// the vocabulary gives them.
std::string print(const Tape& tape, std::span<const std::string> names,
                  const Vocabulary* vocabulary = nullptr);

/// Reads what print writes, and `^` for `**`; unary minus is a product with -1 (folded into a
/// number that follows). Throws std::invalid_argument saying where and what was wrong.
Tape parse(std::string_view text, std::span<const std::string> names,
           const Vocabulary* vocabulary = nullptr);

}  // namespace closedform
