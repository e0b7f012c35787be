#pragma once
// What an update of alternating least squares needs from the rows of a fit, wherever they lie, and
// what a step on all of them needs.

#include <functional>
#include <memory>
#include <vector>

#include "closedform/core/row_sums.hpp"

namespace closedform {

struct FitRows;
struct MomentQuestion;
struct CellMoments;
struct ErrorQuestion;
struct ErrorSlopes;

using MomentRowSums = RowSums<MomentQuestion, CellMoments>;

/// Takes the rows of a fit to where their moments are computed (cuda::moment_sums); empty,
/// or null for these rows: they stay here.
using RowsElsewhere = std::function<std::unique_ptr<MomentRowSums>(const FitRows&)>;

/// What a model leaves of the rows, and how that changes with its node values; asked without a step
/// alone where the rows are not here.
using ErrorRowSums = RowSums<ErrorQuestion, ErrorSlopes>;

/// All rows of a fit that is given a sample of them. They have their say in the last step.
struct RowsBeyond {
    ErrorRowSums* errors = nullptr;  ///< null: the rows given are all
    double weight = 0;               ///< sum of the weights of all
    std::vector<double> low, high;   ///< of every column
};

}  // namespace closedform
