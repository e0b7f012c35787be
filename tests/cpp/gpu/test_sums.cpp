// Sums over rows on a device, run on the host: separability and the normal equations of alternating
// least squares. See test_tensor_surrogate.cpp.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "closedform/structure/pair_scores.hpp"
#include "cuda/runtime/host_runtime.hpp"
#include "cuda/structure/pair_scores_driver.hpp"
#include "cuda/surrogate/als_moments_driver.hpp"
#include "gpu/grid_models.hpp"
#include "structure/pair_totals.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_moments.hpp"
#include "surrogate/als_rows.hpp"
#include "surrogate/error_gradient.hpp"

using namespace closedform;
using grid::random_model;
using grid::random_rows;
using grid::Sizes;

namespace {

constexpr std::size_t plenty = std::size_t{1} << 30U;

/// The reference: rows one by one from the CPU's derivatives, with sums of absolute terms beside.
template <class Real>
void compare_pairs(std::size_t inputs, std::size_t modes, std::size_t rows, std::size_t memory,
                   std::size_t shared, std::size_t least_launches) {
    CAPTURE(inputs);
    CAPTURE(rows);
    const TensorSurrogate model = random_model(inputs, modes);
    const std::vector<Real> x = random_rows<Real>(model, rows);
    const MatrixView<const Real> view(x.data(), rows, inputs);
    const double c = 0.25;
    gpu::PairRowsOn<Real, gpu::HostRuntime> there(model, view, false, memory, shared);
    PairTotals found(inputs);
    there.add(c, StopToken(), found);
    CHECK(there.runtime().launches() >= least_launches);

    std::vector<double> value(rows), gradient(rows * inputs), hessian(rows * inputs * inputs);
    model.derivatives(view, value.data(), gradient.data(), hessian.data(), 1);
    const std::vector<double> wide(x.begin(), x.end());
    const Sizes sizes = grid::sizes_of(model, MatrixView<const double>(wide.data(), rows, inputs));
    const double eps = static_cast<double>(std::numeric_limits<Real>::epsilon());
    const double terms = static_cast<double>(64 * inputs + modes) +
                         static_cast<double>(std::min<std::size_t>(rows, 300));
    const auto range = [&](std::size_t i) { return model.basis(i).high() - model.basis(i).low(); };
    CHECK(found.sums.rows == static_cast<double>(rows));
    double sum = 0;
    double size = 0;
    for (std::size_t r = 0; r < rows; ++r) {
        sum += value[r] - c;
        size += sizes.value[r] + c;
    }
    CHECK(std::abs(found.sums.value - sum) <= terms * eps * size);
    CHECK(found.counts.size.count() == rows);
    for (std::size_t j = 0; j < inputs; ++j) {
        double slopes = 0;
        double slope_size = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            slopes += std::pow(gradient[r * inputs + j] * range(j), 2);
            slope_size += std::pow(sizes.gradient[r * inputs + j] * range(j), 2);
        }
        CHECK(std::abs(found.sums.slopes[j] - slopes) <= terms * eps * slope_size);
        for (std::size_t i = 0; i < j; ++i) {
            const std::size_t p = j * (j - 1) / 2 + i;
            double curvatures = 0, curvatures_size = 0, product_residual = 0,
                   product_residual_size = 0, residual_curvature = 0, residual_curvature_size = 0;
            LogHistogram curvature_counts;
            for (std::size_t r = 0; r < rows; ++r) {
                const std::size_t at = (r * inputs + i) * inputs + j;
                const double unit = range(i) * range(j);
                const double curvature = hessian[at] * unit;
                const double bend_size = sizes.hessian[at] * unit;
                const double cross = (value[r] - c) * curvature -
                                     gradient[r * inputs + i] * gradient[r * inputs + j] * unit;
                const double cross_size =
                    (sizes.value[r] + c) * bend_size +
                    sizes.gradient[r * inputs + i] * sizes.gradient[r * inputs + j] * unit;
                curvatures += curvature * curvature;
                curvatures_size += bend_size * bend_size;
                product_residual += cross * cross;
                product_residual_size += cross_size * cross_size;
                residual_curvature += cross * curvature;
                residual_curvature_size += cross_size * bend_size;
                curvature_counts.add(curvature);
            }
            CHECK(std::abs(found.sums.curvatures[p] - curvatures) <= terms * eps * curvatures_size);
            CHECK(std::abs(found.sums.product_residual[p] - product_residual) <=
                  terms * eps * product_residual_size);
            CHECK(std::abs(found.sums.residual_curvature[p] - residual_curvature) <=
                  terms * eps * residual_curvature_size);
            CHECK(found.counts.curvature[p].count() == rows);
            CHECK(found.counts.product_residual[p].count() == rows);
            if (rows > 100) {  // rounding moves few rows to the next bin
                CHECK(found.counts.curvature[p].quantile(0.5) ==
                      doctest::Approx(curvature_counts.quantile(0.5)).epsilon(0.1));
            }
        }
    }
}

