#pragma once
// From a table of data to a tensor surrogate: nodes from the data, and the number of modes, the
// number of segments and the smoothing chosen by the error on rows that were not fitted.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/core/table.hpp"
#include "closedform/surrogate/moment_sums.hpp"
#include "closedform/surrogate/surrogate_trial.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// The stop token ended a fit before there was a result.
class FitStopped : public std::runtime_error {
  public:
    FitStopped() : std::runtime_error("the fit was stopped") {}
};

/// A surrogate takes memory in proportion to its modes.
inline constexpr std::size_t most_surrogate_modes = 1000;

struct SurrogateOptions {
    std::size_t modes = 0;     ///< 0: chosen; fewer where the time is over first
    std::size_t segments = 0;  ///< 0: chosen
    double smoothing = -1;     ///< negative: chosen
    std::size_t patch = 2;
    std::size_t degree = 2;
    /// Seconds. The choice stops looking further after half of them; what follows, the last sweeps
    /// and the step on all rows, stops where it is when they are over.
    double time = 20;
    std::uint64_t seed = 0;
    unsigned threads = 0;  ///< 0: all cores; results do not depend on it unless time runs out
    StopToken stop = {};
    /// For the fits of one model at a time; those of many small ones, in
    /// parallel, stay on the CPU.
    RowsElsewhere rows_there = {};
    /// Fits of fewer rows stay on the CPU, too: a device has not begun when they are done.
    std::size_t least_rows_there = 65536;
    /// Where the rows given are a sample.
    RowsBeyond beyond = {};
    /// For the fits of many models, by which sizes are chosen; empty: they are done here.
    TrialsElsewhere trials_there = {};
};

struct SurrogateFit {
    TensorSurrogate model;
    std::size_t segments = 0;
    double smoothing = 0;
    /// Root mean square error over standard deviation of y, on rows the scored models had not seen.
    double held_out_error = 0;
    std::string held_out_rows;  ///< which rows those were, in words
    std::vector<bool> discrete;
};

/// Throws std::invalid_argument for sizes that do not match, for fewer than two rows, or a target
/// that is constant, more than most_surrogate_modes. Values must be finite (not checked here).
/// Throws FitStopped when options.stop says so.
SurrogateFit fit_surrogate(const Table& x, std::span<const double> y,
                           std::span<const double> weights, const SurrogateOptions& options);

}  // namespace closedform
