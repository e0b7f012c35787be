#pragma once
// Two inputs merged into one: its values, its gradient's size and the target's component along it.
//
// A problem in the inputs z_1 ... z_m, functions of disjoint original inputs x, is carried by
//     S_k = |grad_x z_k|     U_k = component of the target's unit gradient along grad_x z_k
// so that a formula T(z) is compared through (dT/dz_k S_k)_k with (U_k)_k and the loss keeps the
// meaning it has in x. The gradients of the z_k are orthogonal to each other.

#include <cstdint>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

/// One input: an expression of the original inputs and, row by row, z, S and U.
struct MergedInput {
    Tape tape;
    std::vector<double> z, s, u;
};

/// No row has a value or a gradient that is not a number.
bool finite(const MergedInput& input);

/// The rule by which inputs merge (symmetries.hpp).
enum class MergeKind : std::uint8_t { unused, linear, product, radius, mixed };

/// What an input enters an additive law through: g(a f1(z1) + b f2(z2)).
enum class InputFunction : std::uint8_t { identity, square, logarithm };

/// How two inputs merge:
///     both logarithms        z = z1^a z2^b
///     the first a logarithm  z = z1 exp(b f2(z2)), a = 1
///     none                   z = a f1(z1) + b f2(z2)
/// The second alone is never a logarithm: swap them.
struct Combination {
    InputFunction first = InputFunction::identity;
    InputFunction second = InputFunction::identity;
    double a = 1.0;
    double b = 1.0;
};

/// The expression of the combination in its shortest form, of allowed operators; empty when they do
/// not suffice or it gets longer than a tape may be.
Tape combined_tape(const Tape& first, const Tape& second, const Combination& how,
                   const OpSet& allowed);

/// The merged input, its tape left to the caller, and what the merge loses: of the target's two
/// components (u1, u2) only the one along the merged input's gradient (g1, g2) is kept. The other
/// is a - b with a = g1 u2 / |g|, b = g2 u1 / |g|; `sides` is |a| + |b|.
struct Combined {
    MergedInput input;
    std::vector<double> lost, sides;
};
Combined combined_rows(const MergedInput& first, const MergedInput& second, const Combination& how);

}  // namespace closedform
