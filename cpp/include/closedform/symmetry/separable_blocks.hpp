#pragma once
// Pairs of inputs that may enter a target through one function of both.
//
// T = g(h(z1, z2), others) has G_1/G_2 = h_1/h_2: the direction of (G_1, G_2) depends on z1 and z2
// alone. As (cos, sin) of its doubled angle it is fitted by a polynomial of the pair's ranks; the
// pair is a block when the other inputs explain no more of what is left than they would of noise,
// judged as in noise_test.hpp. The rules of symmetries.hpp are blocks whose h is known.

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"

namespace closedform {

struct SeparableBlock {
    std::size_t first = 0;
    std::size_t second = 0;
    /// Root of the share of the direction's variance that only the other inputs predict.
    double statistic = 0.0;
};

/// z, u, s: rows x inputs as in MergedInput; weights: one a row, not negative. At most 2,048 rows
/// are used. Clearest block first; none where fewer than three inputs leave nothing to tell.
/// Stopped, it has those of the pairs tested until then.
std::vector<SeparableBlock> separable_blocks(MatrixView<const double> z, MatrixView<const double> u,
                                             MatrixView<const double> s,
                                             std::span<const double> weights,
                                             const StopToken& stop = {});

}  // namespace closedform
