#pragma once
// The canonical form of an expression: sums and products flattened to n-ary nodes, like terms
// merged, constants folded, operands in a fixed order. Two expressions that differ only by the
// usual rules of algebra (associativity, commutativity, distribution of NUMBERS over sums, integer
// powers, exp of sums, log of scaled arguments, odd and even functions) get the same form. Products
// of sums are not expanded: (x - 3)*(y - 3) stays as it is.

#include <cstdint>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct Scaled;

/// One unit-coefficient building block of a canonical expression.
struct Form {
    enum class Kind : std::uint8_t { one, variable, sum, product, function };
    Kind kind = Kind::one;
    Op op = Op::constant;        ///< function: which
    int column = -1;             ///< variable: which
    double offset = 0.0;         ///< sum: its constant term
    std::vector<Scaled> parts;   ///< sum: terms; product: bases (scale unused); function: operands
    std::vector<int> exponents;  ///< product: integer exponent of each base
};

/// scale * form. A sum is normalised so that its first term has scale 1.
struct Scaled {
    double scale = 1.0;
    Form form;
};

/// Equal in structure and in every constant.
bool same(const Form& a, const Form& b);

/// Brings a tape into canonical form. Non-finite folded constants are kept as they are, so the
/// expression evaluates to NaN as before.
Scaled canonical(const Tape& tape);

/// exp of a form: c*log(u) among its terms becomes a factor u^c where c is a multiple of one half
/// (within `tolerance`), or any where `powers` may be written; the others stay in the exponent. The
/// result is defined wherever exp(argument) is, and perhaps where a logarithm was not.
Scaled exponential(Scaled argument, double tolerance, bool powers);

/// The shortest tape this module knows for a canonical form in operators of `allowed` alone. Empty
/// when longer than max_tape_size, or where it knows of no way to write it with them: the form of
/// x + x is 2*x, which an addition alone cannot say.
Tape emit(const Scaled& expression, const OpSet& allowed);

/// A tape in which every term of the outermost sum has its own constant factor and, if wanted, the
/// sum its own constant term, present even when 1 or 0: the constants a linear fit determines.
struct LinearTape {
    Tape tape;
    std::vector<std::size_t> linear;  ///< positions of those constants, the constant term last
};
/// Empty under the conditions of emit().
LinearTape emit_linear(const Scaled& expression, const OpSet& allowed, bool constant_term);

/// canonical and emit in one call: a tape never longer than one given in allowed operators. What
/// emit cannot write with them, has a constant that folds to something not finite, or is empty, is
/// returned as it is.
Tape simplify(const Tape& tape, const OpSet& allowed);

}  // namespace closedform
