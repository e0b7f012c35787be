#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/operator_table.hpp"
#include "core/random.hpp"
#include "expression/workspace.hpp"
#include "kernels/elementary.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/objective.hpp"
#include "objective/value_objective.hpp"
#include "search/variation.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> names = {"x", "y", "z"};

/// The slow reference: one row, one node after another, libm.
double reference(const Tape& tape, std::size_t root, const double* x);

/// No node overflows or sits at an edge of its domain: there one-sided limits and 0 * inf make a
/// derivative meaningless even where the value is fine.
bool regular(const Tape& tape, const double* x) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const double value = reference(tape, i, x);
        const Domain& domain = facts(tape[i].op).domain;
        const double last = arity(tape[i].op) > 0 ? reference(tape, i - 1, x) : 0.5;
        const bool power = tape[i].op == Op::pow;
        if (!std::isfinite(value) || std::abs(value) > 1e100 || last == domain.low ||
            last == domain.high || (power && reference(tape, operands(tape, i).left, x) <= 0.0)) {
            return false;
        }
    }
    return true;
}

double reference(const Tape& tape, std::size_t root, const double* x) {
    const Node& node = tape[root];
    if (arity(node.op) == 0) {
        return node.op == Op::constant ? node.value : x[node.variable];
    }
    const double b = reference(tape, root - 1, x);
    const bool binary = arity(node.op) == 2;
    const double a = binary ? reference(tape, operands(tape, root).left, x) : b;
    return facts(node.op).library(a, b);
}

double ulps(double value, double truth) {
    if (value == truth || (std::isnan(value) && std::isnan(truth))) {
        return 0.0;
    }
    return std::abs(value - truth) / (std::nextafter(std::abs(truth), INFINITY) - std::abs(truth));
}

}  // namespace

TEST_CASE("elementary functions stay within 2 ulp of libm") {
    Random random(1, 1);
    double worst_exp = 0.0;
    double worst_log = 0.0;
    double worst_tanh = 0.0;
    double worst_sin = 0.0;
    double worst_cos = 0.0;
    for (int i = 0; i < 200000; ++i) {
        const double x = random.uniform(-745.0, 709.7);
        worst_exp =
            std::max(worst_exp, std::exp(x) > 1e-300 ? ulps(kernels::exp(x), std::exp(x)) : 0.0);
        const double positive = std::exp(random.uniform(-740.0, 709.0));
        worst_log = std::max(worst_log, ulps(kernels::log(positive), std::log(positive)));
        const double near = random.uniform(0.5, 2.0);
        worst_log = std::max(worst_log, ulps(kernels::log(near), std::log(near)));
        const double small = random.normal();
        worst_tanh = std::max(worst_tanh, ulps(kernels::tanh(small), std::tanh(small)));
        const double angle = random.uniform(-100.0, 100.0);
        worst_sin = std::max(worst_sin, ulps(kernels::sincos(angle).sin, std::sin(angle)));
        worst_cos = std::max(worst_cos, ulps(kernels::sincos(angle).cos, std::cos(angle)));
    }
    CHECK(worst_exp <= 2.0);
    CHECK(worst_log <= 2.0);
    CHECK(worst_tanh <= 4.0);
    CHECK(worst_sin <= 2.0);
    CHECK(worst_cos <= 2.0);
    CHECK(kernels::exp(1000.0) == INFINITY);
    CHECK(kernels::exp(-1000.0) == 0.0);
    CHECK(std::isnan(kernels::exp(NAN)));
    CHECK(kernels::log(0.0) == -INFINITY);
    CHECK(kernels::log(INFINITY) == INFINITY);
    CHECK(std::isnan(kernels::log(-1.0)));
    CHECK(kernels::log(5e-324) == doctest::Approx(std::log(5e-324)).epsilon(1e-15));
    CHECK(kernels::tanh(INFINITY) == 1.0);
}

