#pragma once
// Rows set aside to judge a fit, and the small steps the fit of a surrogate is made of.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "surrogate/als.hpp"

namespace closedform {

/// Splits of the rows: every fold trains on some and is tested on others.
struct HeldOut {
    std::vector<std::vector<std::uint32_t>> train;
    std::vector<std::vector<std::uint32_t>> test;
    std::string description;
};

/// Cross-validation below 200 rows (10 folds below 50, 5 from there), one random fifth (at most
/// 20,000 rows) from 200 on; then at most 8,000 of the others are used to choose sizes.
HeldOut hold_out_rows(std::size_t rows, std::uint64_t seed);

struct Moments2 {
    double mean = 0;
    double deviation = 0;
};
Moments2 weighted_moments(std::span<const double> y, std::span<const double> weights);

struct ErrorSum {
    double squares = 0;
    double weight = 0;
};
/// Weighted squared error of y ~ multiplier * (u - offset) + offset.
ErrorSum error_on(const TensorSurrogate& model, const FitRows& rows);

/// The model with one more mode, of value zero.
TensorSurrogate with_extra_mode(const TensorSurrogate& model);

/// The same modes, each factor sampled at other grids' nodes.
TensorSurrogate on_other_grid(const TensorSurrogate& model, std::vector<GridBasis> bases);

/// Gives `mode` values that fit what the others leave: several random smooth starts on few rows,
/// the best improved on all of `rows`. The other modes stay.
void start_mode(TensorSurrogate& model, std::size_t mode, const FitRows& rows,
                const AlsOptions& options, std::uint64_t seed);

}  // namespace closedform
