#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "closedform/surrogate/fit_surrogate.hpp"
#include "core/random.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_equations.hpp"
#include "surrogate/als_rows.hpp"
#include "surrogate/error_gradient.hpp"
#include "surrogate/newton_step.hpp"

using closedform::AlsOptions;
using closedform::FitRows;
using closedform::FreeFactors;
using closedform::GridBasis;
using closedform::MatrixView;
using closedform::TensorSurrogate;

namespace {

struct Data {
    std::vector<double> x;
    std::vector<double> y;
    std::size_t inputs;
    MatrixView<const double> rows() const { return {x.data(), y.size(), inputs}; }
};

template <class F>
Data sample(std::size_t rows, std::size_t inputs, std::uint64_t seed, F f) {
    closedform::Random random(seed, 0);
    Data data{std::vector<double>(rows * inputs), std::vector<double>(rows), inputs};
    for (double& v : data.x) {
        v = 2 * random.uniform() - 1;
    }
    for (std::size_t i = 0; i < rows; ++i) {
        data.y[i] = f(data.x.data() + i * inputs);
    }
    return data;
}

TensorSurrogate start(std::size_t inputs, std::size_t modes, std::size_t segments) {
    std::vector<double> nodes(segments + 1);
    for (std::size_t j = 0; j <= segments; ++j) {
        nodes[j] = -1 + 2 * static_cast<double>(j) / static_cast<double>(segments);
    }
    TensorSurrogate model(std::vector<GridBasis>(inputs, GridBasis(nodes, 2, 2)), modes);
    closedform::Random random(17, 0);
    for (std::size_t d = 0; d < inputs; ++d) {
        for (double& u : model.factor(d)) {
            u = 1 + random.bell();
        }
    }
    model.refresh();
    return model;
}

double rmse(const TensorSurrogate& model, const Data& data) {
    std::vector<double> u(data.y.size());
    model.value(data.rows(), u.data());
    double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) {
        sum += (u[i] - data.y[i]) * (u[i] - data.y[i]);
    }
    return std::sqrt(sum / static_cast<double>(u.size()));
}

}  // namespace

TEST_CASE("recovers a function of its own form, and reports the error it has") {
    const Data data = sample(3000, 3, 1, [](const double* x) {
        return (1 + x[0]) * x[1] * x[1] + 3 * x[1] * (2 - x[2]);
    });
    TensorSurrogate model = start(3, 2, 4);
    AlsOptions options;
    options.smoothing = 0;
    options.max_sweeps = 500;
    options.tolerance = 1e-10;
    const auto result = fit_als(model, FreeFactors(2, 3), FitRows{data.rows(), data.y}, options);
    CHECK(rmse(model, data) < 1e-5);
    CHECK(result.rmse == doctest::Approx(rmse(model, data)).epsilon(0.05));
}

TEST_CASE("factors whose products are next to nothing do not keep it for ever") {
    const Data data = sample(200, 2, 1, [](const double* x) { return x[0] * x[1]; });
    for (const double size : {1e-150, 1e-158, 1e-161, 1e-163}) {
        TensorSurrogate model = start(2, 2, 4);
        for (double& u : model.factor(1)) {
            u *= size;
        }
        model.refresh();
        AlsOptions options;
        options.max_sweeps = 3;
        const auto result =
            fit_als(model, FreeFactors(2, 2), FitRows{data.rows(), data.y}, options);
        CHECK(std::isfinite(result.rmse));
    }
}

TEST_CASE("no sweep worsens the fit") {
    const Data data = sample(800, 4, 2, [](const double* x) {
        return std::sin(3 * x[0] * x[1]) + std::exp(x[2] * x[3]);
    });
    TensorSurrogate model = start(4, 3, 6);
    AlsOptions options;
    options.max_sweeps = 1;
    double before = 1e300;
    for (int sweep = 0; sweep < 20; ++sweep) {
        fit_als(model, FreeFactors(3, 4), FitRows{data.rows(), data.y}, options);
        const double now = rmse(model, data);
        CHECK(now <= before * (1 + 1e-6));
        before = now;
    }
}

TEST_CASE("the same numbers for any number of threads") {
    const Data data =
        sample(40000, 3, 3, [](const double* x) { return std::sin(x[0] + 2 * x[1]) * x[2]; });
    AlsOptions options;
    options.max_sweeps = 2;
    TensorSurrogate one = start(3, 3, 7);
    TensorSurrogate three = start(3, 3, 7);
    options.threads = 1;
    fit_als(one, FreeFactors(3, 3), FitRows{data.rows(), data.y}, options);
    options.threads = 3;
    fit_als(three, FreeFactors(3, 3), FitRows{data.rows(), data.y}, options);
    for (std::size_t d = 0; d < 3; ++d) {
        CHECK(std::equal(one.factor(d).begin(), one.factor(d).end(), three.factor(d).begin()));
    }
}

