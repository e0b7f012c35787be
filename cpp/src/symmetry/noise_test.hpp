#pragma once
// Is a residual noise, or does it follow from where it was measured?
//
// Independent noise of mean zero cannot be predicted from the inputs; the residual of a law that
// does not hold can. Two predictions are tried: nested polynomials of the inputs' ranks, and the
// residual at the nearest row. Neither needs the noise to be equally strong everywhere: both are
// measured against what the same residuals with random signs would give (White 1980).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"

namespace closedform {

/// Ranks of the values, spread over [-1, 1], equal values sharing their mean: outliers get no
/// leverage.
std::vector<double> ranks(const std::vector<double>& values);

/// Whether a sum of squares over what chance gives for so many directions, `ratio`, is larger than
/// chance makes it, by four standard deviations.
bool beyond_chance(double ratio, std::size_t freedom);

struct ResidualStructure {
    bool structured = false;
    double unexplained = 1.0;  ///< mean |residual| that the polynomial leaves, over mean |residual|
};

/// Rows and their neighbours: what every residual of one problem is tested against.
class ResidualTest {
  public:
    /// x: the columns of the original inputs, for neighbours; weights: one a row, positive.
    /// Stopped, it knows the neighbours of some rows alone.
    ResidualTest(const std::vector<std::vector<double>>& x, std::vector<double> weights,
                 const StopToken& stop = {});

    /// columns: the ranks of the inputs as merged so far; the polynomial is of degree 4 in the one
    /// or two inputs `near`, of degree 2 in the others.
    ResidualStructure operator()(std::span<const double> residual,
                                 const std::vector<const std::vector<double>*>& columns,
                                 std::span<const std::size_t> near) const;

  private:
    bool neighbours_agree(std::span<const double> residual) const;

    std::vector<double> weights_;
    std::vector<std::uint32_t> probes_;   ///< rows compared with their neighbours
    std::vector<std::uint32_t> nearest_;  ///< of each probe, among the probes
};

}  // namespace closedform
