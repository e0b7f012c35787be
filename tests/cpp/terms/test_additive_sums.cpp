#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "core/dense_solve.hpp"
#include "core/random.hpp"
#include "terms/additive_sums.hpp"
#include "terms/piece_dictionary.hpp"
#include "terms/pieces.hpp"
#include "terms/variable_projection.hpp"

using namespace closedform;

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Inputs {
    std::vector<double> x;
    std::size_t columns;
    MatrixView<const double> view() const { return {x.data(), x.size() / columns, columns}; }
};

Inputs inputs(std::size_t rows, std::size_t columns) {
    Random random(1, 0);
    Inputs result{std::vector<double>(rows * columns), columns};
    for (double& value : result.x) {
        value = random.uniform(0.1, 4.0);
    }
    return result;
}

std::vector<double> values_of(const Tape& tape, const Inputs& rows) {
    std::vector<double> result(rows.view().rows);
    evaluate(tape, rows.view(), result, 1);
    return result;
}

std::vector<double> noise(std::size_t count) {
    Random random(2, 0);
    std::vector<double> result(count);
    for (double& value : result) {
        value = random.normal();
    }
    return result;
}

/// What plain least squares leaves of y beside the columns, mean square.
double left_beside(const MatrixXd& columns, const std::vector<double>& y) {
    const Eigen::Map<const VectorXd> target(y.data(), columns.rows());
    const VectorXd left = target - columns * least_squares(columns, target);
    return left.squaredNorm() / static_cast<double>(y.size());
}

PieceAt at(std::string_view text, int input, double k) { return {input, piece_of(text), k}; }

/// Constants of products as a vector, and back.
std::vector<double*> constants_of(PieceProducts& products) {
    std::vector<double*> result;
    for (PieceProduct& product : products) {
        for (PieceAt& factor : product.factors) {
            if (all_pieces()[static_cast<std::size_t>(factor.piece)].has_constant()) {
                result.push_back(&factor.k);
            }
        }
    }
    return result;
}

MatrixXd design_of(const PieceProducts& products, const Inputs& rows) {
    const auto count = static_cast<Index>(rows.view().rows);
    MatrixXd result = MatrixXd::Ones(count, 1 + static_cast<Index>(products.size()));
    for (std::size_t t = 0; t < products.size(); ++t) {
        for (const PieceAt& one : products[t].factors) {
            const Tape tape =
                all_pieces()[static_cast<std::size_t>(one.piece)].tape(one.input, one.k);
            const std::vector<double> values = values_of(tape, rows);
            result.col(static_cast<Index>(t) + 1).array() *=
                Eigen::Map<const VectorXd>(values.data(), count).array();
        }
    }
    return result;
}

const PieceProducts two_products = {{{at("exp(k*x)", 0, -0.4), at("sin(k*x)", 1, 2.0)}},
                                    {{at("x**k", 0, 1.3)}}};

}  // namespace

TEST_CASE("additive sums: a piece has the values of its text and the slope of its values") {
    const Inputs rows = inputs(40, 1);
    const BaseColumns columns(rows.view());
    std::vector<double> value(40);
    std::vector<double> slope(40);
    std::vector<double> more(40);
    std::vector<double> less(40);
    std::vector<double> unused(40);
    for (const Piece& piece : all_pieces()) {
        CAPTURE(piece.text);
        std::vector<double> constants = piece.starts(0.1, 4.0);
        REQUIRE(!constants.empty());
        if (piece.shape == Shape::sin) {
            constants.push_back(3e6);  // beyond where the kernels' own reduction holds
        }
        for (const double k : constants) {
            CAPTURE(k);
            const std::vector<double> expected = values_of(piece.tape(0, k), rows);
            columns.evaluate(piece, 0, k, value, slope);
            const double step = 1e-6 * std::abs(k);
            columns.evaluate(piece, 0, k + step, more, unused);
            columns.evaluate(piece, 0, k - step, less, unused);
            for (std::size_t i = 0; i < 40; ++i) {
                CHECK(value[i] == doctest::Approx(expected[i]).epsilon(k > 1e6 ? 1e-8 : 1e-12));
                if (piece.has_constant() && k < 1e6) {
                    const double quotient = (more[i] - less[i]) / (2 * step);
                    CHECK(std::abs(slope[i] - quotient) <= 1e-5 * std::abs(quotient) + 1e-8);
                }
            }
        }
    }
}

