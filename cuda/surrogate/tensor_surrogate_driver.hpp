#pragma once
// A tensor surrogate on a device.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <stdexcept>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "cuda/runtime/bundle.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/surrogate/tensor_surrogate_body.hpp"

namespace closedform::gpu {

/// Where the tables of a surrogate lie in a bundle.
template <class Real>
class PackedTables {
  public:
    template <class Runtime>
    PackedTables(Bundle<Runtime>& bundle, Runtime& runtime, std::span<const FactorTable> tables,
                 std::size_t modes, double offset) {
        const std::size_t stride = modes | 1U;
        std::vector<Real> planes;
        std::vector<Real> nodes;
        std::vector<Real> center;
        std::vector<Real> inverse_width;
        std::vector<unsigned> first_node = {0};
        const auto append = [](std::vector<Real>& to, const double* from, std::size_t count) {
            std::transform(from, from + count, std::back_inserter(to),
                           [](double value) { return static_cast<Real>(value); });
        };
        for (const FactorTable& table : tables) {
            for (std::size_t at = 0; at < table.planes.size(); at += table.padded) {
                append(planes, table.planes.data() + at, modes);
                planes.resize(planes.size() + stride - modes);
            }
            append(nodes, table.nodes.data(), table.nodes.size());
            append(center, table.center.data(), table.center.size());
            append(inverse_width, table.inverse_width.data(), table.inverse_width.size());
            first_node.push_back(static_cast<unsigned>(nodes.size()));
        }
        planes_ = bundle.add(runtime, std::span<const Real>(planes));
        nodes_ = bundle.add(runtime, std::span<const Real>(nodes));
        center_ = bundle.add(runtime, std::span<const Real>(center));
        inverse_width_ = bundle.add(runtime, std::span<const Real>(inverse_width));
        first_node_ = bundle.add(runtime, std::span<const unsigned>(first_node));
        counts_ = {nullptr,
                   nullptr,
                   nullptr,
                   nullptr,
                   nullptr,
                   static_cast<unsigned>(tables.size()),
                   static_cast<unsigned>(modes),
                   static_cast<unsigned>(stride),
                   static_cast<Real>(offset)};
        plane_bytes_ = planes.size() * sizeof(Real);
    }

    /// Once the bundle is sent.
    template <class Runtime>
    SurrogateTables<Real> view(const Bundle<Runtime>& bundle) const {
        SurrogateTables<Real> there = counts_;
        there.planes = bundle.template at<Real>(planes_);
        there.nodes = bundle.template at<Real>(nodes_);
        there.center = bundle.template at<Real>(center_);
        there.inverse_width = bundle.template at<Real>(inverse_width_);
        there.first_node = bundle.template at<unsigned>(first_node_);
        return there;
    }
    std::size_t plane_bytes() const { return plane_bytes_; }

  private:
    std::size_t planes_;
    std::size_t nodes_;
    std::size_t center_;
    std::size_t inverse_width_;
    std::size_t first_node_;
    SurrogateTables<Real> counts_{};
    std::size_t plane_bytes_ = 0;
};

template <class Real, class Runtime>
void derivatives(Runtime& runtime, const TensorSurrogate& model, MatrixView<const Real> x,
                 bool on_device, double* value, double* gradient, double* hessian) {
    if (x.columns != model.inputs()) {
        throw std::invalid_argument("tensor surrogate: X has " + std::to_string(x.columns) +
                                    " columns, the surrogate " + std::to_string(model.inputs()));
    }
    Bundle<Runtime> bundle;
    const PackedTables<Real> tables(bundle, runtime, model.tables(), model.modes(), model.offset());
    typename Runtime::Stream loading(runtime);
    bundle.send(runtime, loading);
    loading.wait();
    std::vector<Output> outputs;
    const auto want = [&](double* to, std::size_t width) {
        if (to != nullptr) {
            outputs.push_back({to, width});
        }
        return outputs.size() - 1;
    };
    const std::size_t value_at = want(value, 1);
    const std::size_t gradient_at = want(gradient, x.columns);
    const std::size_t hessian_at = want(hessian, x.columns * x.columns);
    const auto run = [&](auto body, const auto& aim) {
        constexpr std::size_t threads = decltype(body)::threads;
        Placement<Runtime> placement(runtime, body.space_bytes(), tables.plane_bytes());
        map_rows<Real>(
            runtime, x, on_device, outputs, 0, [](std::size_t) {},
            [&](std::size_t slot, typename Runtime::Stream& stream, const Real* rows,
                std::size_t count, Real* const* out) {
                body.x = rows;
                body.rows = count;
                aim(body, out);
                placement.launch(body, (count + threads - 1) / threads, slot, stream);
            });
    };
    if (gradient == nullptr && hessian == nullptr) {
        SurrogateValues<Real> body{};
        body.tables = tables.view(bundle);
        run(body, [](auto& b, Real* const* out) { b.value = out[0]; });
        return;
    }
    SurrogateDerivatives<Real> body{};
    body.tables = tables.view(bundle);
    body.wants_hessian = hessian != nullptr;
    run(body, [&](auto& b, Real* const* out) {
        b.value = value == nullptr ? nullptr : out[value_at];
        b.gradient = gradient == nullptr ? nullptr : out[gradient_at];
        b.hessian = hessian == nullptr ? nullptr : out[hessian_at];
    });
}

}  // namespace closedform::gpu