TEST_CASE("weights and repeated rows agree; frozen factors stay; a multiplier is undone") {
    const Data data = sample(200, 2, 4, [](const double* x) { return x[0] * x[0] + x[1]; });
    std::vector<double> weights(200, 1.0);
    std::vector<std::uint32_t> repeated;
    for (std::uint32_t i = 0; i < 200; ++i) {
        weights[i] = i % 3;
        repeated.insert(repeated.end(), i % 3, i);
    }
    AlsOptions options;
    options.max_sweeps = 3;
    TensorSurrogate by_weight = start(2, 2, 4);
    TensorSurrogate by_rows = start(2, 2, 4);
    FreeFactors free(2, 2);
    free.set(1, 0, false);
    const std::vector<double> frozen(by_rows.factor(0).begin() + 5, by_rows.factor(0).end());
    fit_als(by_weight, free, FitRows{data.rows(), data.y, weights}, options);
    fit_als(by_rows, free, FitRows{data.rows(), data.y, {}, {}, repeated}, options);
    for (std::size_t d = 0; d < 2; ++d) {
        for (std::size_t i = 0; i < by_rows.factor(d).size(); ++i) {
            CHECK(by_rows.factor(d)[i] == doctest::Approx(by_weight.factor(d)[i]).epsilon(1e-6));
        }
    }
    CHECK(std::equal(frozen.begin(), frozen.end(), by_rows.factor(0).begin() + 5));

    std::vector<double> multiplier(200);
    std::vector<double> scaled = data.y;
    for (std::size_t i = 0; i < 200; ++i) {
        multiplier[i] = 2 + std::cos(static_cast<double>(i));
        scaled[i] *= multiplier[i];
    }
    TensorSurrogate model = start(2, 2, 4);
    options.max_sweeps = 200;
    options.tolerance = 1e-12;
    fit_als(model, FreeFactors(2, 2), FitRows{data.rows(), scaled, {}, multiplier}, options);
    CHECK(rmse(model, data) < 1e-3);
}

TEST_CASE("products kept from update to update are those taken anew, where factors vanish too") {
    const Data data = sample(1500, 4, 9, [](const double* x) { return x[0] + x[1] * x[2]; });
    const FitRows rows{data.rows(), data.y};
    TensorSurrogate model = start(4, 3, 5);
    closedform::PlacedRows kept(rows, model.tables(), 2);
    const std::vector<std::size_t> every = {0, 1, 2};
    const auto moments = [&](closedform::PlacedRows& from, std::size_t d) {
        closedform::CellMoments sums;
        sums.clear(model.basis(d).cells(), 3, 8);
        from.add({d, model.tables(), every, 3, 0, 8}, closedform::StopToken(), sums);
        return sums;
    };
    closedform::Random random(10, 0);
    for (const std::size_t d : {0U, 1U, 3U, 2U, 0U, 2U, 2U, 1U, 0U}) {
        const closedform::CellMoments found = moments(kept, d);
        closedform::PlacedRows anew(rows, model.tables(), 1);
        const closedform::CellMoments expected = moments(anew, d);
        double most = 0;
        for (std::size_t i = 0; i < found.pairs.size(); ++i) {
            most = std::max(most, std::abs(found.pairs[i] - expected.pairs[i]));
        }
        CHECK(most < 1e-9);
        for (double& u : model.factor(d)) {  // a mode that is zero comes and goes
            u = random.bell();
        }
        const std::size_t nodes = model.basis(d).node_count();
        std::fill_n(model.factor(d).begin(), d == 3 ? nodes : 0, 0.0);
        model.refresh();
    }
}

TEST_CASE("slopes of the squared error are its derivatives by the node values") {
    Data data = sample(700, 3, 11, [](const double* x) { return std::exp(x[0]) * x[1] - x[2]; });
    std::vector<double> weights, multiplier;
    for (std::size_t i = 0; i < 700; ++i) {
        weights.push_back(0.5 + static_cast<double>(i % 3));
        multiplier.push_back(1 + 0.1 * static_cast<double>(i % 7));
    }
    const FitRows rows{data.rows(), data.y, weights, multiplier};
    TensorSurrogate model = start(3, 9, 4);  // more modes than a pack holds
    const auto slopes = error_slopes(model, *error_sums(rows, 1), closedform::StopToken()).value();
    for (std::size_t d = 0; d < 3; ++d) {
        for (std::size_t m = 0; m < 9; m += 4) {
            for (std::size_t j = 0; j < 5; ++j) {
                double& u = model.factor(d)[m * 5 + j];
                const double before = u;
                double squares[2];
                for (const int side : {0, 1}) {
                    u = before + (side == 0 ? -1e-4 : 1e-4);
                    model.refresh();
                    squares[side] =
                        error_slopes(model, *error_sums(rows, 1), closedform::StopToken())->squares;
                }
                u = before;
                const double slope = (squares[0] - squares[1]) / 4e-4;
                CHECK(slopes.by_node[d][j * 9 + m] == doctest::Approx(slope).epsilon(1e-5));
            }
        }
    }
}

