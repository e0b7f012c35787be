// Batches of expressions on a device run on the host; see test_grid_surrogate.cpp.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "closedform/expression_text.hpp"
#include "closedform/gradient_objective.hpp"
#include "closedform/random.hpp"
#include "closedform/value_objective.hpp"
#include "closedform/variation.hpp"
#include "drivers/tapes.hpp"
#include "host_runtime.hpp"

using namespace closedform;

namespace {

constexpr std::size_t columns = 3;

struct Data {
    std::vector<double> x, y, weights, directions, scales;
};

template <class Real>
Data random_data(std::size_t rows) {
    Random random(4, rows);
    Data data;
    const auto number = [&](double low, double high) {
        return static_cast<double>(static_cast<Real>(random.uniform(low, high)));
    };
    for (std::size_t i = 0; i < rows; ++i) {
        data.y.push_back(number(-1, 1));
        data.weights.push_back(i % 7 == 0 ? 0.0 : 1.0);
        double squares = 0;
        for (std::size_t j = 0; j < columns; ++j) {
            data.x.push_back(number(0.5, 2.0));
            data.directions.push_back(random.normal());
            data.scales.push_back(number(0.5, 2.0));
            squares += data.directions.back() * data.directions.back();
        }
        for (std::size_t j = 0; j < columns; ++j) {
            data.directions[i * columns + j] = static_cast<double>(
                static_cast<Real>(data.directions[i * columns + j] / std::sqrt(squares)));
        }
    }
    return data;
}

/// Expressions whose rounding is known to stay small: no difference of large numbers, no angle far
/// out. Each with the sizes of tape that matter: one node, two, many.
std::vector<Tape> tapes() {
    std::vector<Tape> all;
    for (const char* text :
         {"x", "2.5", "x*y + z", "exp(-x)*sin(y + 0.5)/(z + 2.5)", "log(x + y)*cos(z)",
          "sqrt(x)*tanh(y) + abs(z)", "pow(x, 1.5) + cube(y) + square(z)", "tan(0.3*x) + inv(y)",
          "x + (y + (z + (x + (y + (z + (x + (y + (z + x))))))))"}) {
        all.push_back(parse(text, std::vector<std::string>{"x", "y", "z"}));
    }
    return all;
}

template <class Real>
void compare(std::size_t rows, std::size_t memory, std::size_t shared, std::size_t part,
             std::size_t least_launches, bool on_device) {
    CAPTURE(rows);
    const Data data = random_data<Real>(rows);
    const std::vector<Real> x(data.x.begin(), data.x.end());
    const MatrixView<const Real> view(x.data(), rows, columns);
    const std::vector<Tape> batch = tapes();
    const double eps = static_cast<double>(std::numeric_limits<Real>::epsilon());
    // Sums over a part's rows, thread by thread and pairwise, and some operators a row.
    const double terms = static_cast<double>(part) / 128 + 10 + 50;
    for (const bool directions : {false, true}) {
        CAPTURE(directions);
        const BatchTargets targets = {
            directions ? MatrixView<const double>(data.directions.data(), rows, columns)
                       : MatrixView<const double>(data.y.data(), rows, 1),
            directions ? MatrixView<const double>(data.scales.data(), rows, columns)
                       : MatrixView<const double>(),
            data.weights, directions, false};
        gpu::HostRuntime runtime(memory, shared);
        gpu::TapeScorer<Real, gpu::HostRuntime> scorer(runtime, view, on_device, targets, part);
        const std::vector<LossSums> found = scorer.sums(batch);
        const std::vector<LossSums> again = scorer.sums(batch);
        CHECK(runtime.launches() >= 2 * least_launches);
        REQUIRE(found.size() == batch.size());
        Workspace workspace;
        for (std::size_t e = 0; e < batch.size(); ++e) {
            CAPTURE(e);
            CHECK(found[e].as_is == again[e].as_is);
            CHECK(found[e].negated == again[e].negated);
            if (rows == 0) {
                CHECK(found[e].as_is == 0.0);
                continue;
            }
            LossSums truth;
            double size = 0;
            if (directions) {
                const GradientObjective objective(
                    RowBlocks(MatrixView<const double>(data.x.data(), rows, columns)),
                    targets.targets, targets.scales, data.weights, false);
                truth = objective.sums(batch[e], workspace);
                size = 8 * truth.weight;  // w (|u| + |v|)^2, both signs
            } else {
                const ValueObjective objective(
                    RowBlocks(MatrixView<const double>(data.x.data(), rows, columns)), data.y,
                    data.weights);
                truth = objective.sums(batch[e], workspace);
                std::vector<double> f(rows);
                evaluate(batch[e], MatrixView<const double>(data.x.data(), rows, columns), f, 1);
                for (std::size_t i = 0; i < rows; ++i) {
                    const double sum = std::abs(f[i]) + std::abs(data.y[i]);
                    size += data.weights[i] * sum * sum;
                }
            }
            CHECK(found[e].weight == truth.weight);
            CHECK(std::abs(found[e].as_is - truth.as_is) <= terms * eps * size);
            if (directions) {
                CHECK(std::abs(found[e].negated - truth.negated) <= terms * eps * size);
            } else {
                CHECK(found[e].negated == std::numeric_limits<double>::infinity());
            }
        }
    }
}

}  // namespace

TEST_CASE_TEMPLATE("grid: batches of expressions have the CPU's objectives", Real, float, double) {
    constexpr std::size_t plenty = std::size_t{1} << 30U;
    for (const std::size_t rows : {0U, 1U, 127U, 128U, 129U, 255U, 256U, 257U, 1000U}) {
        compare<Real>(rows, plenty, 64 << 10U, 256, rows == 0 ? 0 : 1, false);
    }
    compare<Real>(300, plenty, 4 << 10U, 256, 1, false);  // the stack in the device's memory
    compare<Real>(300, plenty, 64 << 10U, 256, 1, true);  // rows there already
    // 10 numbers a row, half of the memory not enough for all.
    compare<Real>(5000, 10 * sizeof(Real) * 3000, 64 << 10U, 256, 3, false);
}

TEST_CASE("grid: what is not defined has no loss, and a constant no direction") {
    const std::vector<double> x = {1.0, -1.0, 0.5, 2.0};
    const std::vector<double> u = {1.0, 1.0, 1.0, 1.0};
    const MatrixView<const double> view(x.data(), 4, 1);
    gpu::HostRuntime runtime(std::size_t{1} << 30U, 64 << 10U);
    gpu::TapeScorer<double, gpu::HostRuntime> values(
        runtime, view, false, {MatrixView<const double>(u.data(), 4, 1), {}, {}, false, false});
    gpu::TapeScorer<double, gpu::HostRuntime> directions(
        runtime, view, false, {MatrixView<const double>(u.data(), 4, 1), {}, {}, true, true});
    const std::vector<std::string> names = {"x"};
    const std::vector<Tape> batch = {parse("log(x)", names), parse("1/(3 - 3)", names),
                                     parse("3*x", names), parse("0 - 3*x", names)};
    const auto loss = values.sums(batch);
    CHECK(std::isinf(loss[0].loss()));
    CHECK(std::isinf(loss[1].loss()));
    CHECK(loss[2].loss() == doctest::Approx((4 + 16 + 0.25 + 25) / 4));
    const auto angle = directions.sums(batch);
    CHECK(std::isinf(angle[0].loss()));
    CHECK(angle[1].loss() == 1.0);
    CHECK(angle[2].loss() == 0.0);
    CHECK(angle[3].loss() == 4.0);  // signed
}