/// Rows of a fit, inputs of type X: some weights zero, a factor on some, every other row left out
/// if `some`.
template <class X>
struct Fit {
    TensorSurrogate model;
    std::vector<X> x;
    std::vector<double> y, weights, multiplier;
    std::vector<std::uint32_t> some;

    explicit Fit(std::size_t count) : model(random_model(4, 5)) {
        x = random_rows<X>(model, count);
        Random random(5, count);
        for (std::size_t i = 0; i < count; ++i) {
            y.push_back(random.normal());
            weights.push_back(i % 5 == 1 ? 0.0 : random.uniform(0.5, 1.5));
            multiplier.push_back(random.uniform(0.5, 1.5));
            if (i % 2 == 0) {
                some.push_back(static_cast<std::uint32_t>(i));
            }
        }
    }
    MatrixView<const X> inputs() const { return {x.data(), y.size(), 4}; }
    FitRows rows(bool all) const {
        FitRows rows{inputs(), y, weights, multiplier};
        if (!all) {
            rows.rows = some;
        }
        return rows;
    }
};

/// The reference: rows one by one, and the sums of absolute terms in `sizes`.
template <class X>
void add_moments(const Fit<X>& fit, const FitRows& rows, std::size_t d, std::size_t padded,
                 const std::vector<std::size_t>& chosen, CellMoments& sums, CellMoments& sizes) {
    const GridBasis& basis = fit.model.basis(d);
    for (std::size_t p = 0; p < rows.count(); ++p) {
        const std::size_t r = rows.row(p);
        const auto factor = [&](std::size_t m, std::size_t k) {
            const std::size_t nodes = fit.model.basis(k).node_count();
            return fit.model.basis(k).evaluate(fit.model.factor(k).subspan(m * nodes, nodes),
                                               rows.x(r, k));
        };
        std::vector<double> g;
        double residual = fit.y[r] - fit.model.offset();
        double residual_size = std::abs(fit.y[r]) + std::abs(fit.model.offset());
        for (std::size_t m = 0; m < fit.model.modes(); ++m) {
            double product = fit.multiplier[r];
            for (std::size_t k = 0; k < 4; ++k) {
                product *= k == d ? 1.0 : factor(m, k);
            }
            if (std::find(chosen.begin(), chosen.end(), m) != chosen.end()) {
                g.push_back(product);
            } else {
                residual -= product * factor(m, d);
                residual_size += std::abs(product * factor(m, d));
            }
        }
        const std::size_t cell = basis.cell_of(rows.x(r, d));
        const double t = (rows.x(r, d) - basis.center(cell)) * basis.inverse_width(cell);
        const double w = fit.weights[r];
        sums.square += w * residual * residual;
        sizes.square += w * residual_size * residual_size;
        for (std::size_t k = 0; k < moment_count; ++k) {
            const double power = w * std::pow(t, static_cast<double>(k));
            for (std::size_t m = 0; m < g.size(); ++m) {
                for (std::size_t n = 0; n <= m; ++n) {
                    const std::size_t at = ((cell * g.size() + m) * moment_count + k) * padded + n;
                    sums.pairs[at] += power * g[m] * g[n];
                    sizes.pairs[at] += std::abs(power * g[m] * g[n]) + 1e-12;
                }
                if (k < shape_count) {
                    const std::size_t at = (cell * shape_count + k) * padded + m;
                    sums.right[at] += power * g[m] * residual;
                    sizes.right[at] += std::abs(power * g[m]) * residual_size + 1e-12;
                }
            }
        }
    }
}

