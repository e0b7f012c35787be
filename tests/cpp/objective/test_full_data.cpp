#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "closedform/expression/infix.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"
#include "objective/quadratic_model.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> names = {"x", "y"};

struct Data {
    std::vector<double> x, y, weights;
    MatrixView<const double> view() const { return {x.data(), y.size(), 2}; }
};

/// y = 0.731 x y + 0.4 x and normal noise of size 1/2; the second part of 8192 rows weighs nothing.
Data noisy(std::size_t rows) {
    Random random(7, 1);
    Data data;
    for (std::size_t i = 0; i < rows; ++i) {
        const double a = random.uniform(-1.0, 2.0);
        const double b = random.uniform(0.5, 2.0);
        data.x.insert(data.x.end(), {a, b});
        data.y.push_back(0.731 * a * b + 0.4 * a + 0.5 * random.normal());
        data.weights.push_back(i / 8192 == 1 ? 0.0 : random.uniform(0.5, 1.5));
    }
    return data;
}

}  // namespace

TEST_CASE("normal equations of all rows are those of one objective that holds them all") {
    const std::vector<Tape> tapes = {parse("0.7*x*y + sin(0.3*x)", names), parse("x", names)};
    for (const std::size_t rows : {1UL, 8191UL, 8193UL, 20000UL}) {
        const Data data = noisy(rows);
        const ValueTarget target(data.y, data.weights);
        std::vector<std::size_t> all(rows);
        std::iota(all.begin(), all.end(), 0UL);
        Units units;
        units.x = {1.0, 1.0};
        const auto whole = target.at(RowBlocks(data.view(), all), all, units);
        const auto found =
            equations_on_all_rows(tapes, *equation_sums(data.view(), target, 2), StopToken());
        Workspace workspace;
        for (std::size_t t = 0; t < tapes.size(); ++t) {
            NormalEquations expected;
            whole->normal_equations(tapes[t], constant_positions(tapes[t]), workspace, expected);
            CHECK(found[t].loss == doctest::Approx(expected.loss).epsilon(1e-12));
            REQUIRE(found[t].gram.size() == expected.gram.size());
            for (std::size_t i = 0; i < expected.gram.size(); ++i) {
                CHECK(found[t].gram[i] == doctest::Approx(expected.gram[i]).epsilon(1e-12));
            }
            for (std::size_t i = 0; i < expected.gradient.size(); ++i) {
                CHECK(found[t].gradient[i] == doctest::Approx(expected.gradient[i]).epsilon(1e-10));
            }
        }
    }
    const Data data = noisy(20000);
    const ValueTarget target(data.y, data.weights);
    const auto rows = equation_sums(data.view(), target, 2);
    CHECK(equations_on_all_rows(tapes, *rows, StopToken(-1.0)).empty());
    CHECK(equation_rows(20000) == 20000);
    CHECK(equation_rows(100'000'000) < 1'100'000);
}

TEST_CASE("the model of a loss is the loss where constants are linear") {
    const Data data = noisy(1000);
    const ValueTarget target(data.y, {});
    std::vector<std::size_t> all(1000);
    std::iota(all.begin(), all.end(), 0UL);
    Units units;
    units.x = {1.0, 1.0};
    const auto objective = target.at(RowBlocks(data.view(), all), all, units);
    Workspace workspace;
    Tape tape = parse("0.5*x*y + 0.1*x + 0.2", names);
    const auto positions = constant_positions(tape);
    NormalEquations equations;
    objective->normal_equations(tape, positions, workspace, equations);
    const QuadraticModel model(tape, equations, 1e9);
    Random random(3, 1);
    for (int trial = 0; trial < 20; ++trial) {
        for (const std::size_t position : positions) {
            tape[position].value = random.normal();
        }
        CHECK(model.loss(tape, workspace) ==
              doctest::Approx(objective->loss(tape, workspace)).epsilon(1e-11));
        const std::vector<std::size_t> some = {positions[2], positions[0]};
        NormalEquations from_model;
        NormalEquations from_rows;
        model.normal_equations(tape, some, workspace, from_model);
        objective->normal_equations(tape, some, workspace, from_rows);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(from_model.gram[i] == doctest::Approx(from_rows.gram[i]).epsilon(1e-11));
        }
        for (std::size_t i = 0; i < 2; ++i) {
            CHECK(from_model.gradient[i] == doctest::Approx(from_rows.gradient[i]).epsilon(1e-9));
        }
    }
}

TEST_CASE("constants are those of all rows, not of the rows the archive compares on") {
    const Data data = noisy(200'000);
    const ValueTarget target(data.y, {});
    double xx = 0, xz = 0, zz = 0, xy = 0, zy = 0;  // least squares of y on x and z = x y by hand
    for (std::size_t i = 0; i < data.y.size(); ++i) {
        const double x = data.x[2 * i];
        const double z = x * data.x[2 * i + 1];
        xx += x * x;
        xz += x * z;
        zz += z * z;
        xy += x * data.y[i];
        zy += z * data.y[i];
    }
    const double determinant = xx * zz - xz * xz;
    const double of_z = (xx * zy - xz * xy) / determinant;
    const double standard_error = 0.5 * std::sqrt(xx / determinant);
    SearchOptions options;
    for (const Op op : {Op::add, Op::mul}) {
        options.operators.insert(op);
    }
    options.max_size = 9;
    options.evaluations = 20000;
    options.seconds = 1000.0;
    const SearchResult result = search<double>(data.view(), target, options, {});
    const auto& best = result.front.back();
    Workspace workspace;
    // Slope along x y at x = 1, from two rows.
    const std::vector<double> two = {1.0, 1.0, 1.0, 2.0};
    const RowBlocks rows(MatrixView<const double>(two.data(), 2, 2));
    const double* f = workspace.forward(best.tape, rows.block(0));
    CHECK(std::abs(f[1] - f[0] - of_z) < standard_error);
}
