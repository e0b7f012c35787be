#pragma once
// What there is to know of an operator besides its arithmetic: the entries of operator_list.hpp.

#include <array>
#include <limits>
#include <string_view>

#include "closedform/core/node.hpp"

namespace closedform {

struct Interval;

/// How strongly what is written binds its parts, weakest first. `atom`: written as a call.
enum class Priority { comparison, sum, product, sign, power, atom };

/// odd: f(-a) = -f(a); even: f(-a) = f(a).
enum class Parity { none, odd, even };

/// Where the last operand may lie for the operator to have a value.
struct Domain {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool open = false;  ///< finite ends do not belong to it
    bool pole = false;  ///< nor does zero
};

/// What all values lie between, the kernels' and the C library's, too.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
};

struct OperatorFacts {
    int operands = 0;
    std::string_view name;  ///< as users write it: "+", "sin", "pow", ...
    Priority priority = Priority::atom;
    int power = 0;  ///< the operator is this integer power of its operand; 0: it is none
    Parity parity = Parity::none;
    bool commutative = false;
    bool periodic = false;
    bool increasing = false;   ///< strictly, on every interval of its domain
    bool values_only = false;  ///< a step: it has no gradient that a search could go by
    Domain domain = {};
    int ulps = 1;  ///< most that a kernel's value is off by, in units of its last place
    int cost = 1;  ///< about what it takes, in additions
    /// The value in the C library's arithmetic: what constants are folded with, and the reference
    /// of the kernels. The second argument of a unary operator is not read.
    double (*library)(double, double) = nullptr;
    /// What values there are where the operands, none of them empty, lie in intervals, the first
    /// cut to the domain of a unary operator (expression/enclosures.hpp).
    Interval (*enclosure)(const OperatorFacts&, const Interval&, const Interval&) = nullptr;
    Range range = {};
    /// 1 where the second operand is 0 or the first is 1, whatever the other is, no number too (as
    /// in IEEE 754).
    bool one_whatever = false;
    bool jumps = false;  ///< where its operand passes zero, or one operand the other
    /// Derivatives by the operands where there are any, infix text (expression/infix.hpp) in a, b
    /// and the value v. Where one operand of max or min is not larger than the other, the first
    /// counts; pow's by the exponent is that of |a|^b, which a negative base needs at integers.
    std::array<std::string_view, 2> slopes = {};
    std::string_view sympy = {};  ///< in sympy's names, of a and b
    // Calls in languages that code is exported to, operands {0} and {1}; none for what every
    // language writes with signs. {std} is C++'s namespace, {np} the library of arrays.
    std::string_view c = {};
    std::string_view fortran = {};
    std::string_view julia = {};
    std::string_view julia_guard = {};  ///< defines what `julia` calls, where Julia's own throws
    std::string_view arrays = {};
};

/// Of constants and variables, too: they have a name and no operands.
const OperatorFacts& facts(Op op);

}  // namespace closedform