TEST_CASE("blocks, threads and row counts do not change values; derivatives match differences") {
    Random random(3, 0);
    const Variation variation(OpSet::all(), {0, 1, 2});
    int checked = 0;
    for (int i = 0; i < 400; ++i) {
        const Tape tape = variation.grow(random, 1 + random.below(25));
        const std::size_t rows = std::vector<std::size_t>{1, 127, 128, 129, 300}[random.below(5)];
        std::vector<double> x(rows * 3);
        for (double& value : x) {
            value = random.uniform(0.5, 2.0);
        }
        const MatrixView<const double> view(x.data(), rows, 3);
        std::vector<double> out(rows);
        std::vector<double> slopes(rows * 3);
        evaluate(tape, view, out, 2);
        evaluate_gradient(tape, view, MatrixView<double>(slopes.data(), rows, 3), 2);
        for (std::size_t r = 0; r < rows; r += 37) {
            const double truth = reference(tape, tape.size() - 1, view.row(r));
            if (!regular(tape, view.row(r)) || std::abs(truth) > 1e6) {
                continue;
            }
            CHECK(out[r] == doctest::Approx(truth).epsilon(1e-7));
            for (std::size_t j = 0; j < 3; ++j) {
                const auto at = [&](double h) {
                    std::vector<double> moved(view.row(r), view.row(r) + 3);
                    moved[j] += h;
                    return reference(tape, tape.size() - 1, moved.data());
                };
                const double h = 1e-5;
                const double near = (at(h) - at(-h)) / (2 * h);
                const double nearer = (at(h / 2) - at(-h / 2)) / h;
                // Where two step sizes agree the difference can be trusted.
                if (std::abs(near - nearer) < 1e-6 * (1.0 + std::abs(nearer))) {
                    CHECK(slopes[r * 3 + j] == doctest::Approx(nearer).epsilon(1e-4).scale(1.0));
                    ++checked;
                }
            }
        }
    }
    CHECK(checked > 1000);
}

TEST_CASE("normal equations are the derivatives of the loss by the constants") {
    const Tape tape = parse("1.3*sin(0.7*x + 0.2)/(y + 2.5) + exp(0.3*z)", names);
    const auto positions = constant_positions(tape);
    Random random(5, 0);
    std::vector<double> x(200 * 3);
    std::vector<double> y(200);
    std::vector<double> weights(200);
    for (double& value : x) {
        value = random.uniform(0.0, 2.0);
    }
    for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = random.normal();
        weights[i] = random.uniform();
    }
    const ValueObjective objective(RowBlocks(MatrixView<const double>(x.data(), 200, 3)), y,
                                   weights);
    Workspace workspace;
    NormalEquations equations;
    objective.normal_equations(tape, positions, workspace, equations);
    CHECK(equations.loss == doctest::Approx(objective.loss(tape, workspace)).epsilon(1e-13));
    for (std::size_t p = 0; p < positions.size(); ++p) {
        const auto at = [&](double h) {
            Tape moved = tape;
            moved[positions[p]].value += h;
            return objective.loss(moved, workspace);
        };
        const double h = 1e-5;
        CHECK(2.0 * equations.gradient[p] ==
              doctest::Approx((at(h) - at(-h)) / (2 * h)).epsilon(1e-6).scale(1.0));
    }
}

TEST_CASE("constants of a nonlinear law are found to rounding") {
    const Tape truth = parse("2.5*exp(-0.7*x)*sin(1.9*y + 0.4) + 1.25", names);
    Tape start = parse("1*exp(-0.5*x)*sin(1.7*y + 0.1) + 0", names);
    Random random(11, 0);
    std::vector<double> x(300 * 3);
    for (double& value : x) {
        value = random.uniform(0.0, 3.0);
    }
    const MatrixView<const double> view(x.data(), 300, 3);
    std::vector<double> y(300);
    evaluate(truth, view, y, 1);
    const ValueObjective objective(RowBlocks(view), y, {});
    Workspace workspace;
    const auto positions = constant_positions(start);
    FitOptions options;
    options.max_iterations = 50;
    options.tolerance = 0.0;
    const FitResult fit = fit_constants(start, positions, {}, objective, workspace, options);
    CHECK(fit.loss < 1e-28);
}

TEST_CASE("constants without a slope stay, and the others are fitted beside them") {
    Random random(8, 0);
    std::vector<double> x(600);
    for (double& value : x) {
        value = random.uniform(0.0, 3.0);
    }
    const MatrixView<const double> view(x.data(), 200, 3);
    std::vector<double> y(200);
    evaluate(parse("2.5*(x > 1.2) - 0.5*y + sign(z - 1)", names), view, y, 1);
    Tape tape = parse("1*(x > 1.2) + 1*y + sign(z - 1)", names);
    const ValueObjective objective(RowBlocks(view), y, {});
    Workspace workspace;
    FitOptions options;
    options.max_iterations = 20;
    const FitResult fit =
        fit_constants(tape, constant_positions(tape), {}, objective, workspace, options);
    CHECK(fit.loss < 1e-20);
    CHECK(print(tape, names).find("x > 1.2") != std::string::npos);
}

