#pragma once
// A step of the fit on rows that are too many to keep: two passes over them, whatever the number of
// inputs, and work in proportion to rows and inputs.
//
// A sample of the rows knows well how the squared error curves, but its slopes are off by chance.
// So the step is one of Gauss and Newton with the slopes of all rows and the curvature of the
// sample (sub-sampled Newton: Roosta-Khorasani and Mahoney, arXiv 1601.04737). Few conjugate
// gradients, preconditioned by the normal equations of every input alone, take the directions in
// which the rows say something and leave those in which modes cancel each other.

#include <cstdint>
#include <span>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "surrogate/als.hpp"

namespace closedform {

/// Improves `model`, which has been fitted to `sample`, some of the rows of `all`, on all of them.
/// It stays as it is where that would not lower their squared error, or when it is stopped.
/// `beyond`: where `all` are a sample themselves.
void fit_all_rows(TensorSurrogate& model, const FreeFactors& free, const FitRows& all,
                  std::span<const std::uint32_t> sample, const AlsOptions& options,
                  const RowsBeyond& beyond = {});

}  // namespace closedform
