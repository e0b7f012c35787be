#pragma once
// One neuron of a stack of dense layers on a device: forwards with the slopes kept, then backwards.

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "closedform/network/network.hpp"
#include "cuda/network/layer_parts_body.hpp"
#include "cuda/network/network_body.hpp"
#include "cuda/runtime/matrix_product.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/row_chunks.hpp"
#include "cuda/runtime/upload.hpp"

namespace closedform::gpu {

template <class Real, class Runtime>
class HeadOnDevice {
  public:
    HeadOnDevice(Runtime& runtime, const Network<Real>& network, const Head& head,
                 cuda::Products products = cuda::Products::of_library)
        : runtime_(runtime), head_(head), inputs_(network.inputs()) {
        typename Runtime::Stream stream(runtime);
        widest_ = inputs_;
        const auto add = [&](const DenseLayer<Real>& layer) {
            layers_.push_back(
                {upload(runtime, layer.weights, stream), upload(runtime, layer.bias, stream),
                 static_cast<unsigned>(layer.inputs), static_cast<unsigned>(layer.outputs),
                 layer.activation, static_cast<Real>(layer.parameter)});
            widest_ = std::max(widest_, layer.outputs);
        };
        const DenseLayer<Real> last = head_layer(network.layers(), head);
        std::for_each_n(network.layers().begin(), head.layer, add);
        add(last);
        if (products == cuda::Products::of_library) {
            for (auto& slot : products_) {
                slot = typename Runtime::Products(runtime);
            }
        }
        stream.wait();
    }

    template <class X>
    void evaluate(MatrixView<const X> x, bool on_device, double* value, double* gradient) {
        if (x.columns != inputs_) {
            throw std::invalid_argument("network: X has " + std::to_string(x.columns) +
                                        " columns, the network " + std::to_string(inputs_) +
                                        " inputs");
        }
        // The head's own value may be wanted or not, but is always made.
        std::size_t row_numbers = 2 * widest_ + 1;
        for (const Layer& layer : layers_) {
            row_numbers += gradient == nullptr ? 0 : layer.outputs;
        }
        std::vector<Output> outputs;
        if (value != nullptr) {
            outputs.push_back({value, 1});
        }
        if (gradient != nullptr) {
            outputs.push_back({gradient, inputs_});
        }
        std::array<Space, slots> spaces;
        map_rows<Real>(
            runtime_, x, on_device, outputs, row_numbers * sizeof(Real),
            [&](std::size_t chunk) {
                for (Space& space : spaces) {
                    space.first = {runtime_, chunk * widest_};
                    space.second = {runtime_, chunk * widest_};
                    space.value = {runtime_, chunk};
                    for (const Layer& layer : layers_) {
                        if (gradient != nullptr) {
                            space.slopes.emplace_back(runtime_, chunk * layer.outputs);
                        }
                    }
                }
            },
            [&](std::size_t slot, Stream& stream, const X* rows, std::size_t count,
                Real* const* out) {
                Space& space = spaces[slot];
                space.products = &products_[slot];
                forward(space, stream, rows, count, gradient != nullptr,
                        value == nullptr ? space.value.data() : out[0]);
                if (gradient != nullptr) {
                    backward(space, stream, count, out[value == nullptr ? 0 : 1]);
                }
            });
    }

  private:
    using Stream = typename Runtime::Stream;
    template <class T>
    using Buffer = typename Runtime::template Buffer<T>;

    struct Layer {
        Buffer<Real> weights;
        Buffer<Real> bias;
        unsigned inputs;
        unsigned outputs;
        Activation activation;
        Real parameter;
    };
    /// Layer outputs, then derivatives, take turns in the first two.
    struct Space {
        Buffer<Real> first;
        Buffer<Real> second;
        Buffer<Real> value;
        std::vector<Buffer<Real>> slopes;
        const typename Runtime::Products* products = nullptr;
    };

    template <class Body>
    void launch(const Body& body, std::size_t shared_bytes, Stream& stream) {
        runtime_.launch(body, std::min(body.blocks(), most_blocks), shared_bytes, stream);
    }

