#pragma once
// Functions that are additive behind a link: L(u) = sum of functions of single inputs.
//
// For such u, u_ij / (u_i u_j) = -L''(u) / L'(u) is a function of u alone, for every pair. We try
// the links a user would name and let the error of the back-transformed fit, on rows held out,
// decide (our own definition).

#include <cstddef>
#include <functional>
#include <vector>

#include "closedform/core/link_function.hpp"
#include "structure/tree_fit.hpp"

namespace closedform {

struct FoundLink {
    Link link = Link::identity;
    HeldOutErrors errors;  ///< of the additive fit behind it, in y
};

/// The best link other than the identity for the sample's y, additive in `inputs`. Infinite error
/// if none is usable.
FoundLink find_link(const std::vector<std::size_t>& inputs, const TreeSample& sample,
                    std::size_t segments, unsigned threads, const StopToken& stop);

}  // namespace closedform
