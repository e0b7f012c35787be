#pragma once
// Sums over rows that lie in the partitions of a cluster: Python asks them, and folds what they
// answer in their order.

#include <pybind11/pybind11.h>

#include <memory>
#include <vector>

#include "closedform/structure/pair_scores.hpp"
#include "closedform/surrogate/moment_sums.hpp"

namespace closedform {

/// All rows of a fit that is given a sample, for Python.
struct Beyond {
    pybind11::function ask;
    double weight = 0;
    std::vector<double> low, high;
};

/// `ask(model)` is (slopes by node of every input, sum of squares), or None for no answer.
std::unique_ptr<ErrorRowSums> errors_asked(pybind11::function ask);

/// `ask(model, offset)` is PairTotals. The model must live as long.
std::unique_ptr<PairRowSums> pairs_asked(pybind11::function ask, const TensorSurrogate& model);

}  // namespace closedform
