#pragma once
// What the direction of a gradient leaves free: grad phi(T) is parallel to grad T, so an outer
// invertible function, a factor and an offset cannot be told (Wetzel, arXiv 2401.04978).

#include <vector>

#include "closedform/expression/canonical_form.hpp"

namespace closedform {

/// The form without its outer functions exp, log, sqrt, tan, tanh, odd powers, reciprocals, factor
/// and constant term: each has a derivative that never changes its sign. Outer squares stay: they
/// turn the gradient around where their operand is negative. `sign`: keep a factor of -1 where the
/// stripped functions decrease or the factor was negative, else the factor is 1. The factor that
/// most terms of a sum share, up to sign, becomes 1.
Scaled free_form(Scaled form, bool sign);

/// The form without an outer even power or absolute value, which is free as well where its operand
/// never changes its sign. `form` itself where it has neither.
Scaled without_even(Scaled form);

/// What phi(T) leaves of T for any phi: the free form without a sign and without outer functions
/// and powers of every kind.
Scaled bare_form(Scaled form);

/// A free form and those that differ from it in what is 1: any factor of the outermost sum, or of a
/// sum that is a factor of the outermost product.
std::vector<Scaled> normalisations(const Scaled& form);

}  // namespace closedform
