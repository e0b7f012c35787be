#pragma once
// How much each input alone matters to a surrogate.

#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// Per input, the root mean square change of u over the square root of two when the input is taken
/// from another row: of the rows x inputs of x, or of those that were seen before it was stopped.
std::vector<double> input_effects(const TensorSurrogate& model, MatrixView<const double> x,
                                  unsigned threads, const StopToken& stop);

}  // namespace closedform