TEST_CASE("additive sums: limits of pieces are pieces") {
    for (const Piece& piece : all_pieces()) {
        for (const std::string_view limit : piece.limits) {
            CHECK_NOTHROW(limit.empty() ? 0 : piece_of(limit));
        }
    }
    CHECK_THROWS(piece_of("sinh(k*x)"));
}

TEST_CASE("additive sums: the linear part of a fit is plain least squares") {
    const Inputs rows = inputs(60, 2);
    const BaseColumns columns(rows.view());
    const std::vector<double> y = noise(60);
    VariableProjection projection(columns, y);
    const auto sum = projection.solved(two_products);
    REQUIRE(sum);
    const MatrixXd design = design_of(two_products, rows);
    CHECK(sum->loss == doctest::Approx(left_beside(design, y)).epsilon(1e-12));
    const Eigen::Map<const VectorXd> target(y.data(), 60);
    CHECK((sum->coefficients - least_squares(design, target)).norm() < 1e-10);
    // A product that is there twice says no more than once.
    PieceProducts twice = two_products;
    twice.push_back(two_products[0]);
    CHECK(projection.solved(twice)->loss == doctest::Approx(sum->loss).epsilon(1e-12));
    // As a tape it has the values that the loss was taken of.
    const std::vector<double> values = values_of(sum->tape(), rows);
    const Eigen::Map<const VectorXd> fit(values.data(), 60);
    CHECK((target - fit).squaredNorm() / 60 == doctest::Approx(sum->loss).epsilon(1e-12));
}

TEST_CASE("additive sums: directions are those of the products and of their slopes") {
    const Inputs rows = inputs(60, 2);
    const BaseColumns columns(rows.view());
    const std::vector<double> y = noise(60);
    VariableProjection projection(columns, y);
    const auto sum = projection.solved(two_products);
    REQUIRE(sum);
    const MatrixXd found = projection.directions(*sum);
    REQUIRE(found.cols() == 3 + 3 + 1);
    CHECK((found.transpose() * found - MatrixXd::Identity(7, 7)).norm() < 1e-12);
    // Derivatives by differences lie in the space of all but the last, which is what is left.
    const MatrixXd space = found.leftCols(6);
    const MatrixXd design = design_of(two_products, rows);
    CHECK((design - space * (space.transpose() * design)).norm() < 1e-10);
    PieceProducts moved = two_products;
    for (double* constant : constants_of(moved)) {
        const double k = *constant;
        const double step = 1e-5;
        *constant = k + step;
        const MatrixXd above = design_of(moved, rows);
        *constant = k - step;
        const MatrixXd slope = (above - design_of(moved, rows)) / (2 * step);
        *constant = k;
        CHECK((slope - space * (space.transpose() * slope)).norm() < 1e-7 * slope.norm());
    }
    const Eigen::Map<const VectorXd> target(y.data(), 60);
    const VectorXd left = target - space * (space.transpose() * target);
    CHECK((found.col(6) - left / left.norm()).norm() < 1e-10);
}

TEST_CASE("additive sums: a fit of products ends at the constants that made them") {
    const Inputs rows = inputs(300, 2);
    const BaseColumns columns(rows.view());
    const PieceProducts truth = {{{at("exp(k*x)", 0, -0.7), at("sin(k*x)", 1, 2.3)}}};
    const MatrixXd design = design_of(truth, rows);
    std::vector<double> y(300);
    Eigen::Map<VectorXd>(y.data(), 300) = design * Eigen::Vector2d(1.5, 2.0);
    VariableProjection projection(columns, y);
    const auto found = projection.fitted({{{at("exp(k*x)", 0, -0.4), at("sin(k*x)", 1, 2.0)}}}, 50);
    REQUIRE(found);
    CHECK(found->products[0].factors[0].k == doctest::Approx(-0.7).epsilon(1e-9));
    CHECK(found->products[0].factors[1].k == doctest::Approx(2.3).epsilon(1e-9));
    CHECK(found->coefficients[0] == doctest::Approx(1.5).epsilon(1e-9));
    CHECK(found->coefficients[1] == doctest::Approx(2.0).epsilon(1e-9));
}

TEST_CASE("additive sums: a product without values has no fit") {
    Inputs rows = inputs(20, 1);
    rows.x[3] = -1.0;
    const BaseColumns columns(rows.view());
    VariableProjection projection(columns, noise(20));
    CHECK(!projection.solved({{{at("log(x)", 0, 0.0)}}}));
    CHECK(!projection.fitted({{{at("x**k", 0, 0.4)}}}, 5));
}

