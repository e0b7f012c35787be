#pragma once
// The separability reduction on a device, over all inputs of a surrogate.

#include <array>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

#include "closedform/structure/pair_scores.hpp"
#include "cuda/structure/pair_scores_body.hpp"
#include "cuda/surrogate/tensor_surrogate_driver.hpp"
#include "structure/pair_totals.hpp"

namespace closedform::gpu {

template <class Real, class Runtime>
PairTotals pair_totals(Runtime& runtime, const TensorSurrogate& model, MatrixView<const Real> x,
                       bool on_device, double centre) {
    const std::size_t inputs = model.inputs();
    if (x.columns != inputs) {
        throw std::invalid_argument("separability: sizes of rows and surrogate do not match");
    }
    if (x.rows > std::numeric_limits<unsigned>::max()) {
        throw DeviceError("more rows than its counters of 32 bits hold; use device=\"cpu\"");
    }
    typename Runtime::Stream stream(runtime);
    TablesOnDevice<Real, Runtime> tables;
    tables.load(runtime, model.tables(), model.modes(), model.offset(), stream);
    std::vector<Real> range;
    for (const GridBasis& basis : model.bases()) {
        range.push_back(static_cast<Real>(basis.high() - basis.low()));
    }
    const auto range_there = upload(runtime, range, stream);
    PairReduction<Real> body{};
    body.tables = tables.view();
    body.range = range_there.data();
    body.centre = static_cast<Real>(centre);
    Placement<Runtime> placement(runtime, body.space_bytes(), tables.plane_bytes());
    const std::size_t block_sums = body.block_sums();
    const std::size_t sum_count = placement.blocks() * block_sums;
    const std::size_t histograms = 1 + 2 * static_cast<std::size_t>(body.pairs());
    std::array<typename Runtime::template Buffer<double>, slots> sums;
    for (auto& slot : sums) {
        slot = {runtime, sum_count};
        runtime.clear(slot.data(), sum_count, stream);
    }
    typename Runtime::template Buffer<unsigned> counts(runtime, histograms * kernels::log_bins);
    runtime.clear(counts.data(), histograms * kernels::log_bins, stream);
    stream.wait();
    body.counts = counts.data();
    map_rows<Real>(
        runtime, x, on_device, {}, 0, [](std::size_t) {},
        [&](std::size_t slot, typename Runtime::Stream& s, const Real* rows, std::size_t count,
            Real* const* /*out*/) {
            body.x = rows;
            body.rows = count;
            body.sums = sums[slot].data();
            placement.launch(body, (count + body.threads - 1) / body.threads, slot, s);
        });

    std::vector<double> sums_here(sum_count);
    std::vector<unsigned> counts_here(histograms * kernels::log_bins);
    PairTotals totals(inputs);
    for (const auto& slot : sums) {
        runtime.copy(sums_here.data(), slot.data(), sum_count, stream);
        stream.wait();
        const std::size_t items = body.items();
        for (std::size_t at = 0; at < sum_count; at += body.sums_per_item) {
            const std::size_t item = at / body.sums_per_item % items;
            const double* sum = sums_here.data() + at;
            if (item < body.pairs()) {
                totals.sums.curvatures[item] += sum[0];
                totals.sums.product_residual[item] += sum[1];
                totals.sums.residual_curvature[item] += sum[2];
            } else if (item < body.pairs() + inputs) {
                totals.sums.slopes[item - body.pairs()] += sum[0];
            } else {
                totals.sums.value += sum[0];
                totals.sums.square += sum[1];
            }
        }
    }
    totals.sums.rows = static_cast<double>(x.rows);
    runtime.copy(counts_here.data(), counts.data(), counts_here.size(), stream);
    stream.wait();
    const auto histogram = [&](std::size_t h) {
        return std::span<const unsigned>(counts_here)
            .subspan(h * kernels::log_bins, kernels::log_bins);
    };
    totals.counts.size.merge(histogram(0));
    for (std::size_t p = 0; p < body.pairs(); ++p) {
        totals.counts.curvature[p].merge(histogram(1 + 2 * p));
        totals.counts.product_residual[p].merge(histogram(2 + 2 * p));
    }
    return totals;
}

}  // namespace closedform::gpu