TEST_CASE("the Hessian is the gradient's derivative, symmetric, its block apart from the others") {
    const std::vector<std::string> texts = {"x*y*z + x**3 - y/(z + 4)",
                                            "sin(x*y)*exp(z) + cos(x)**2",
                                            "pow(x + 4, y) + tanh(z*x)",
                                            "log(x + 4)*sqrt(y + 4) + inv(z + 4)",
                                            "abs(x - 9)*tan(0.2*y) + pow(2.5, z)",
                                            "y",
                                            "3.5",
                                            "x**2 - 2*y"};
    const std::size_t rows = block_rows + 5;
    Random random(8, 0);
    std::vector<double> x(rows * 3);
    for (double& v : x) {
        v = random.uniform(-1, 1);
    }
    const MatrixView<const double> view(x.data(), rows, 3);
    for (const std::string& text : texts) {
        INFO(text);
        const Tape tape = parse(text, names);
        std::vector<double> value(rows);
        std::vector<double> alone(rows);
        std::vector<double> slopes(rows * 3);
        std::vector<double> hessian(rows * 9);
        evaluate_derivatives(tape, view, value.data(), slopes.data(), hessian.data(), 1);
        evaluate(tape, view, alone, 1);
        CHECK(alone == value);
        for (std::size_t j = 0; j < 3; ++j) {
            constexpr double h = 1e-5;
            const auto moved = [&](double by) {
                std::vector<double> other = x;
                for (std::size_t r = 0; r < rows; ++r) {
                    other[r * 3 + j] += by;
                }
                std::vector<double> out(rows * 3);
                evaluate_gradient(tape, MatrixView<const double>(other.data(), rows, 3),
                                  MatrixView<double>(out.data(), rows, 3), 1);
                return out;
            };
            const std::vector<double> above = moved(h);
            const std::vector<double> below = moved(-h);
            double worst = 0;
            for (std::size_t r = 0; r < rows; ++r) {
                for (std::size_t k = 0; k < 3; ++k) {
                    const double entry = hessian[(r * 3 + j) * 3 + k];
                    const double slope = (above[r * 3 + k] - below[r * 3 + k]) / (2 * h);
                    worst = std::max(worst, std::abs(entry - slope) / (1 + std::abs(slope)));
                    CHECK(entry == hessian[(r * 3 + k) * 3 + j]);
                }
            }
            CHECK(worst < 1e-8);
        }
    }
}

TEST_CASE("text that is not an expression is refused, saying where") {
    for (const char* text :
         {"", "x +", "x y", "foo(x)", "(x", "w", "sin x", "1..2", "x**", "pow(x)", "x)", "3e"}) {
        CHECK_THROWS_AS(parse(text, names), std::invalid_argument);
    }
    CHECK_THROWS_AS(parse(std::string(3000, '('), names), std::invalid_argument);
    CHECK_THROWS_AS(parse(std::string(3000, '-') + "x", names), std::invalid_argument);
}

TEST_CASE("slopes by the constants, against differences") {
    const std::vector<double> x = {0.5, 1.5, 2.5, 0.7, 0.2, 1.1, 3.0, 0.4, 0.9};
    const MatrixView<const double> rows(x.data(), 3, 3);
    Tape tape = parse("2*sin(3*x) + y/(z + 0.5)", names);
    const auto positions = constant_positions(tape);
    REQUIRE(positions.size() == 3);
    std::vector<double> slopes(9);
    evaluate_constant_slopes(tape, rows, MatrixView<double>(slopes.data(), 3, 3), 1);
    for (std::size_t k = 0; k < positions.size(); ++k) {
        constexpr double step = 1e-6;
        std::vector<double> above(3);
        std::vector<double> below(3);
        const double value = tape[positions[k]].value;
        tape[positions[k]].value = value + step;
        evaluate(tape, rows, above, 1);
        tape[positions[k]].value = value - step;
        evaluate(tape, rows, below, 1);
        tape[positions[k]].value = value;
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(slopes[i * 3 + k] ==
                  doctest::Approx((above[i] - below[i]) / (2 * step)).epsilon(1e-8));
        }
    }
}

TEST_CASE("rows determine a formula that is well shorter than they are") {
    const Tape law = parse("4*x*sqrt(x)", {names.begin(), names.end()});
    CHECK(determined(law, 8));
    CHECK_FALSE(determined(law, 1));
    // As many constants as rows.
    const Tape fit = parse(
        "0.31*x + 1.7*sin(0.9*x + 0.4) + 2.3*exp(0.7*x) - 0.11*x**2 + 0.83*log(x + 1.9)", names);
    CHECK_FALSE(determined(fit, 9));
    CHECK(determined(fit, 100));
}
