// Networks on a device run on the host; see test_tensor_surrogate.cpp.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "closedform/network/network.hpp"
#include "core/random.hpp"
#include "cuda/network/network_driver.hpp"
#include "cuda/runtime/host_runtime.hpp"

using namespace closedform;

namespace {

template <class T>
std::vector<DenseLayer<T>> random_layers(const std::vector<std::size_t>& widths,
                                         Activation activation) {
    Random random(2, widths.size());
    std::vector<DenseLayer<T>> layers;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        DenseLayer<T> layer{widths[l], widths[l + 1], {}, {}, activation, 0.7};
        for (std::size_t i = 0; i < layer.inputs * layer.outputs; ++i) {
            layer.weights.push_back(
                static_cast<T>(random.normal() / std::sqrt(static_cast<double>(layer.inputs))));
        }
        for (std::size_t i = 0; i < layer.outputs; ++i) {
            layer.bias.push_back(static_cast<T>(0.3 * random.normal()));
        }
        layers.push_back(layer);
    }
    return layers;
}

/// What rounding is measured against: the same network with every weight, input and slope made
/// positive. Values: sums of |w| h + |b| forwards, h at most that (all activations here grow no
/// faster than the identity but for a constant); slopes at most 1.2.
template <class T>
double largest_terms(const std::vector<DenseLayer<T>>& layers, double x) {
    double h = x;
    for (const DenseLayer<T>& layer : layers) {
        double most = 0;
        for (std::size_t o = 0; o < layer.outputs; ++o) {
            double sum = std::abs(static_cast<double>(layer.bias[o])) + 1;
            for (std::size_t i = 0; i < layer.inputs; ++i) {
                sum += std::abs(static_cast<double>(layer.weights[o * layer.inputs + i])) * h;
            }
            most = std::max(most, sum);
        }
        h = most;
    }
    return h;
}

template <class T, class X>
void compare(const std::vector<std::size_t>& widths, Activation activation, const Head& head,
             std::size_t rows, std::size_t memory, std::size_t least_launches, bool on_device) {
    CAPTURE(rows);
    CAPTURE(static_cast<int>(activation));
    const Network<T> network(random_layers<T>(widths, activation));
    Random random(8, rows);
    std::vector<X> x(rows * widths.front());
    for (X& v : x) {
        v = static_cast<X>(random.uniform(-1, 1));
    }
    const MatrixView<const X> view(x.data(), rows, widths.front());
    std::vector<double> value(rows), gradient(x.size());
    network.evaluate(view, head, value.data(), gradient.data(), 1);
    std::size_t terms = 40;
    for (const std::size_t width : widths) {
        terms += width;
    }
    const double bound = static_cast<double>(terms) *
                         static_cast<double>(std::numeric_limits<T>::epsilon()) *
                         largest_terms(network.layers(), 1.0);
    for (const bool has_products : {false, true}) {
        CAPTURE(has_products);
        gpu::HostRuntime runtime(memory, 48 << 10U, has_products);
        std::vector<double> value2(rows, -1), gradient2(x.size(), -1), value3(rows, -1),
            gradient3(x.size(), -1), gradient4(x.size(), -1);
        {
            gpu::HeadOnDevice<T, gpu::HostRuntime> there(runtime, network, head);
            there.evaluate(view, on_device, value2.data(), gradient2.data());
            CHECK(runtime.launches() >= least_launches);
            there.evaluate(view, on_device, value3.data(), nullptr);
            there.evaluate(view, on_device, nullptr, gradient3.data());
            gpu::HeadOnDevice<T, gpu::HostRuntime> by_tiles(runtime, network, head,
                                                            cuda::Products::own);
            by_tiles.evaluate(view, on_device, nullptr, gradient4.data());
        }
        CHECK(value3 == value2);
        CHECK(gradient3 == gradient2);
        CHECK((gradient4 == gradient2 || has_products));
        CHECK(runtime.free_memory() == memory);
        for (std::size_t i = 0; i < rows; ++i) {
            CHECK(std::abs(value2[i] - value[i]) <= bound);
        }
        for (std::size_t i = 0; i < x.size(); ++i) {
            CHECK(std::abs(gradient2[i] - gradient[i]) <= bound);
            CHECK(std::abs(gradient4[i] - gradient[i]) <= bound);
        }
    }
}

constexpr std::size_t plenty = std::size_t{1} << 30U;

}  // namespace

TEST_CASE_TEMPLATE("grid: networks are the CPU's, at all sizes", T, float, double) {
    const Head last{Head::Kind::neuron, 2, 1};
    for (const std::size_t rows : {0U, 1U, 63U, 64U, 65U, 127U, 128U, 129U}) {
        compare<T, T>({3, 17, 5, 2}, Activation::tanh, last, rows, plenty, rows == 0 ? 0 : 6,
                      false);
    }
    // More than a tile wide, not a multiple of one, nor of the depth.
    compare<T, T>({9, 131, 66, 1}, Activation::elu, {Head::Kind::neuron, 2, 0}, 70, plenty, 6,
                  false);
    // Inputs as many as a thin layer's at most, and more; outputs more than a block's threads.
    compare<T, T>({16, 300, 17, 2}, Activation::tanh, last, 261, plenty, 6, false);
    compare<T, T>({17, 40, 1}, Activation::silu, {Head::Kind::neuron, 1, 0}, 130, plenty, 4, false);
    compare<T, T>({4, 12, 3}, Activation::silu, {Head::Kind::log_odds, 1, 2}, 130, plenty, 5,
                  false);
    compare<T, T>({4, 3}, Activation::tanh, {Head::Kind::log_odds, 0, 0}, 30, plenty, 3, false);
    compare<T, T>({4, 12, 3}, Activation::relu, {Head::Kind::before_activation, 0, 7}, 30, plenty,
                  2, true);
    compare<T, T>({3, 6, 1}, Activation::gelu, {Head::Kind::neuron, 1, 0}, 3000,
                  1000 * 2 * 40 * sizeof(T), 12, false);  // in chunks
}

TEST_CASE_TEMPLATE("grid: every activation, and rows of the other type", T, float, double) {
    for (int kind = 0; kind <= static_cast<int>(Activation::sin); ++kind) {
        compare<T, T>({3, 8, 1}, static_cast<Activation>(kind), {Head::Kind::neuron, 1, 0}, 20,
                      plenty, 4, false);
    }
    compare<T, float>({3, 8, 1}, Activation::tanh, {Head::Kind::neuron, 1, 0}, 20, plenty, 4,
                      false);
    compare<T, double>({3, 8, 1}, Activation::tanh, {Head::Kind::neuron, 1, 0}, 20, plenty, 4,
                       false);
}
