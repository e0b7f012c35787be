#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "closedform/network/network.hpp"
#include "core/random.hpp"

using closedform::Activation;
using closedform::DenseLayer;
using closedform::Head;
using closedform::MatrixView;
using closedform::Network;

namespace {

struct Named {
    Activation kind;
    double parameter;
    const char* name;
};

const std::vector<Named> activations = {{Activation::identity, 0, "identity"},
                                        {Activation::relu, 0, "relu"},
                                        {Activation::leaky_relu, 0.1, "leaky_relu"},
                                        {Activation::elu, 1.3, "elu"},
                                        {Activation::gelu, 0, "gelu"},
                                        {Activation::gelu_tanh, 0, "gelu_tanh"},
                                        {Activation::silu, 0, "silu"},
                                        {Activation::softplus, 0.7, "softplus"},
                                        {Activation::tanh, 0, "tanh"},
                                        {Activation::sigmoid, 0, "sigmoid"},
                                        {Activation::sin, 0, "sin"}};

/// The textbook's formulas through libm, nothing shared with the kernels.
long double textbook(Activation kind, long double p, long double z) {
    const long double pi = std::acos(-1.0L);
    switch (kind) {
        case Activation::relu:
            return std::fmax(z, 0.0L);
        case Activation::leaky_relu:
            return z > 0 ? z : p * z;
        case Activation::elu:
            return z > 0 ? z : p * std::expm1(z);
        case Activation::gelu:
            return z * std::erfc(-z / std::sqrt(2.0L)) / 2;
        case Activation::gelu_tanh:
            return z / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (z + 0.044715L * z * z * z)));
        case Activation::silu:
            return z / (1 + std::exp(-z));
        case Activation::softplus:
            return (std::fmax(p * z, 0.0L) + std::log1p(std::exp(-std::fabs(p * z)))) / p;
        case Activation::tanh:
            return std::tanh(z);
        case Activation::sigmoid:
            return 1 / (1 + std::exp(-z));
        case Activation::sin:
            return std::sin(z);
        case Activation::identity:
            break;
    }
    return z;
}

template <class T>
std::vector<DenseLayer<T>> random_layers(const std::vector<std::size_t>& widths, const Named& a,
                                         std::uint64_t seed) {
    closedform::Random random(seed, 0);
    std::vector<DenseLayer<T>> layers;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        DenseLayer<T> layer{widths[l], widths[l + 1], {}, {}, a.kind, a.parameter};
        for (std::size_t i = 0; i < layer.inputs * layer.outputs; ++i) {
            layer.weights.push_back(
                static_cast<T>(random.normal() / std::sqrt(static_cast<double>(layer.inputs))));
        }
        for (std::size_t i = 0; i < layer.outputs; ++i) {
            layer.bias.push_back(static_cast<T>(random.normal()));
        }
        layers.push_back(layer);
    }
    return layers;
}

template <class T>
std::vector<T> random_rows(std::size_t rows, std::size_t columns) {
    closedform::Random random(99, 0);
    std::vector<T> x(rows * columns);
    for (T& v : x) {
        v = static_cast<T>(2 * random.normal());
    }
    return x;
}

/// f of one row by loops; with h the inputs of the layer on entry.
template <class T>
long double slow_value(const std::vector<DenseLayer<T>>& layers, const Head& head,
                       std::vector<long double> h) {
    std::vector<long double> z;
    for (std::size_t l = 0; l <= head.layer; ++l) {
        z.assign(layers[l].outputs, 0);
        for (std::size_t i = 0; i < z.size(); ++i) {
            z[i] = layers[l].bias[i];
            for (std::size_t j = 0; j < h.size(); ++j) {
                z[i] += static_cast<long double>(layers[l].weights[i * h.size() + j]) * h[j];
            }
        }
        h = z;
        for (long double& v : h) {
            v = textbook(layers[l].activation, layers[l].parameter, v);
        }
    }
    if (head.kind == Head::Kind::log_odds) {
        long double others = 0;
        for (std::size_t j = 0; j < z.size(); ++j) {
            others += j == head.index ? 0.0L : std::exp(z[j]);
        }
        return z[head.index] - std::log(others);
    }
    return head.kind == Head::Kind::before_activation ? z[head.index] : h[head.index];
}

/// Central differences in extended precision: errors of 1e-12 where f is smooth.
template <class T>
std::vector<double> slow_gradient(const std::vector<DenseLayer<T>>& layers, const Head& head,
                                  const std::vector<long double>& x) {
    const long double step = 1e-6L;
    std::vector<double> gradient;
    for (std::size_t j = 0; j < x.size(); ++j) {
        std::vector<long double> right = x;
        std::vector<long double> left = x;
        right[j] += step;
        left[j] -= step;
        gradient.push_back(static_cast<double>(
            (slow_value(layers, head, right) - slow_value(layers, head, left)) / (2 * step)));
    }
    return gradient;
}

