#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "closedform/surrogate/grid_basis.hpp"
#include "core/dense_solve.hpp"
#include "core/random.hpp"

using closedform::GridBasis;

namespace {

/// The reference's cubic-spline kernel, z = |x - x_i| / a.
double spline(double z) {
    if (z <= 0.5) {
        return 2.0 / 3 - 4 * z * z + 4 * z * z * z;
    }
    return z <= 1 ? 4.0 / 3 - 4 * z + 4 * z * z - 4 * z * z * z / 3 : 0.0;
}

/// [W, *] = [R(z_1) .. R(z_K), 1, x, .., x^p] G^-1 at one point: slow and obvious.
Eigen::VectorXd dense_w(const std::vector<double>& patch, std::size_t p, double a, double x) {
    const auto k = static_cast<Eigen::Index>(patch.size());
    const auto m = static_cast<Eigen::Index>(p) + 1;
    Eigen::MatrixXd g = Eigen::MatrixXd::Zero(k + m, k + m);
    Eigen::VectorXd row(k + m);
    for (Eigen::Index i = 0; i < k; ++i) {
        const double xi = patch[static_cast<std::size_t>(i)];
        for (Eigen::Index j = 0; j < k; ++j) {
            g(i, j) = spline(std::abs(xi - patch[static_cast<std::size_t>(j)]) / a);
        }
        for (Eigen::Index q = 0; q < m; ++q) {
            g(i, k + q) = g(k + q, i) = std::pow(xi, static_cast<double>(q));
        }
        row[i] = spline(std::abs(x - xi) / a);
    }
    for (Eigen::Index q = 0; q < m; ++q) {
        row[k + q] = std::pow(x, static_cast<double>(q));
    }
    return closedform::solve(g, row).col(0).head(k);
}

/// The interpolant from the definition, with plain cubics at the ends.
double dense_interpolant(const std::vector<double>& nodes, std::size_t s, std::size_t p,
                         const std::vector<double>& u, double x) {
    std::size_t e = 0;
    while (e + 2 < nodes.size() && x >= nodes[e + 1]) {
        ++e;
    }
    const double xi = (x - nodes[e]) / (nodes[e + 1] - nodes[e]);
    double sum = 0;
    for (const std::size_t k : {e, e + 1}) {
        const bool centred = k >= s && k + s < nodes.size();
        const std::size_t count = centred ? 2 * s + 1 : std::min<std::size_t>(4, 2 * s + 1);
        const std::size_t start =
            centred ? k - s : std::min(k > 0 ? k - 1 : 0, nodes.size() - count);
        const auto first = nodes.begin() + static_cast<std::ptrdiff_t>(start);
        const std::vector<double> patch(first, first + static_cast<std::ptrdiff_t>(count));
        const Eigen::VectorXd w =
            dense_w(patch, centred ? p : count - 1, 20 * (nodes[1] - nodes[0]), x);
        for (std::size_t j = 0; j < patch.size(); ++j) {
            sum += (k == e ? 1 - xi : xi) * w[static_cast<Eigen::Index>(j)] * u[start + j];
        }
    }
    return sum;
}

std::vector<double> even(std::size_t segments, double low, double high) {
    std::vector<double> nodes(segments + 1);
    for (std::size_t j = 0; j <= segments; ++j) {
        nodes[j] = low + (high - low) * static_cast<double>(j) / static_cast<double>(segments);
    }
    return nodes;
}

std::vector<double> uneven(std::size_t segments, std::uint64_t seed) {
    closedform::Random random(seed, 0);
    std::vector<double> nodes = {0};
    for (std::size_t j = 0; j < segments; ++j) {
        nodes.push_back(nodes.back() + 0.2 + random.uniform());
    }
    return nodes;
}

}  // namespace

TEST_CASE("the quartic table is the radial point interpolant of the reference") {
    for (const auto& [s, p] : {std::pair{1, 1}, {2, 1}, {2, 2}, {3, 2}, {3, 3}}) {
        const auto patch = static_cast<std::size_t>(s);
        const auto degree = static_cast<std::size_t>(p);
        const auto nodes = even(9, 0, 9);
        const GridBasis basis(nodes, patch, degree);
        closedform::Random random(1, 0);
        std::vector<double> u(nodes.size());
        for (double& v : u) {
            v = random.bell();
        }
        for (int i = 0; i < 200; ++i) {
            const double x = 9 * random.uniform();
            CHECK(basis.evaluate(u, x) ==
                  doctest::Approx(dense_interpolant(nodes, patch, degree, u, x)).epsilon(1e-8));
        }
    }
}

TEST_CASE("interpolates its nodes, sums to one and reproduces polynomials, on any grid") {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        for (std::size_t s = 0; s <= 3; ++s) {
            const auto nodes = uneven(3 + 2 * seed, seed);
            const GridBasis basis(nodes, s, s == 0 ? 0 : std::min<std::size_t>(s, 2));
            const auto degree = std::max<std::size_t>(basis.degree(), 1);
            std::vector<double> u(nodes.size());
            for (std::size_t q = 0; q <= degree; ++q) {
                for (std::size_t j = 0; j < u.size(); ++j) {
                    u[j] = std::pow(nodes[j] / 3, static_cast<double>(q));
                }
                closedform::Random random(seed, 0);
                for (int i = 0; i < 50; ++i) {
                    const double x = nodes.back() * random.uniform();
                    CHECK(basis.evaluate(u, x) ==
                          doctest::Approx(std::pow(x / 3, static_cast<double>(q))).epsilon(1e-9));
                }
                for (std::size_t j = 0; j < u.size(); ++j) {
                    CHECK(basis.evaluate(u, nodes[j]) == doctest::Approx(u[j]).epsilon(1e-10));
                }
            }
        }
    }
}

