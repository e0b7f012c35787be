#pragma once
// The few columns, of many, whose sum is a target up to noise. They are taken one by one, each time
// the one that leaves least, and each, of few columns each two, is exchanged for any other that
// leaves less (orthogonal least squares: Chen, Billings and Luo 1989; exchanges: Miller, Subset
// Selection in Regression, 2002); how many there are is told by description length.

#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "terms/column_factor.hpp"

namespace closedform {

/// The sums with which the target is described shortest, the two best. Columns that are not finite,
/// or 0, are not used. root: square roots of the rows' weights.
std::vector<std::vector<ColumnFactor>> few_terms(MatrixView<const double> columns,
                                                 std::span<const double> target,
                                                 std::span<const double> root);

}  // namespace closedform
