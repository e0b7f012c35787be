#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "core/random.hpp"

using closedform::GridBasis;
using closedform::MatrixView;
using closedform::Outside;
using closedform::TensorSurrogate;

namespace {

TensorSurrogate random_model(std::size_t inputs, std::size_t modes, std::uint64_t seed) {
    closedform::Random random(seed, 0);
    std::vector<GridBasis> bases;
    for (std::size_t d = 0; d < inputs; ++d) {
        std::vector<double> nodes = {-1.0};
        for (std::size_t j = 0; j < 2 + d % 6; ++j) {
            nodes.push_back(nodes.back() + 0.5 + random.uniform());
        }
        bases.emplace_back(nodes, d % 4 == 3 ? 0U : 2U, d % 4 == 3 ? 0U : 2U);
    }
    TensorSurrogate model(std::move(bases), modes);
    for (std::size_t d = 0; d < inputs; ++d) {
        for (double& u : model.factor(d)) {
            u = random.bell();
        }
    }
    model.set_offset(0.7);
    model.refresh();
    return model;
}

std::vector<double> random_rows(const TensorSurrogate& model, std::size_t rows, double beyond) {
    closedform::Random random(99, 0);
    std::vector<double> x(rows * model.inputs());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const GridBasis& basis = model.basis(i % model.inputs());
        const double range = basis.high() - basis.low();
        x[i] = basis.low() - beyond * range + (1 + 2 * beyond) * range * random.uniform();
    }
    return x;
}

/// Product over inputs of each interpolant or, for up to two inputs, its derivative.
double brute_force(const TensorSurrogate& model, const double* x, std::size_t by_first,
                   std::size_t by_second) {
    const std::size_t none = model.inputs();
    double sum = by_first == none ? model.offset() : 0;
    for (std::size_t m = 0; m < model.modes(); ++m) {
        double product = 1;
        for (std::size_t d = 0; d < model.inputs(); ++d) {
            const std::size_t nodes = model.basis(d).node_count();
            const int order = (d == by_first ? 1 : 0) + (d == by_second ? 1 : 0);
            product *=
                model.basis(d).evaluate(model.factor(d).subspan(m * nodes, nodes), x[d], order);
        }
        sum += product;
    }
    return sum;
}

}  // namespace

TEST_CASE("value, gradient and Hessian are the brute-force tensor product's") {
    for (const auto& [inputs, modes] : {std::pair{1, 1}, {2, 3}, {5, 8}, {11, 17}}) {
        const auto d = static_cast<std::size_t>(inputs);
        const TensorSurrogate model = random_model(d, static_cast<std::size_t>(modes), 5);
        const std::size_t rows = 300;  // more than a block, and not a multiple of one
        const std::vector<double> x = random_rows(model, rows, 0.1);
        std::vector<double> value(rows), gradient(rows * d), hessian(rows * d * d);
        model.derivatives(MatrixView<const double>(x.data(), rows, d), value.data(),
                          gradient.data(), hessian.data(), 2);
        for (std::size_t r = 0; r < rows; r += 7) {
            const double* at = x.data() + r * d;
            const auto close = [](double a, double b) {
                return std::abs(a - b) <= 1e-11 * (1 + std::abs(b));
            };
            CHECK(close(value[r], brute_force(model, at, d, d)));
            for (std::size_t i = 0; i < d; ++i) {
                CHECK(close(gradient[r * d + i], brute_force(model, at, i, d)));
                for (std::size_t j = 0; j < d; ++j) {
                    CHECK(close(hessian[(r * d + i) * d + j], brute_force(model, at, i, j)));
                }
            }
        }
    }
}

TEST_CASE("each array alone, any number of threads and float32 rows give the same numbers") {
    const TensorSurrogate model = random_model(4, 3, 8);
    const std::size_t rows = 5000;
    const std::size_t d = 4;
    const std::vector<double> doubles = random_rows(model, rows, 0);
    const std::vector<float> x(doubles.begin(), doubles.end());
    const std::vector<double> same(x.begin(), x.end());
    std::vector<double> value(rows), gradient(rows * d), hessian(rows * d * d);
    model.derivatives(MatrixView<const double>(same.data(), rows, d), value.data(), gradient.data(),
                      hessian.data(), 1);
    std::vector<double> value2(rows), gradient2(rows * d), hessian2(rows * d * d);
    const MatrixView<const float> view(x.data(), rows, d);
    model.value(view, value2.data(), 3);
    model.derivatives(view, nullptr, gradient2.data(), nullptr, 3);
    model.derivatives(view, nullptr, nullptr, hessian2.data(), 3);
    CHECK(gradient == gradient2);
    CHECK(hessian == hessian2);
    for (std::size_t i = 0; i < rows; ++i) {
        CHECK(value[i] == doctest::Approx(value2[i]).epsilon(1e-12));
    }
}

TEST_CASE("outside the grid: linear continues, clamp holds, error names the place") {
    TensorSurrogate model = random_model(2, 2, 3);
    const double high = model.basis(0).high();
    const double y = 0.3;
    const std::vector<double> x = {high, y, high + 1, y, high + 3, y};
    std::vector<double> value(3), gradient(6), hessian(12);
    const MatrixView<const double> view(x.data(), 3, 2);
    model.derivatives(view, value.data(), gradient.data(), hessian.data());
    CHECK(value[2] - value[1] == doctest::Approx(2 * (value[1] - value[0])));
    CHECK(gradient[2] == doctest::Approx(gradient[0]));
    CHECK(hessian[4] == 0);
    model.set_outside(Outside::clamp);
    model.derivatives(view, value.data(), gradient.data(), hessian.data());
    CHECK(value[1] == doctest::Approx(value[0]));
    CHECK(gradient[2] == 0);
    model.set_outside(Outside::error);
    try {
        model.value(view, value.data());
        FAIL("no exception");
    } catch (const closedform::OutsideGrid& e) {
        CHECK(e.row() == 1);
        CHECK(e.column() == 0);
    }
}

TEST_CASE("NaN in, NaN out; nothing else is touched") {
    const TensorSurrogate model = random_model(2, 2, 3);
    const std::vector<double> x = {std::numeric_limits<double>::quiet_NaN(), 0.3, 0.1, 0.3};
    std::vector<double> value(2);
    model.value(MatrixView<const double>(x.data(), 2, 2), value.data());
    CHECK(std::isnan(value[0]));
    CHECK(std::isfinite(value[1]));
}
