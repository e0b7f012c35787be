#pragma once
// The many small fits by which the sizes of a surrogate are chosen.

#include <span>

#include "closedform/core/stop.hpp"
#include "closedform/core/table.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"
#include "surrogate/als.hpp"
#include "surrogate/column_grids.hpp"
#include "surrogate/cross_validation.hpp"

namespace closedform {

/// Which factors change in a model of so many modes.
FreeFactors free_factors(SurrogateStart start, std::size_t modes, std::size_t inputs);

/// Of the same rows and options they have the same bits wherever they are fitted.
class TrialFits {
  public:
    /// Refers to the rows and to the options. Throws std::invalid_argument for sizes that do not
    /// match, fewer than two rows, or a target that is constant.
    TrialFits(const Table& x, std::span<const double> y, std::span<const double> weights,
              const SurrogateOptions& options);

    /// `inner`: threads go to rows: there is a single model to fit at the moment.
    FittedTrial fit(const SurrogateTrial& trial, const StopToken& stop, bool inner = false) const;

    AlsOptions als(double smoothing, std::size_t sweeps, double tolerance, const StopToken& stop,
                   bool inner) const;
    FitRows rows(std::span<const std::uint32_t> chosen) const {
        return {x_, y_, weights_, {}, chosen};
    }
    FitRows all_rows() const { return {x_, y_, weights_}; }
    const HeldOut& held_out() const { return held_out_; }
    const std::vector<bool>& discrete() const { return grids_.discrete; }
    /// Standard deviation of y.
    double spread() const { return spread_; }

  private:
    TensorSurrogate begun(const SurrogateSize& size, std::span<const std::uint32_t> train) const;

    const Table& x_;
    std::span<const double> y_;
    std::span<const double> weights_;
    const SurrogateOptions& options_;
    Grids grids_;
    HeldOut held_out_;
    double spread_ = 0;
};

}  // namespace closedform