struct Answer {
    std::vector<double> value;
    std::vector<double> gradient;
};

template <class T, class X>
Answer answer(const std::vector<DenseLayer<T>>& layers, const Head& head, const std::vector<X>& x,
              unsigned threads = 1) {
    const Network<T> network(layers);
    const std::size_t rows = x.size() / network.inputs();
    const MatrixView<const X> view(x.data(), rows, network.inputs());
    Answer both{std::vector<double>(rows, -1), std::vector<double>(x.size(), -1)};
    network.evaluate(view, head, both.value.data(), both.gradient.data(), threads);
    std::vector<double> alone(rows);
    network.evaluate(view, head, alone.data(), nullptr, threads);
    const double rounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
    for (std::size_t i = 0; i < rows; ++i) {
        CHECK(std::fabs(alone[i] - both.value[i]) <= rounding * (1 + std::fabs(alone[i])));
    }
    return both;
}

template <class T, class X>
void check_against_loops(const std::vector<DenseLayer<T>>& layers, const Head& head,
                         const std::vector<X>& x, double tolerance) {
    const Answer fast = answer(layers, head, x);
    const std::size_t d = layers.front().inputs;
    for (std::size_t i = 0; i < fast.value.size(); ++i) {
        std::vector<long double> row;
        for (std::size_t j = 0; j < d; ++j) {
            row.push_back(static_cast<long double>(static_cast<T>(x[i * d + j])));
        }
        const auto f = static_cast<double>(slow_value(layers, head, row));
        CHECK(std::fabs(fast.value[i] - f) <= tolerance * (1 + std::fabs(f)));
        const std::vector<double> g = slow_gradient(layers, head, row);
        for (std::size_t j = 0; j < d; ++j) {
            CHECK(std::fabs(fast.gradient[i * d + j] - g[j]) <= tolerance * (1 + std::fabs(g[j])));
        }
    }
}

}  // namespace

TEST_CASE("network: every activation, every head, both precisions, against loops in long double") {
    for (const Named& a : activations) {
        CAPTURE(a.name);
        CHECK(closedform::activation_named(a.name) == a.kind);
        const auto layers = random_layers<double>({3, 7, 5, 4}, a, 7);
        const auto x = random_rows<double>(9, 3);
        for (const Head& head :
             {Head{Head::Kind::neuron, 2, 1}, Head{Head::Kind::before_activation, 1, 4},
              Head{Head::Kind::neuron, 0, 6}, Head{Head::Kind::before_activation, 0, 0},
              Head{Head::Kind::log_odds, 2, 3}, Head{Head::Kind::log_odds, 0, 0}}) {
            check_against_loops(layers, head, x, 1e-10);
        }
        const auto single = random_layers<float>({3, 7, 5, 4}, a, 7);
        check_against_loops(single, Head{Head::Kind::neuron, 2, 1}, random_rows<float>(9, 3), 3e-6);
        check_against_loops(single, Head{Head::Kind::log_odds, 2, 0}, x, 3e-6);
        check_against_loops(layers, Head{Head::Kind::neuron, 2, 1}, random_rows<float>(9, 3),
                            1e-10);
    }
    CHECK_THROWS_AS(closedform::activation_named("step"), std::invalid_argument);
}

TEST_CASE("network: activations at their far ends, at zero and for NaN") {
    for (const Named& a : activations) {
        CAPTURE(a.name);
        const std::vector<DenseLayer<double>> one = {{1, 1, {1.0}, {0.0}, a.kind, a.parameter}};
        for (const double z : {-800.0, -300.0, -40.0, -8.0, -1e-9, 0.0, 1e-9, 8.0, 40.0, 800.0}) {
            const Answer at = answer(one, Head{}, std::vector<double>{z});
            const auto f = static_cast<double>(textbook(a.kind, a.parameter, z));
            CHECK(std::fabs(at.value[0] - f) <= 1e-14 * std::fmax(1.0, std::fabs(f)));
            CHECK(std::isfinite(at.gradient[0]));
        }
        const std::vector<double> nan = {std::numeric_limits<double>::quiet_NaN()};
        double value = 0;
        Network<double>(one).evaluate(MatrixView<const double>(nan.data(), 1, 1), Head{}, &value,
                                      nullptr);
        CHECK(std::isnan(value));
    }
    // Beyond the argument reduction of the vector code.
    const std::vector<DenseLayer<double>> sine = {{1, 1, {1.0}, {0.0}, Activation::sin, 0}};
    const Answer far = answer(sine, Head{}, std::vector<double>{3e9});
    CHECK(far.value[0] == std::sin(3e9));
    CHECK(far.gradient[0] == std::cos(3e9));
}

