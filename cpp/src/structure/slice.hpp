#pragma once
// A surrogate read along some of its inputs, the others held.

#include <cstddef>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// scale * u(x_block; the others at the anchor) + shift as a surrogate over the block's inputs
/// only, which ascend. `anchor` has one value per input of the model.
TensorSurrogate slice(const TensorSurrogate& model, const std::vector<std::size_t>& block,
                      const std::vector<double>& anchor, double scale = 1, double shift = 0);

}  // namespace closedform