TEST_CASE("derivatives match differences, and the slope is continuous across nodes and ends") {
    const auto nodes = uneven(8, 3);
    const GridBasis basis(nodes, 2, 2);
    std::vector<double> u(nodes.size());
    for (std::size_t j = 0; j < u.size(); ++j) {
        u[j] = std::sin(nodes[j]);
    }
    const double h = 1e-5;
    closedform::Random random(5, 0);
    for (int i = 0; i < 100; ++i) {
        const double x = (nodes.back() + 2) * random.uniform() - 1;
        if (basis.cell_of(x - h) != basis.cell_of(x + h)) {
            continue;
        }
        CHECK(basis.evaluate(u, x, 1) ==
              doctest::Approx((basis.evaluate(u, x + h) - basis.evaluate(u, x - h)) / (2 * h))
                  .epsilon(1e-6));
        CHECK(basis.evaluate(u, x, 2) ==
              doctest::Approx((basis.evaluate(u, x + h, 1) - basis.evaluate(u, x - h, 1)) / (2 * h))
                  .epsilon(1e-5));
    }
    for (const double x : nodes) {
        CHECK(basis.evaluate(u, x - 1e-9) ==
              doctest::Approx(basis.evaluate(u, x + 1e-9)).epsilon(1e-7));
        CHECK(basis.evaluate(u, x - 1e-9, 1) ==
              doctest::Approx(basis.evaluate(u, x + 1e-9, 1)).epsilon(1e-6));
    }
}

TEST_CASE("the ends are better than the published error") {
    const auto error = [](std::size_t segments, std::size_t s) {
        const auto nodes = even(segments, 0, 1);
        const GridBasis basis(nodes, s, s);
        std::vector<double> u(nodes.size());
        const auto wave = [](double x) { return std::sin(2 * std::numbers::pi * x); };
        std::transform(nodes.begin(), nodes.end(), u.begin(), wave);
        double worst = 0;
        for (int i = 0; i <= 1000; ++i) {
            worst = std::max(worst, std::abs(basis.evaluate(u, i / 1000.0) - wave(i / 1000.0)));
        }
        return worst;
    };
    CHECK(error(10, 2) < 1.4e-2 / 1.5);
    CHECK(error(20, 2) < 2.0e-3 / 3);
    CHECK(error(40, 2) < 2.5e-4 / 3);
    CHECK(error(40, 3) < 7.1e-6);
}

TEST_CASE("few nodes: the patch shrinks; one node is a constant") {
    CHECK(GridBasis({0, 1}, 2, 2).patch() == 0);
    CHECK(GridBasis({0, 1, 2, 4}, 2, 2).patch() == 1);
    const GridBasis one({3}, 2, 2);
    const std::vector<double> u = {7};
    for (const double x : {-1.0, 3.0, 9.0}) {
        CHECK(one.evaluate(u, x) == 7);
        CHECK(one.evaluate(u, x, 1) == 0);
    }
}

TEST_CASE("bad nodes, patches and degrees are refused") {
    CHECK_THROWS_AS(GridBasis({}, 2, 2), std::invalid_argument);
    CHECK_THROWS_AS(GridBasis({0, 0}, 2, 2), std::invalid_argument);
    CHECK_THROWS_AS(GridBasis({0, std::nan("")}, 2, 2), std::invalid_argument);
    CHECK_THROWS_AS(GridBasis({0, 1, 2}, 4, 2), std::invalid_argument);
    CHECK_THROWS_AS(GridBasis({0, 1, 2}, 1, 2), std::invalid_argument);
}

TEST_CASE("nodes from data: even where they can be, every element holds rows") {
    closedform::Random random(11, 0);
    std::vector<double> flat(500);
    std::vector<double> steep(500);
    for (std::size_t i = 0; i < flat.size(); ++i) {
        flat[i] = random.uniform();
        steep[i] = std::exp(8 * random.uniform());
    }
    std::sort(flat.begin(), flat.end());
    std::sort(steep.begin(), steep.end());
    const auto even_nodes = closedform::nodes_from_sorted(flat, 10).nodes;
    CHECK(even_nodes.size() == 11);
    CHECK(even_nodes[5] == doctest::Approx((flat.front() + flat.back()) / 2));
    for (const std::size_t segments : {5UL, 20UL, 80UL}) {
        const auto column = closedform::nodes_from_sorted(steep, segments);
        CHECK_FALSE(column.discrete);
        CHECK(column.nodes.front() == steep.front());
        CHECK(column.nodes.back() == steep.back());
        for (std::size_t j = 1; j < column.nodes.size(); ++j) {
            const auto in = [&](double v) {
                return v >= column.nodes[j - 1] && v <= column.nodes[j];
            };
            CHECK(std::any_of(steep.begin(), steep.end(), in));
        }
    }
}

TEST_CASE("few distinct values get a node each") {
    std::vector<double> levels;
    for (int i = 0; i < 60; ++i) {
        levels.push_back(i % 3 == 0 ? 1 : i % 3 == 1 ? 2.5 : 9);
    }
    std::sort(levels.begin(), levels.end());
    const auto column = closedform::nodes_from_sorted(levels, 10);
    CHECK(column.discrete);
    CHECK(column.nodes == std::vector<double>{1, 2.5, 9});
    // As many values as rows: not levels, whatever their number.
    CHECK_FALSE(closedform::nodes_from_sorted(std::vector<double>{1, 2, 3, 4, 5}, 3).discrete);
}