TEST_CASE("network: elu in float32 keeps its digits from zero to the far end") {
    const std::vector<DenseLayer<float>> elu = {{1, 1, {1.0F}, {0.0F}, Activation::elu, 1.0}};
    std::vector<float> x;
    for (float z = 1e-8F; z < 200.0F; z *= 1.01F) {
        x.push_back(-z);
    }
    const Answer fast = answer(elu, Head{}, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double f = std::expm1(static_cast<double>(x[i]));
        CHECK(std::fabs(fast.value[i] - f) <= 3e-7 * std::fabs(f));
        CHECK(std::fabs(fast.gradient[i] - (f + 1)) <= 1.2e-7);
    }
}

TEST_CASE("network: block edges and any number of threads give the same bits") {
    const auto layers = random_layers<double>({3, 20, 2}, activations[3], 1);
    const auto single = random_layers<float>({3, 20, 2}, activations[3], 1);
    const auto x = random_rows<double>(16 * 1024 + 1, 3);
    const Head head{Head::Kind::log_odds, 1, 0};
    for (const std::size_t rows : {0UL, 1UL, 2UL, 255UL, 256UL, 257UL, 4097UL, 16UL * 1024 + 1}) {
        CAPTURE(rows);
        const std::vector<double> some(x.begin(),
                                       x.begin() + static_cast<std::ptrdiff_t>(3 * rows));
        const Answer one = answer(layers, head, some, 1);
        for (const unsigned threads : {2U, 5U}) {
            const Answer more = answer(layers, head, some, threads);
            CHECK(more.value == one.value);
            CHECK(more.gradient == one.gradient);
            CHECK(answer(single, head, some, threads).gradient ==
                  answer(single, head, some, 1).gradient);
        }
        if (rows > 0) {
            std::vector<long double> last(some.end() - 3, some.end());
            const std::vector<double> g = slow_gradient(layers, head, last);
            for (std::size_t j = 0; j < 3; ++j) {
                CHECK(one.gradient[3 * (rows - 1) + j] == doctest::Approx(g[j]).epsilon(1e-8));
            }
        }
    }
}

TEST_CASE("network: rows with a stride are read where they lie") {
    const auto layers = random_layers<double>({2, 4, 1}, activations[8], 3);
    const auto x = random_rows<double>(6, 5);
    std::vector<double> packed;
    for (std::size_t i = 0; i < 6; ++i) {
        packed.insert(packed.end(), {x[5 * i], x[5 * i + 1]});
    }
    const Answer expected = answer(layers, Head{Head::Kind::neuron, 1, 0}, packed);
    std::vector<double> value(6);
    Network<double>(layers).evaluate(MatrixView<const double>(x.data(), 6, 2, 5),
                                     Head{Head::Kind::neuron, 1, 0}, value.data(), nullptr);
    CHECK(value == expected.value);
}

TEST_CASE("network: log-odds of far apart logits neither overflow nor lose the gradient") {
    const std::vector<DenseLayer<double>> layers = {
        {1, 3, {700.0, -700.0, 1.0}, {0.0, 0.0, 0.0}, Activation::identity, 0}};
    const Answer f = answer(layers, Head{Head::Kind::log_odds, 0, 1}, std::vector<double>{1.5});
    CHECK(f.value[0] == doctest::Approx(-2100));
    CHECK(f.gradient[0] == doctest::Approx(-1400));
}

TEST_CASE("network: what does not fit together is refused") {
    auto layers = random_layers<double>({3, 4, 1}, activations[1], 1);
    const Network<double> network(layers);
    const std::vector<double> x(6);
    double out[2];
    const auto evaluate = [&](std::size_t columns, const Head& head) {
        network.evaluate(MatrixView<const double>(x.data(), 2, columns), head, out, nullptr);
    };
    CHECK_THROWS_AS(evaluate(2, Head{}), std::invalid_argument);
    CHECK_THROWS_AS(evaluate(3, Head{Head::Kind::neuron, 2, 0}), std::invalid_argument);
    CHECK_THROWS_AS(evaluate(3, Head{Head::Kind::neuron, 1, 1}), std::invalid_argument);
    CHECK_THROWS_AS(evaluate(3, Head{Head::Kind::log_odds, 1, 0}), std::invalid_argument);
    CHECK_THROWS_AS(Network<double>({}), std::invalid_argument);
    layers[1].inputs = 3;
    CHECK_THROWS_AS(Network<double>{layers}, std::invalid_argument);
    layers[1].weights.resize(3);
    CHECK_THROWS_AS(Network<double>{layers}, std::invalid_argument);
}