template <class X>
void compare_moments(std::size_t count, bool all, std::size_t memory, std::size_t shared,
                     std::size_t least_launches, const std::vector<std::size_t>& chosen) {
    CAPTURE(count);
    const Fit<X> fit(count);
    const FitRows rows = fit.rows(all);
    const std::size_t d = 2;
    const std::size_t padded = 8;
    const GridBasis& basis = fit.model.basis(d);
    CellMoments found;
    found.clear(basis.cells(), chosen.size(), padded);
    gpu::MomentRowsOn<X, gpu::HostRuntime> there(rows, fit.inputs(), memory, shared);
    const MomentQuestion question = {
        d, fit.model.tables(), chosen, fit.model.modes(), fit.model.offset(), padded};
    there.add(question, StopToken(), found);
    CHECK(there.runtime().launches() >= least_launches);

    CellMoments here;
    here.clear(basis.cells(), chosen.size(), padded);
    PlacedRows(rows, fit.model.tables(), 1).add(question, StopToken(), here);

    CellMoments sums;
    CellMoments sizes;
    sums.clear(basis.cells(), chosen.size(), padded);
    sizes.clear(basis.cells(), chosen.size(), padded);
    add_moments(fit, rows, d, padded, chosen, sums, sizes);
    const double unit = (1000 + static_cast<double>(count)) * 2.3e-16;
    for (const CellMoments& moments : {found, here}) {
        bool close = std::abs(moments.square - sums.square) <= unit * sizes.square;
        for (std::size_t i = 0; i < sums.pairs.size(); ++i) {
            const bool filled = sizes.pairs[i] > 0;  // each pair of modes is summed once
            close = close && (!filled ||
                              std::abs(moments.pairs[i] - sums.pairs[i]) <= unit * sizes.pairs[i]);
        }
        for (std::size_t i = 0; i < sums.right.size(); ++i) {
            close = close && std::abs(moments.right[i] - sums.right[i]) <= unit * sizes.right[i];
        }
        CHECK(close);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("grid: separability sums are the CPU's", Real, float, double) {
    for (const std::size_t rows : {0U, 1U, 63U, 64U, 65U, 300U}) {
        compare_pairs<Real>(4, 5, rows, plenty, 227 << 10U, rows == 0 ? 0 : 1);
    }
    compare_pairs<Real>(2, 3, 200, plenty, 227 << 10U, 1);  // threads share one pair
    compare_pairs<Real>(13, 2, 70, plenty, 48 << 10U, 1);   // more pairs than threads
    // In chunks of no more than 16 384 rows, for many rows' counts of the same pair.
    compare_pairs<Real>(2, 2, 40000, 20'000'000 + 2 * 16384 * 2 * sizeof(Real) * 10 / 8, 48 << 10U,
                        1);
}

TEST_CASE_TEMPLATE("grid: moments of a fit are the sums over its rows", X, float, double) {
    for (const std::size_t rows : {1U, 127U, 128U, 129U, 700U}) {
        compare_moments<X>(rows, true, plenty, 227 << 10U, 2, {0, 1, 2, 3, 4});
    }
    compare_moments<X>(300, false, plenty, 227 << 10U, 2, {1, 4});  // some rows, some modes frozen
    compare_moments<X>(300, true, plenty, 8 << 10U, 2, {0, 2});     // space in the device's memory
    // 4 inputs and 3 numbers a row; half of the memory is not enough for all. The sums take a part.
    compare_moments<X>(20000, true, 500'000 + 4 * 20000 * sizeof(X), 227 << 10U, 4, {3});
}

TEST_CASE_TEMPLATE("grid: a fit whose rows are on a device is the CPU's fit", X, float, double) {
    const Fit<X> fit(900);
    AlsOptions options;
    options.max_sweeps = 4;
    TensorSurrogate here = fit.model;
    TensorSurrogate there = fit.model;
    const FreeFactors free(5, 4);
    const AlsResult expected = fit_als(here, free, fit.rows(true), options);
    options.rows_there = [&](const FitRows& rows) {
        return std::make_unique<gpu::MomentRowsOn<X, gpu::HostRuntime>>(rows, fit.inputs(), plenty,
                                                                        std::size_t{48} << 10U);
    };
    const AlsResult found = fit_als(there, free, fit.rows(true), options);
    CHECK(found.sweeps == expected.sweeps);
    CHECK(found.rmse == doctest::Approx(expected.rmse).epsilon(1e-9));

    const FitRows rows = fit.rows(true);
    const StopToken never;
    const ErrorSlopes slopes_there =
        error_slopes(there, *error_sums(options.rows_there(rows)), never).value();
    const ErrorSlopes slopes_here = error_slopes(there, *error_sums(rows, 1), never).value();
    CHECK(slopes_there.squares == doctest::Approx(slopes_here.squares).epsilon(1e-9));
    for (std::size_t d = 0; d < 4; ++d) {
        for (std::size_t i = 0; i < slopes_here.by_node[d].size(); ++i) {
            CHECK(slopes_there.by_node[d][i] ==
                  doctest::Approx(slopes_here.by_node[d][i]).epsilon(1e-7));
        }
    }
}