TEST_CASE("a step on all rows undoes most of what chance has done to the fit of some") {
    closedform::Random noise(12, 0);
    Data data = sample(60000, 3, 13, [](const double* x) {
        return std::sin(2 * x[0]) * std::exp(x[1]) + x[1] * x[2] * x[2];
    });
    for (double& y : data.y) {
        y += 0.5 * noise.bell();
    }
    const FitRows all{data.rows(), data.y};
    std::vector<std::uint32_t> sample_rows;
    for (std::uint32_t i = 0; i < 60000; i += 12) {
        sample_rows.push_back(i);
    }
    FitRows some = all;
    some.rows = sample_rows;
    AlsOptions options;
    options.smoothing = 1e-6;
    options.max_sweeps = 30;
    const FreeFactors free(2, 3);
    TensorSurrogate model = start(3, 2, 8);
    fit_als(model, free, some, options);
    TensorSurrogate best = model;
    fit_als(best, free, all, options);
    TensorSurrogate stepped = model;
    fit_all_rows(stepped, free, all, sample_rows, options);
    TensorSurrogate threaded = model;
    options.threads = 3;
    fit_all_rows(threaded, free, all, sample_rows, options);
    const double before =
        error_slopes(model, *error_sums(all, 1), closedform::StopToken())->squares;
    const double least = error_slopes(best, *error_sums(all, 1), closedform::StopToken())->squares;
    CHECK(error_slopes(stepped, *error_sums(all, 1), closedform::StopToken())->squares - least <
          0.1 * (before - least));
    for (std::size_t d = 0; d < 3; ++d) {
        CHECK(std::equal(stepped.factor(d).begin(), stepped.factor(d).end(),
                         threaded.factor(d).begin()));
    }
}

TEST_CASE("the choice of sizes: a product is one mode, noise is smoothed, levels are levels") {
    closedform::SurrogateOptions options;
    const Data product =
        sample(150, 2, 5, [](const double* x) { return std::exp(x[0]) * std::cos(2 * x[1]); });
    const auto fitted = closedform::fit_surrogate(product.rows(), product.y, {}, options);
    CHECK(fitted.model.modes() == 1);
    CHECK(fitted.held_out_error < 2e-3);

    closedform::Random noise(6, 0);
    Data noisy = sample(600, 2, 7, [](const double* x) { return x[0] * x[1] + x[0]; });
    const std::vector<double> clean = noisy.y;
    for (double& y : noisy.y) {
        y += 0.3 * noise.bell();
    }
    const auto smooth = closedform::fit_surrogate(noisy.rows(), noisy.y, {}, options);
    noisy.y = clean;
    CHECK(rmse(smooth.model, noisy) < 0.05);  // the noise itself is 0.1

    Data levels = sample(400, 2, 8, [](const double*) { return 0.0; });
    for (std::size_t i = 0; i < 400; ++i) {
        levels.x[2 * i] = static_cast<double>(i % 3);
        levels.y[i] = (i % 3 == 1 ? 5 : 1) + levels.x[2 * i + 1];
    }
    const auto stepped = closedform::fit_surrogate(levels.rows(), levels.y, {}, options);
    CHECK(stepped.discrete[0]);
    CHECK(stepped.model.basis(0).node_count() == 3);
    CHECK(rmse(stepped.model, levels) < 1e-3);
}

TEST_CASE("the equations of many modes are left where the time is over") {
    const GridBasis basis = start(1, 1, 30).basis(0);
    const std::size_t modes = 40;
    closedform::CellMoments moments;
    const auto take = [&](const closedform::StopToken& stop) {
        moments.clear(basis.cells(), modes, modes);
        for (std::size_t c = 0; c < basis.cells(); ++c) {  // a row in the middle of every cell
            for (std::size_t m = 0; m < modes; ++m) {
                moments.pairs[c * modes * closedform::moment_count * modes +
                              m * closedform::moment_count * modes + m] = 1.0;
            }
        }
        closedform::InputEquations equations(basis, 1e-3);
        return equations.take(moments, modes, modes, stop);
    };
    const closedform::StopToken over(0.0);
    CHECK(take({}));
    CHECK(!take(over));
}

TEST_CASE("a step on all rows that is cut off at any moment leaves no worse model") {
    const Data data = sample(400, 3, 12, [](const double* x) { return x[0] * x[1] + x[2]; });
    const std::vector<std::uint32_t> some = {1, 5, 70, 200, 203, 204, 260, 301, 333, 399};
    const double before = rmse(start(3, 2, 5), data);
    for (int cut = 0; cut < 200; ++cut) {
        TensorSurrogate model = start(3, 2, 5);
        AlsOptions options;
        options.stop = closedform::StopToken(5e-6 * cut);
        fit_all_rows(model, FreeFactors(2, 3), FitRows{data.rows(), data.y}, some, options);
        CHECK(rmse(model, data) <= before);
    }
}