    template <class X>
    void layer_forward(const Space& space, const Layer& layer, const X* h, std::size_t count,
                       Real* out, Real* slope, Stream& stream) {
        const auto with_body = [&]<class Body>() {
            return Body{h,
                        count,
                        layer.weights.data(),
                        layer.bias.data(),
                        layer.inputs,
                        layer.outputs,
                        layer.activation,
                        layer.parameter,
                        out,
                        slope};
        };
        using Thin = ThinForward<Real, X>;
        if (layer.inputs <= Thin::most_inputs) {
            launch(with_body.template operator()<Thin>(), Thin::shared_bytes, stream);
            return;
        }
        if constexpr (std::is_same_v<X, Real>) {  // the library has no products of mixed types
            if (space.products->found()) {
                space.products->multiply(MatrixProduct<Real>{h, layer.weights.data(), out, count,
                                                             layer.outputs, layer.inputs, true},
                                         stream);
                launch(Respond<Real>{out, count, layer.bias.data(), layer.outputs, layer.activation,
                                     layer.parameter, slope},
                       0, stream);
                return;
            }
        }
        runtime_.launch(with_body.template operator()<LayerForward<Real, X>>(),
                        Tiles<Real>::count(count, layer.outputs), Tiles<Real>::shared_bytes,
                        stream);
    }

    /// slope: of the layer before; null for none.
    void layer_backward(const Space& space, const Layer& layer, const Real* delta,
                        std::size_t count, const Real* slope, Real* out, Stream& stream) {
        if (layer.outputs == 1) {
            launch(ThinBackward<Real>{delta, count, layer.weights.data(), layer.inputs, slope, out},
                   0, stream);
            return;
        }
        if (space.products->found()) {
            space.products->multiply(MatrixProduct<Real>{delta, layer.weights.data(), out, count,
                                                         layer.inputs, layer.outputs, false},
                                     stream);
            if (slope != nullptr) {
                launch(Scale<Real>{out, slope, count * layer.inputs}, 0, stream);
            }
            return;
        }
        const LayerBackward<Real> body = {
            delta, count, layer.weights.data(), layer.inputs, layer.outputs, slope, out};
        runtime_.launch(body, Tiles<Real>::count(count, layer.inputs), Tiles<Real>::shared_bytes,
                        stream);
    }

    /// f of every row into `value`; for log-odds their derivatives by the logits into space.first.
    template <class X>
    void forward(Space& space, Stream& stream, const X* rows, std::size_t count, bool slopes,
                 Real* value) {
        const bool odds = head_.kind == Head::Kind::log_odds;
        const Real* h = nullptr;
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            const Layer& layer = layers_[l];
            const bool last = l + 1 == layers_.size();
            Real* out = last ? (odds ? space.first.data() : value) : space.second.data();
            Real* slope = slopes && !(last && odds) ? space.slopes[l].data() : nullptr;
            if (l == 0) {
                layer_forward(space, layer, rows, count, out, slope, stream);
            } else {
                layer_forward(space, layer, h, count, out, slope, stream);
            }
            if (!last) {
                std::swap(space.first, space.second);
                h = space.first.data();
                if (l + 2 == layers_.size() && odds) {
                    // The last output goes where h is not.
                    std::swap(space.first, space.second);
                }
            }
        }
        if (odds) {
            LogOdds<Real> body = {space.first.data(), count, layers_.back().outputs,
                                  static_cast<unsigned>(head_.index), value};
            runtime_.launch(body, (count + body.threads - 1) / body.threads, 0, stream);
        }
    }

    void backward(Space& space, Stream& stream, std::size_t count, Real* gradient) {
        const Real* delta =
            head_.kind == Head::Kind::log_odds ? space.first.data() : space.slopes.back().data();
        for (std::size_t l = layers_.size(); l-- > 0;) {
            const Layer& layer = layers_[l];
            layer_backward(space, layer, delta, count,
                           l == 0 ? nullptr : space.slopes[l - 1].data(),
                           l == 0 ? gradient : space.second.data(), stream);
            std::swap(space.first, space.second);
            delta = space.first.data();
        }
    }

    Runtime& runtime_;
    Head head_;
    std::size_t inputs_;
    std::size_t widest_ = 0;
    std::vector<Layer> layers_;
    std::array<typename Runtime::Products, slots> products_;
};

}  // namespace closedform::gpu
