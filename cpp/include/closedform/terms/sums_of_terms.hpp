#pragma once
// Sums of terms for wide, noisy tables: what a search that grows expressions node by node does not
// find. y, log y, sqrt y or 1/y is fitted by sums out of a library of terms (term_library.hpp), for
// several sizes.

#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/search/candidate.hpp"

namespace closedform {

struct SumOptions {
    OpSet operators;
    std::size_t max_size = 30;
    double seconds = 5.0;  ///< cut-off; infinity for none
    int iterations = 0;    ///< of every restart; 0: as many as the time allows
    int restarts = 4;      ///< for every size
    unsigned threads = 0;  ///< 0: all cores
    std::uint64_t seed = 0;
    StopToken stop = {};
};

/// Sums of at most max_size nodes and of several smaller sizes, no one as good as a smaller one, by
/// size; the losses are weighted mean squared errors on at most 8192 rows. X: n x d; y and weights:
/// n values (no weights: all 1). With iterations and no time limit the result does not depend on
/// the number of threads. Empty where the operators allow no sum of terms, or time ran out first.
/// Throws std::invalid_argument for inconsistent sizes, or without any limit.
template <class T>
std::vector<Candidate> sums_of_terms(MatrixView<const T> x, std::span<const double> y,
                                     std::span<const double> weights, const SumOptions& options);

}  // namespace closedform
