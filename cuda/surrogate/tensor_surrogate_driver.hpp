#pragma once
// A tensor surrogate on a device.

#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/upload.hpp"
#include "cuda/surrogate/tensor_surrogate_body.hpp"

namespace closedform::gpu {

/// The tables of a surrogate in the device's memory; those that follow take their place.
template <class Real, class Runtime>
class TablesOnDevice {
  public:
    void load(Runtime& runtime, std::span<const FactorTable> tables, std::size_t modes,
              double offset, typename Runtime::Stream& stream) {
        const std::size_t stride = modes | 1U;
        std::vector<Real> planes;
        std::vector<Real> nodes;
        std::vector<Real> center;
        std::vector<Real> inverse_width;
        std::vector<unsigned> first_node = {0};
        const auto append = [](std::vector<Real>& to, const double* from, std::size_t count) {
            for (std::size_t i = 0; i < count; ++i) {
                to.push_back(static_cast<Real>(from[i]));
            }
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
        view_ = {planes_.load(runtime, planes, stream),
                 nodes_.load(runtime, nodes, stream),
                 center_.load(runtime, center, stream),
                 inverse_width_.load(runtime, inverse_width, stream),
                 first_node_.load(runtime, first_node, stream),
                 static_cast<unsigned>(tables.size()),
                 static_cast<unsigned>(modes),
                 static_cast<unsigned>(stride),
                 static_cast<Real>(offset)};
        stream.wait();
        plane_bytes_ = planes.size() * sizeof(Real);
    }

    const SurrogateTables<Real>& view() const { return view_; }
    std::size_t plane_bytes() const { return plane_bytes_; }

  private:
    Room<Real, Runtime> planes_;
    Room<Real, Runtime> nodes_;
    Room<Real, Runtime> center_;
    Room<Real, Runtime> inverse_width_;
    Room<unsigned, Runtime> first_node_;
    SurrogateTables<Real> view_{};
    std::size_t plane_bytes_ = 0;
};

template <class Real, class Runtime>
void derivatives(Runtime& runtime, const TensorSurrogate& model, MatrixView<const Real> x,
                 bool on_device, double* value, double* gradient, double* hessian) {
    if (x.columns != model.inputs()) {
        throw std::invalid_argument("tensor surrogate: X has " + std::to_string(x.columns) +
                                    " columns, the surrogate " + std::to_string(model.inputs()));
    }
    typename Runtime::Stream loading(runtime);
    TablesOnDevice<Real, Runtime> tables;
    tables.load(runtime, model.tables(), model.modes(), model.offset(), loading);
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
        body.tables = tables.view();
        run(body, [](auto& b, Real* const* out) { b.value = out[0]; });
        return;
    }
    SurrogateDerivatives<Real> body{};
    body.tables = tables.view();
    body.wants_hessian = hessian != nullptr;
    run(body, [&](auto& b, Real* const* out) {
        b.value = value == nullptr ? nullptr : out[value_at];
        b.gradient = gradient == nullptr ? nullptr : out[gradient_at];
        b.hessian = hessian == nullptr ? nullptr : out[hessian_at];
    });
}

}  // namespace closedform::gpu
