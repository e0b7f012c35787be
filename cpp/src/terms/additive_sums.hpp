#pragma once
// Sums of terms with inner constants, one term chosen after another and exchanged.
//
// Rates, growth, oscillators with friction, stress laws: three to six terms, each a product of one
// or two functions of one input. A search that grows expressions keeps no term for which the others
// are missing; here the next term is the one that says most of what the others leave (matching
// pursuit: Mallat and Zhang 1993), all constants are fitted together after each, and terms are
// taken out again and others put in their place (ruin and recreate: Schrimpf et al. 2000).

#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/search/candidate.hpp"

namespace closedform {

struct AdditiveOptions {
    OpSet operators;         ///< that terms may be written in
    int fits = 2000;         ///< at most
    std::uint64_t seed = 0;  ///< of what is taken out and put in
    StopToken stop = {};
};

/// The best sum found of each number of terms, none as good as a shorter one; losses are mean
/// squared errors. X: n x d, finite; y: n values. Empty where the operators allow none, or there
/// are more inputs than such sums are looked for of. Throws std::invalid_argument for inconsistent
/// sizes.
std::vector<Candidate> additive_sums(MatrixView<const double> x, std::span<const double> y,
                                     const AdditiveOptions& options);

}  // namespace closedform
