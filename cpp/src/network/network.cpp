#include "closedform/network/network.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "core/blas.hpp"
#include "core/kernel_dispatch.hpp"
#include "core/parallel.hpp"
#include "kernels/log_odds.hpp"
#include "kernels/simd/activation.hpp"

namespace closedform {

CLOSEDFORM_DECLARE_SETS(ActivationKernels, activation_kernels)

const ActivationKernels& activation_kernels() {
    static const ActivationKernels& chosen =
        CLOSEDFORM_PICK_SET(ActivationKernels, activation_kernels);
    return chosen;
}

Activation activation_named(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, Activation>, 11> names = {
        {{"identity", Activation::identity},
         {"relu", Activation::relu},
         {"leaky_relu", Activation::leaky_relu},
         {"elu", Activation::elu},
         {"gelu", Activation::gelu},
         {"gelu_tanh", Activation::gelu_tanh},
         {"silu", Activation::silu},
         {"softplus", Activation::softplus},
         {"tanh", Activation::tanh},
         {"sigmoid", Activation::sigmoid},
         {"sin", Activation::sin}}};
    for (const auto& [known, activation] : names) {
        if (name == known) {
            return activation;
        }
    }
    throw std::invalid_argument("network: no activation is called \"" + std::string(name) + "\"");
}

template <class T>
DenseLayer<T> head_layer(const std::vector<DenseLayer<T>>& layers, const Head& head) {
    if (head.layer >= layers.size() || head.index >= layers[head.layer].outputs) {
        throw std::invalid_argument("network: has no neuron " + std::to_string(head.index) +
                                    " in layer " + std::to_string(head.layer));
    }
    DenseLayer<T> layer = layers[head.layer];
    if (head.kind != Head::Kind::neuron) {
        layer.activation = Activation::identity;
    }
    if (head.kind == Head::Kind::log_odds) {
        if (layer.outputs < 2) {
            throw std::invalid_argument("network: log-odds need at least two classes");
        }
        return layer;
    }
    const auto first = static_cast<std::ptrdiff_t>(head.index * layer.inputs);
    layer.weights = {layer.weights.begin() + first,
                     layer.weights.begin() + first + static_cast<std::ptrdiff_t>(layer.inputs)};
    layer.bias = {layer.bias[head.index]};
    layer.outputs = 1;
    return layer;
}

template DenseLayer<float> head_layer(const std::vector<DenseLayer<float>>&, const Head&);
template DenseLayer<double> head_layer(const std::vector<DenseLayer<double>>&, const Head&);

namespace {

void respond(const DenseLayer<double>& layer, std::size_t rows, double* z, double* slope) {
    activation_kernels().doubles(layer.activation, layer.parameter, layer.bias.data(), rows,
                                 layer.outputs, z, slope);
}

void respond(const DenseLayer<float>& layer, std::size_t rows, float* z, float* slope) {
    activation_kernels().floats(layer.activation, layer.parameter, layer.bias.data(), rows,
                                layer.outputs, z, slope);
}

/// Blocks large enough that the matrix products reach their full rate (95 % of it at 512 rows of
/// 1000 neurons), small enough that a sixteenth of the rows is at most one and threads end
/// together. Bounded by memory too. Never depends on the number of threads: a block's size is part
/// of the result, by rounding.
std::size_t block_size(std::size_t rows, std::size_t numbers_per_row, std::size_t number_size) {
    constexpr std::size_t most_bytes = std::size_t{128} << 20U;
    const std::size_t fits = most_bytes / (numbers_per_row * number_size);
    return std::max<std::size_t>(
        1, std::min(fits, std::clamp<std::size_t>((rows + 15) / 16, 256, 1024)));
}

/// What one thread needs for one block of rows.
template <class T>
struct BlockSpace {
    std::vector<T> x;                    ///< the rows, where they are not T already
    std::vector<T> first;                ///< layer outputs, then gradients, take turns in
    std::vector<T> second;               ///< these two
    std::vector<std::vector<T>> slopes;  ///< per hidden layer
};

/// One head of a network, rows block by block.
template <class T, class X>
class HeadEvaluator {
  public:
    HeadEvaluator(const std::vector<DenseLayer<T>>& layers, MatrixView<const X> rows,
                  const Head& head)
        : hidden_(layers.data()),
          hidden_count_(head.layer),
          rows_(rows),
          head_(head),
          last_(head_layer(layers, head)) {
        widest_ = std::max(layers.front().inputs, last_.outputs);
        std::size_t total = 0;
        for (std::size_t l = 0; l < hidden_count_; ++l) {
            widest_ = std::max(widest_, hidden_[l].outputs);
            total += hidden_[l].outputs;
        }
        block_ = block_size(rows.rows, total + 2 * widest_, sizeof(T));
    }

    std::size_t blocks() const { return (rows_.rows + block_ - 1) / block_; }

