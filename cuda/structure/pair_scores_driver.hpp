#pragma once
// The separability reduction on a device, over all inputs of a surrogate.

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "closedform/structure/pair_scores.hpp"
#include "cuda/runtime/bundle.hpp"
#include "cuda/structure/pair_scores_body.hpp"
#include "cuda/surrogate/tensor_surrogate_driver.hpp"
#include "structure/pair_totals.hpp"

namespace closedform::gpu {

template <class Real, class Runtime>
class PairRowsOn : public PairRowSums {
  public:
    /// on_device: x lies there already. The runtime is `arguments`' own.
    template <class... Arguments>
    PairRowsOn(const TensorSurrogate& model, MatrixView<const Real> x, bool on_device,
               const Arguments&... arguments)
        : runtime_(arguments...), model_(model), x_(x), on_device_(on_device) {
        if (x.columns != model.inputs()) {
            throw std::invalid_argument("separability: sizes of rows and surrogate do not match");
        }
        if (x.rows > std::numeric_limits<unsigned>::max()) {
            throw DeviceError("more rows than its counters of 32 bits hold; use device=\"cpu\"");
        }
    }

    /// To the end, whatever the token says: a device is soon through.
    bool add(const double& centre, const StopToken& /*stop*/, PairTotals& total) override {
        const std::size_t inputs = model_.inputs();
        Bundle<Runtime> bundle;
        typename Runtime::Stream stream(runtime_);
        const PackedTables<Real> tables(bundle, runtime_, model_.tables(), model_.modes(),
                                        model_.offset());
        std::vector<Real> range;
        for (const GridBasis& basis : model_.bases()) {
            range.push_back(static_cast<Real>(basis.high() - basis.low()));
        }
        const std::size_t range_at = bundle.add(runtime_, std::span<const Real>(range));
        bundle.send(runtime_, stream);
        PairReduction<Real> body{};
        body.tables = tables.view(bundle);
        body.range = bundle.template at<Real>(range_at);
        body.centre = static_cast<Real>(centre);
        Placement<Runtime> placement(runtime_, body.space_bytes(), tables.plane_bytes());
        const std::size_t block_sums = body.block_sums();
        const std::size_t sum_count = placement.blocks() * block_sums;
        const std::size_t histograms = 1 + 2 * static_cast<std::size_t>(body.pairs());
        std::array<typename Runtime::template Buffer<double>, slots> sums;
        for (auto& slot : sums) {
            slot = {runtime_, sum_count};
            runtime_.clear(slot.data(), sum_count, stream);
        }
        typename Runtime::template Buffer<unsigned> counts(runtime_,
                                                           histograms * kernels::log_bins);
        runtime_.clear(counts.data(), histograms * kernels::log_bins, stream);
        stream.wait();
        body.counts = counts.data();
        map_rows<Real>(
            runtime_, x_, on_device_, {}, 0, [](std::size_t) {},
            [&](std::size_t slot, typename Runtime::Stream& s, const Real* rows, std::size_t count,
                Real* const* /*out*/) {
                body.x = rows;
                body.rows = count;
                body.sums = sums[slot].data();
                placement.launch(body, (count + body.threads - 1) / body.threads, slot, s);
            });

        std::vector<double> sums_here(sum_count);
        std::vector<unsigned> counts_here(histograms * kernels::log_bins);
        for (const auto& slot : sums) {
            runtime_.copy(sums_here.data(), slot.data(), sum_count, stream);
            stream.wait();
            const std::size_t items = body.items();
            for (std::size_t at = 0; at < sum_count; at += body.sums_per_item) {
                const std::size_t item = at / body.sums_per_item % items;
                const double* sum = sums_here.data() + at;
                if (item < body.pairs()) {
                    total.sums.curvatures[item] += sum[0];
                    total.sums.product_residual[item] += sum[1];
                    total.sums.residual_curvature[item] += sum[2];
                } else if (item < body.pairs() + inputs) {
                    total.sums.slopes[item - body.pairs()] += sum[0];
                } else {
                    total.sums.value += sum[0];
                    total.sums.square += sum[1];
                }
            }
        }
        total.sums.rows += static_cast<double>(x_.rows);
        runtime_.copy(counts_here.data(), counts.data(), counts_here.size(), stream);
        stream.wait();
        const auto histogram = [&](std::size_t h) {
            return std::span<const unsigned>(counts_here)
                .subspan(h * kernels::log_bins, kernels::log_bins);
        };
        total.counts.size.merge(histogram(0));
        for (std::size_t p = 0; p < body.pairs(); ++p) {
            total.counts.curvature[p].merge(histogram(1 + 2 * p));
            total.counts.product_residual[p].merge(histogram(2 + 2 * p));
        }
        return true;
    }

    const Runtime& runtime() const { return runtime_; }

  private:
    Runtime runtime_;
    const TensorSurrogate& model_;
    MatrixView<const Real> x_;
    bool on_device_;
};

}  // namespace closedform::gpu
