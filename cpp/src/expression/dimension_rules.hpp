#pragma once
// How dimensions follow from each other.

#include <cmath>
#include <optional>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/dimensions.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/operator_table.hpp"

namespace closedform {

inline constexpr double equal_within = 1e-6;  // of exponents of units

inline bool alike(const Dimension& a, const Dimension& b) {
    for (std::size_t k = 0; k < most_base_units; ++k) {
        if (!(std::abs(a[k] - b[k]) <= equal_within)) {
            return false;
        }
    }
    return true;
}

/// a + factor * b, exponent by exponent.
inline Dimension plus(const Dimension& a, const Dimension& b, double factor) {
    Dimension sum = a;
    for (std::size_t k = 0; k < most_base_units; ++k) {
        sum[k] += factor * b[k];
    }
    return sum;
}

inline Dimension times(const Dimension& a, double factor) { return plus(Dimension{}, a, factor); }

/// How the dimension of an operator's value follows from those of its operands.
enum class Rule { alike, product, power, keeps, compares, numbers, exponent };

inline Rule rule_of(Op op) {
    switch (op) {
        case Op::add:
        case Op::sub:
        case Op::max:
        case Op::min:
            return Rule::alike;
        case Op::mul:
        case Op::div:
            return Rule::product;
        case Op::pow:
            return Rule::exponent;
        case Op::abs:
            return Rule::keeps;
        case Op::sign:
        case Op::greater:
            return Rule::compares;
        default:
            return op == Op::sqrt || facts(op).power != 0 ? Rule::power : Rule::numbers;
    }
}

inline double power_of(Op op) { return op == Op::sqrt ? 0.5 : facts(op).power; }

/// Of a pow whose exponent is a number, which then is a pure one, or one of numbers, as derivatives
/// have it.
inline std::optional<double> constant_exponent(const Tape& tape, std::size_t root) {
    if (tape[root].op != Op::pow) {
        return {};
    }
    const Tape exponent = subtree(tape, root - 1);
    if (inputs_needed(exponent) > 0) {
        return {};
    }
    double value = exponent.back().value;
    if (exponent.size() > 1) {
        const double nothing = 0.0;
        evaluate(exponent, MatrixView<const double>(&nothing, 1, 1), {&value, 1}, 1);
    }
    return value;
}

}  // namespace closedform
