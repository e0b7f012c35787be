#pragma once
// What losses and steps of expressions are made of: sums over rows, so that parts can be added up.

#include <limits>
#include <vector>

namespace closedform {

/// J^T J, J^T r of the constants at given positions of a tape, for the Gauss-Newton step.
struct NormalEquations {
    std::vector<double> gram;      ///< lower triangle by rows: (i, j) at i*(i+1)/2 + j
    std::vector<double> gradient;  ///< J^T r
    double loss = 0.0;
};

/// Of parts of the data, each times its weight, so that they can be added up.
struct EquationSums {
    NormalEquations weighted;
    double weight = 0.0;
};

/// A loss as sums over rows, so that parts of the data can be added up.
struct LossSums {
    double as_is = 0.0;  ///< of the expression
    /// of the expression times -1; infinity where the sign means something
    double negated = std::numeric_limits<double>::infinity();
    double weight = 0.0;

    double loss() const {
        const double sum = as_is < negated ? as_is : negated;
        // Not a number compares false: an expression that is not defined somewhere has no loss.
        return sum >= 0.0 && sum <= std::numeric_limits<double>::max() && weight > 0.0
                   ? sum / weight
                   : std::numeric_limits<double>::infinity();
    }
    LossSums& operator+=(const LossSums& other) {
        as_is += other.as_is;
        negated += other.negated;
        weight += other.weight;
        return *this;
    }
};

}  // namespace closedform
