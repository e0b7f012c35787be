#pragma once
// Alternating least squares for a tensor surrogate: with every factor but input d's fixed, u is
// linear in the node values of input d, and the normal equations of all modes are solved at once.
//
// Per row, the design is g_m * B_j(x_d), g_m the product of the mode's other factors. B_j is a
// quartic in the cell's coordinate t, so a cell's block of the normal matrix follows from the nine
// moments sum w g_m g_m' t^k, k = 0..8, of its rows: three times less work than accumulating the
// block itself, and independent of the patch.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/core/table.hpp"
#include "closedform/surrogate/moment_sums.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"

namespace closedform {

/// Positions of rows; nothing for all. (No rows are not all rows.)
using ChosenRows = std::optional<std::span<const std::uint32_t>>;

/// Rows to fit: y ~ multiplier * (sum of modes) + offset, weighted. No weights and no multipliers
/// mean ones.
struct FitRows {
    Table x;
    std::span<const double> y;
    std::span<const double> weights = {};
    std::span<const double> multiplier = {};
    ChosenRows rows = std::nullopt;

    std::size_t count() const { return rows ? rows->size() : y.size(); }
    std::size_t row(std::size_t position) const { return rows ? (*rows)[position] : position; }
    double weight(std::size_t row) const { return weights.empty() ? 1.0 : weights[row]; }
};

/// Which factors may change, [modes][inputs]; a factor that is not free keeps its node values.
class FreeFactors {
  public:
    FreeFactors(std::size_t modes, std::size_t inputs, bool free = true)
        : inputs_(inputs), free_(modes * inputs, free ? 1 : 0) {}
    bool operator()(std::size_t mode, std::size_t input) const {
        return free_[mode * inputs_ + input] != 0;
    }
    void set(std::size_t mode, std::size_t input, bool free) {
        free_[mode * inputs_ + input] = free ? 1 : 0;
    }
    void add_mode(bool free) { free_.insert(free_.end(), inputs_, free ? 1 : 0); }
    std::size_t modes() const { return free_.size() / inputs_; }
    std::size_t inputs() const { return inputs_; }

  private:
    std::size_t inputs_;
    std::vector<std::uint8_t> free_;
};

struct AlsOptions {
    /// Weight of each factor's roughness (integral of f''^2 over the input scaled to [0,1]) and,
    /// for inputs without roughness, of its variance, relative to the variance the mode carries.
    double smoothing = 1e-8;
    std::size_t max_sweeps = 100;
    /// Stops when a sweep lowers the objective by less than this share of it.
    double tolerance = 1e-4;
    unsigned threads = 1;  ///< results do not depend on it
    StopToken stop = {};
    RowsElsewhere rows_there = {};
};

struct AlsResult {
    double rmse = 0;  ///< weighted, on the rows fitted
    std::size_t sweeps = 0;
};

/// Improves `model`'s free factors on `rows`, starting from the node values it has. The offset
/// stays. Throws std::invalid_argument for sizes that do not match.
AlsResult fit_als(TensorSurrogate& model, const FreeFactors& free, const FitRows& rows,
                  const AlsOptions& options);

}  // namespace closedform
