#pragma once
// The few columns, of many, whose sum is a target up to rounding. They are taken one by one, each
// time the one that leaves least (orthogonal least squares: Chen, Billings and Luo 1989), until
// rounding is left; then those that are not needed are left out. What comes to rounding with far
// fewer columns than rows did not do so by chance.

#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "terms/column_factor.hpp"

namespace closedform {

/// None where no few do. Columns that are not finite, or 0, are not used.
std::vector<ColumnFactor> exact_sum(MatrixView<const double> columns,
                                    std::span<const double> target);

}  // namespace closedform