    void evaluate(std::size_t block, BlockSpace<T>& space, double* value, double* gradient) const {
        const std::size_t begin = block * block_;
        const std::size_t count = std::min(block_, rows_.rows - begin);
        space.first.resize(block_ * widest_);
        space.second.resize(block_ * widest_);
        space.slopes.resize(hidden_count_);
        T* next = space.first.data();
        T* spare = space.second.data();

        const T* h = nullptr;
        std::size_t stride = rows_.columns;
        if constexpr (std::is_same_v<T, X>) {
            h = rows_.row(begin);
            stride = rows_.row_stride;
        } else {
            space.x.resize(block_ * rows_.columns);
            for (std::size_t i = 0; i < count; ++i) {
                std::transform(rows_.row(begin + i), rows_.row(begin + i) + rows_.columns,
                               space.x.data() + i * rows_.columns,
                               [](X x) { return static_cast<T>(x); });
            }
            h = space.x.data();
        }
        for (std::size_t l = 0; l < hidden_count_; ++l) {
            const DenseLayer<T>& layer = hidden_[l];
            T* slope = nullptr;
            if (gradient != nullptr) {
                space.slopes[l].resize(block_ * layer.outputs);
                slope = space.slopes[l].data();
            }
            forward(layer, h, stride, count, next, slope);
            h = next;
            stride = layer.outputs;
            std::swap(next, spare);
        }
        finish(h, stride, begin, count, next, spare, value);
        if (gradient != nullptr) {
            backward(begin, count, next, spare, space, gradient);
        }
    }

  private:
    static void forward(const DenseLayer<T>& layer, const T* h, std::size_t stride,
                        std::size_t count, T* z, T* slope) {
        multiply_transposed(h, stride, layer.weights.data(), count, layer.outputs, layer.inputs, z);
        respond(layer, count, z, slope);
    }

    /// The last layer: f into `value` (if not null), df/dz into `delta`. The last hidden layer's
    /// outputs may lie in `slope`, which is written after they were read.
    void finish(const T* h, std::size_t stride, std::size_t begin, std::size_t count, T* delta,
                T* slope, double* value) const {
        multiply_transposed(h, stride, last_.weights.data(), count, last_.outputs, last_.inputs,
                            delta);
        respond(last_, count, delta, slope);
        for (std::size_t i = 0; i < count; ++i) {
            double f = static_cast<double>(delta[i]);
            if (head_.kind == Head::Kind::log_odds) {
                f = kernels::log_odds(head_.index, last_.outputs, delta + i * last_.outputs);
            } else {
                delta[i] = slope[i];
            }
            if (value != nullptr) {
                value[begin + i] = f;
            }
        }
    }

    void backward(std::size_t begin, std::size_t count, T* delta, T* spare,
                  const BlockSpace<T>& space, double* gradient) const {
        for (std::size_t l = hidden_count_ + 1; l-- > 0;) {
            const DenseLayer<T>& layer = l == hidden_count_ ? last_ : hidden_[l];
            multiply(delta, layer.weights.data(), count, layer.inputs, layer.outputs, spare);
            if (l > 0) {
                const T* slope = space.slopes[l - 1].data();
                for (std::size_t i = 0; i < count * layer.inputs; ++i) {
                    spare[i] *= slope[i];
                }
            }
            std::swap(delta, spare);
        }
        std::transform(delta, delta + count * rows_.columns, gradient + begin * rows_.columns,
                       [](T g) { return static_cast<double>(g); });
    }

    const DenseLayer<T>* hidden_;
    std::size_t hidden_count_;
    MatrixView<const X> rows_;
    Head head_;
    DenseLayer<T> last_;
    std::size_t widest_ = 0;
    std::size_t block_ = 0;
};

}  // namespace

template <class T>
Network<T>::Network(std::vector<DenseLayer<T>> layers) : layers_(std::move(layers)) {
    if (layers_.empty()) {
        throw std::invalid_argument("network: needs at least one layer");
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const DenseLayer<T>& layer = layers_[l];
        const bool fits = l == 0 || layer.inputs == layers_[l - 1].outputs;
        if (layer.inputs == 0 || layer.outputs == 0 || layer.inputs > INT_MAX ||
            layer.outputs > INT_MAX || layer.weights.size() != layer.inputs * layer.outputs ||
            layer.bias.size() != layer.outputs || !fits) {
            throw std::invalid_argument("network: layer " + std::to_string(l) +
                                        ": sizes do not belong together");
        }
    }
}

template <class T>
template <class X>
void Network<T>::evaluate(MatrixView<const X> rows, const Head& head, double* value,
                          double* gradient, unsigned threads) const {
    if (rows.columns != inputs() || rows.row_stride > INT_MAX) {
        throw std::invalid_argument("network: X has " + std::to_string(rows.columns) +
                                    " columns, the network " + std::to_string(inputs()) +
                                    " inputs");
    }
    const HeadEvaluator<T, X> evaluator(layers_, rows, head);
    const unsigned workers = resolve_threads(threads);
    std::vector<BlockSpace<T>> spaces(workers);
    const SerialProducts serial;
    parallel_for(evaluator.blocks(), workers, [&](std::size_t block, unsigned worker) {
        evaluator.evaluate(block, spaces[worker], value, gradient);
    });
}

template class Network<float>;
template class Network<double>;
template void Network<float>::evaluate(MatrixView<const float>, const Head&, double*, double*,
                                       unsigned) const;
template void Network<float>::evaluate(MatrixView<const double>, const Head&, double*, double*,
                                       unsigned) const;
template void Network<double>::evaluate(MatrixView<const float>, const Head&, double*, double*,
                                        unsigned) const;
template void Network<double>::evaluate(MatrixView<const double>, const Head&, double*, double*,
                                        unsigned) const;

}  // namespace closedform
