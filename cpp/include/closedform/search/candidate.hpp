#pragma once
// An expression that a search found, with its loss.

#include <cstdint>
#include <limits>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct Candidate {
    Tape tape;
    double loss = 0.0;  ///< on the rows the archive compares on
    std::uint64_t skeleton = 0;
    /// On the islands' few rows, the constants fitted to these alone. Losses on few rows and on
    /// many differ by chance, noise more than formulas: each is only compared with its like. Where
    /// islands see the archive's rows it is nearly `loss`.
    double sample_loss = std::numeric_limits<double>::infinity();
};

}  // namespace closedform
