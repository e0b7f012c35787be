#pragma once
// What an update of alternating least squares needs from the rows of a fit, wherever they lie.

#include <functional>
#include <memory>

#include "closedform/core/row_sums.hpp"

namespace closedform {

struct FitRows;
struct MomentQuestion;
struct CellMoments;

using MomentRowSums = RowSums<MomentQuestion, CellMoments>;

/// Takes the rows of a fit to where their moments are computed (cuda::moment_sums); empty: they
/// stay here.
using RowsElsewhere = std::function<std::unique_ptr<MomentRowSums>(const FitRows&)>;

}  // namespace closedform