TEST_CASE("additive sums: the next product is the one that leaves least") {
    const Inputs rows = inputs(80, 2);
    const BaseColumns columns(rows.view());
    const std::vector<double> y = noise(80);
    PieceDictionary dictionary(columns, OpSet::all());
    dictionary.add_pairs();
    VariableProjection projection(columns, y);
    const auto sum = projection.solved(two_products);
    REQUIRE(sum);
    const MatrixXd directions = projection.directions(*sum);
    const MatrixXd beside = directions.leftCols(directions.cols() - 1);
    const PieceProducts next = dictionary.next(directions, 1000000);
    REQUIRE(next.size() > 100);
    std::vector<double> losses;
    for (const PieceProduct& product : next) {
        MatrixXd both(80, beside.cols() + 1);
        both << beside, design_of({product}, rows).rightCols(1);
        losses.push_back(left_beside(both, y));
    }
    for (std::size_t i = 0; i + 1 < losses.size(); ++i) {
        CHECK(losses[i] <= losses[i + 1] * (1 + 1e-4));
    }
}

TEST_CASE("additive sums: a dictionary keeps to its operators") {
    const Inputs rows = inputs(30, 2);
    const BaseColumns columns(rows.view());
    const std::vector<std::string_view> names = {"+", "*", "square"};
    PieceDictionary dictionary(columns, OpSet(names));
    dictionary.add_pairs();
    const std::vector<double> y = noise(30);
    VariableProjection projection(columns, y);
    const auto nothing = projection.solved({});
    REQUIRE(nothing);
    // x, x**2 of each input and their products.
    CHECK(dictionary.next(projection.directions(*nothing), 100).size() == 2 + 2 + 4);
}

TEST_CASE("additive sums: the difference of two terms does not stand for a derivative") {
    const Inputs rows = inputs(300, 1);
    const std::vector<std::string> names = {"a"};
    const std::vector<double> y = values_of(parse("2.1*a**2*exp(-0.7*a**2)", names), rows);
    const BaseColumns columns(rows.view());
    VariableProjection projection(columns, y);
    const int bell = piece_of("exp(k*x**2)");
    const PieceProducts two = {{{{0, bell, -0.701}}}, {{{0, bell, -0.699}}}};
    const auto sum = projection.fitted(two, 60);
    CHECK((!sum || sum->loss > 1e-12));  // 1e-20 as their constants meet
}

TEST_CASE("additive sums: all terms are found, the same ones each time") {
    const Inputs rows = inputs(300, 2);
    const std::vector<std::string> names = {"a", "b"};
    const std::vector<double> y =
        values_of(parse("2.1*a*exp(-0.8*b**2) - 0.15*b + 0.9*a**0.62", names), rows);
    AdditiveOptions options;
    options.operators = OpSet::all();
    options.fits = 2000;
    const auto found = additive_sums(rows.view(), y, options);
    REQUIRE(!found.empty());
    CHECK(found.back().loss < 1e-24);
    const auto again = additive_sums(rows.view(), y, options);
    REQUIRE(again.size() == found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(print(found[i].tape, names) == print(again[i].tape, names));
    }
    options.fits = 0;
    CHECK(additive_sums(rows.view(), y, options).empty());
    CHECK_THROWS(additive_sums(rows.view(), std::span(y).first(7), options));
}

TEST_CASE("additive sums: rates, growth and waves of many periods are among the terms") {
    const std::vector<std::string> names = {"a", "b"};
    for (const char* law : {
             "5.2*a**3*exp(-4.2/b) + 2.1*a - 0.25*a*b",              // Arrhenius
             "0.6*a*exp(-0.27*a) + 0.35*sin(2.8*b)*a - 0.2*a",       // Ricker
             "0.33*a/(1 + 0.8*a**2)*cos(0.4*b) - 0.3*a",             // Haldane
             "0.9*a**2*exp(-0.6*a**2) - 0.4*b*cos(a)",               // Maxwell
             "0.31*log(1 + 0.7*b)*a - 0.17*a**1.33 + 0.2*sin(15*b)"  // ten periods
         }) {
        CAPTURE(law);
        const Inputs rows = inputs(300, 2);
        AdditiveOptions options;
        options.operators = OpSet::all();
        const auto found = additive_sums(rows.view(), values_of(parse(law, names), rows), options);
        REQUIRE(!found.empty());
        CHECK(found.back().loss < 1e-22);
    }
}
