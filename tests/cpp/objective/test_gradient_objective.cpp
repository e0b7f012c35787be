#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "core/random.hpp"
#include "expression/expand_products.hpp"
#include "expression/workspace.hpp"
#include "objective/direction_invariants.hpp"
#include "objective/gradient_objective.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/margin_objective.hpp"
#include "objective/objective.hpp"
#include "objective/value_objective.hpp"
#include "search/linear_form.hpp"
#include "search/variation.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> names = {"x", "y", "z"};

std::vector<double> box(std::size_t rows, double low, double high, std::uint64_t seed) {
    Random random(seed, 0);
    std::vector<double> x(rows * 3);
    for (double& value : x) {
        value = random.uniform(low, high);
    }
    return x;
}

/// The slow reference; not a number where squares overflow.
std::vector<double> unit_gradients(const Tape& tape, const std::vector<double>& x) {
    const std::size_t rows = x.size() / 3;
    const MatrixView<const double> view(x.data(), rows, 3);
    std::vector<double> f(rows);
    std::vector<double> g(x.size());
    evaluate(tape, view, f, 1);
    evaluate_gradient(tape, view, MatrixView<double>(g.data(), rows, 3), 1);
    for (std::size_t i = 0; i < rows; ++i) {
        const double norm = std::sqrt(g[3 * i] * g[3 * i] + g[3 * i + 1] * g[3 * i + 1] +
                                      g[3 * i + 2] * g[3 * i + 2]);
        const bool huge = !(norm < 1e100) || !(std::abs(f[i]) < 1e100);
        for (std::size_t j = 0; j < 3; ++j) {
            const double unit = norm > 1e-11 * std::abs(f[i]) ? g[3 * i + j] / norm : 0.0;
            g[3 * i + j] = huge ? NAN : unit;
        }
    }
    return g;
}

GradientObjective objective(const std::vector<double>& x, const std::vector<double>& u,
                            Sign sign = Sign::common, const std::vector<double>& weights = {}) {
    const std::size_t rows = x.size() / 3;
    return {RowBlocks(MatrixView<const double>(x.data(), rows, 3)),
            MatrixView<const double>(u.data(), rows, 3),
            {},
            false,
            weights,
            sign};
}

}  // namespace

TEST_CASE("the gradient loss is the mean squared difference of unit gradients, one sign for all") {
    const auto x = box(300, 0.5, 2.0, 1);
    Random random(2, 0);
    const Variation variation(OpSet::all(), {0, 1, 2});
    Workspace workspace;
    const auto u = unit_gradients(parse("x*y + sin(z)", names), x);
    std::vector<double> weights(300);
    for (double& weight : weights) {
        weight = random.uniform();
    }
    const auto free = objective(x, u, Sign::common, weights);
    const auto oriented = objective(x, u, Sign::kept, weights);
    int checked = 0;
    for (int i = 0; i < 300; ++i) {
        const Tape tape = variation.grow(random, 1 + random.below(15));
        const auto v = unit_gradients(tape, x);
        double minus = 0.0;
        double plus = 0.0;
        double total = 0.0;
        for (std::size_t k = 0; k < v.size(); ++k) {
            minus += weights[k / 3] * (u[k] - v[k]) * (u[k] - v[k]);
            plus += weights[k / 3] * (u[k] + v[k]) * (u[k] + v[k]);
            total += weights[k / 3] / 3.0;
        }
        if (std::isnan(minus)) {
            continue;
        }
        ++checked;
        INFO(print(tape, names));
        const double found = free.loss(tape, workspace);
        CHECK(found == doctest::Approx(std::min(minus, plus) / total).epsilon(1e-7).scale(1e-9));
        CHECK(oriented.loss(tape, workspace) ==
              doctest::Approx(minus / total).epsilon(1e-7).scale(1e-9));
        CHECK(found >= 0.0);
    }
    CHECK(checked > 150);
}

TEST_CASE("a gradient lost in rounding counts as zero, and zero against zero costs nothing") {
    const auto x = box(200, 0.5, 2.0, 3);
    Workspace workspace;
    const auto u = unit_gradients(parse("x*x + 2*y*y", names), x);
    const auto rows = objective(x, u);
    // Its gradient underflows: without a floor it would be scored by rounding.
    CHECK(rows.loss(parse("1 + exp(-exp(5 + x*x + y*y))", names), workspace) ==
          doctest::Approx(1.0));
    CHECK(rows.loss(parse("1e-13*x + exp(y)", names), workspace) > 0.05);
    CHECK(std::isinf(rows.loss(parse("log(0.6 - x)", names), workspace)));
    const auto flat = objective(x, std::vector<double>(x.size(), 0.0));
    CHECK(flat.loss(parse("0*x + 3", names), workspace) == 0.0);
    CHECK(flat.loss(parse("x", names), workspace) == doctest::Approx(1.0));
    // (g - 1)^2 is no invertible function of g: it turns around where g = 1.
    CHECK(rows.loss(parse("(x*x + 2*y*y - 5)**2", names), workspace) > 0.1);
}

TEST_CASE("derivatives of the gradient loss by the constants match differences") {
    const auto x = box(200, 0.5, 2.0, 4);
    const auto u = unit_gradients(parse("x*y + sin(z) + exp(0.3*x*z)", names), x);
    Workspace workspace;
    const char* const forms[] = {
        "1.3*sin(0.7*x + 0.2)/(y + 2.5) + exp(0.3*z)*x", "log(x + 0.5*y)*sqrt(z + 0.3)",
        "tanh(0.4*x*y) + cos(1.1*z) + 0.5*y", "pow(x, 1.7*y)*tan(0.2*z) - 0.3*abs(y - 0.9)",
        "1/(x + 0.4*z) + (y + 0.2*x)**3 - 0.7*(z - 0.1*x)**2"};
    for (const char* text : forms) {
        const Tape tape = parse(text, names);
        for (const Sign sign : {Sign::kept, Sign::common, Sign::of_row}) {
            const auto rows = objective(x, u, sign);
            const auto positions = constant_positions(tape);
            NormalEquations equations;
            rows.normal_equations(tape, positions, workspace, equations);
            CHECK(equations.loss == rows.loss(tape, workspace));
            for (std::size_t p = 0; p < positions.size(); ++p) {
                const auto at = [&](double h) {
                    Tape moved = tape;
                    moved[positions[p]].value += h;
                    return rows.loss(moved, workspace);
                };
                const double h = 1e-5;
                CHECK(2.0 * equations.gradient[p] ==
                      doctest::Approx((at(h) - at(-h)) / (2 * h)).epsilon(1e-6).scale(1e-2));
            }
        }
    }
}

TEST_CASE("factors of a sum come from its pencil, constants inside from Levenberg-Marquardt") {
    const auto x = box(256, -2.0, 0.0, 5);
    const auto u = unit_gradients(parse("x*x + 3*x*y + 2*y*y", names), x);
    const auto rows = objective(x, u);
    Workspace workspace;
    const OpSet all = OpSet::all();
    Tape fitted;
    const auto fit = [&](const char* text, const GradientObjective& to) {
        const Tape tape = parse(text, names);
        const Scaled form = to.representative(canonical(tape));
        return fit_open_form(open_form(tape, form, all, to), all, to, workspace, FitOptions{},
                             fitted)
            .loss;
    };
    CHECK(fit("x*x + x*y + y*y", rows) < 1e-24);
    CHECK(print(fitted, names).find("3") != std::string::npos);
    const auto bell = unit_gradients(parse("x*exp(-0.5*(y*y + z*z))", names), x);
    // A product with an exponential is solved as its logarithm, without a step.
    CHECK(fit("x*exp(y*y + z*z)", objective(x, bell)) < 1e-24);
    Tape guess = parse("x/exp(0.1*y*y + 1.5*z*z)", names);
    FitOptions options;
    options.max_iterations = 50;
    options.tolerance = 0.0;
    CHECK(
        fit_constants(guess, constant_positions(guess), {}, objective(x, bell), workspace, options)
            .loss < 1e-24);
}

TEST_CASE("where the sign means something, a fitted sum has it") {
    const auto x = box(256, 0.2, 1.5, 9);
    const OpSet all = OpSet::all();
    Workspace workspace;
    for (const char* text : {"-(x*y)", "x*y", "-(x*y) - sin(z)", "x*y + 2*sin(z)", "z - exp(x - y)",
                             "x*exp(-(y*y))", "-(x*exp(-(y*y)))", "exp(y*z)/x"}) {
        const auto u = unit_gradients(parse(text, names), x);
        const auto rows = objective(x, u, Sign::kept);
        // The structure is tried once, from whatever sign it has.
        for (const double sign : {1.0, -1.0}) {
            Scaled form = canonical(parse(text, names));
            form.scale *= sign;
            form = rows.representative(form);
            Tape fitted;
            INFO(text);
            CHECK(fit_open_form(open_form({}, form, all, rows), all, rows, workspace, FitOptions{},
                                fitted)
                      .loss < 1e-24);
            CHECK(rows.loss(fitted, workspace) < 1e-24);
        }
    }
}

TEST_CASE("noise: rows of large gradients do not decide alone") {
    // Truth (1, 5, 2) with 5 % noise: the plain pencil gives 5.46 and 2.34.
    const auto x = box(1000, -1.0, 1.0, 6);
    auto u = unit_gradients(parse("exp(4*x) + 5*y + 2*x", names), x);
    Random random(7, 0);
    for (std::size_t i = 0; i < u.size(); i += 3) {
        double norm = 0.0;
        for (std::size_t j = 0; j < 2; ++j) {
            u[i + j] += 0.05 * random.normal();
            norm += u[i + j] * u[i + j];
        }
        u[i] /= std::sqrt(norm);
        u[i + 1] /= std::sqrt(norm);
    }
    const auto rows = objective(x, u);
    Workspace workspace;
    Tape tape = parse("1*exp(4*x) + 1*y + 1*x", names);
    const std::vector<std::size_t> factors = {0, 6, 10};
    for (const std::size_t factor : factors) {
        REQUIRE(tape[factor].value == 1.0);
    }
    rows.solve_sum(tape, factors, false, workspace);
    const double unit = tape[factors[0]].value;
    CHECK(tape[factors[1]].value / unit == doctest::Approx(5.0).epsilon(0.05));
    CHECK(tape[factors[2]].value / unit == doctest::Approx(2.0).epsilon(0.05));
}

TEST_CASE("what the direction leaves free is stripped, what it does not is kept") {
    const OpSet all = OpSet::all();
    const auto stripped = [&](const char* text, bool sign = false) {
        return print(emit(free_form(canonical(parse(text, names)), sign), all), names);
    };
    CHECK(stripped("3*exp(2*x*y - 1) + 4") == "x*y");
    CHECK(stripped("tanh(sqrt(x + y))") == "x + y");
    CHECK(stripped("1/(x*y)") == "x*y");
    CHECK(stripped("-(x/y)**3") == "x/y");
    CHECK(stripped("log(5*x) - 2") == "x");
    CHECK(stripped("(x - y)**2") == print(simplify(parse("(x - y)**2", names), all), names));
    CHECK(stripped("sin(x*y)") == "sin(x*y)");
    // 1/z decreases.
    CHECK(stripped("1/(x*y)", true) == print(simplify(parse("-(x*y)", names), all), names));
    CHECK(stripped("-(x*y)/sin(z)", true) == "sin(z)/(x*y)");
    // The factor that most terms have is 1.
    CHECK(stripped("x + 2*sin(y) - 2*z") == "0.5*x - z + sin(y)");
    CHECK(stripped("(x + 3*y + 3*z)*sin(y)") == stripped("(x/3 + y + z)*sin(y)"));
}

TEST_CASE("an outer even power comes off, factors can be chosen, products be multiplied out") {
    const OpSet all = OpSet::all();
    const auto text = [&](const Scaled& form) {
        return print(simplify(emit(form, all), all), names);
    };
    const auto form = [&](const char* written) { return canonical(parse(written, names)); };
    CHECK(text(without_even(form("(x - y)**2"))) == "x - y");
    CHECK(text(without_even(form("abs(x*y)"))) == "x*y");
    CHECK(text(without_even(form("x**4/sin(y)**4"))) == text(form("x/sin(y)")));
    CHECK(text(without_even(form("x**2*y"))) == text(form("x**2*y")));
    // Every normalisation has the same direction, and one has each factor 1.
    const auto sums = normalisations(form("x + 4*y - 0.5*z"));
    REQUIRE(sums.size() == 3);
    CHECK(text(sums[1]) == "0.25*x + y - 0.125*z");
    CHECK(text(sums[2]) == "2*x + 8*y - z");
    CHECK(normalisations(form("(x + 2*y)*(y + 3*z)")).size() == 3);
    CHECK(normalisations(form("sin(x + 2*y)")).size() == 1);
    // Multiplied out and merged.
    const auto expanded = [&](const char* written) {
        return text(expansions(form(written)).back());
    };
    CHECK(expanded("x + x*(x - 1) + sin(y + z)") == text(form("x**2 + sin(y + z)")));
    CHECK(expanded("sin((x + y)**2 - 2*x*y)") == text(form("sin(x**2 + y**2)")));
    CHECK(expanded("x*(y - 2) - y*(x - 3)") == text(form("3*y - 2*x")));
    CHECK(expanded("(x + y)*(x - y)/z + y**2/z") == text(form("x**2/z")));
    CHECK(expansions(form("x*y + sin(z)/(x + y)")).empty());
    CHECK(expansions(form("(x + y + z)**4")).empty());
}

TEST_CASE("the hinge loss and its derivatives by the constants") {
    const auto x = box(300, -1.0, 1.0, 8);
    std::vector<double> labels(300);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = x[3 * i] * x[3 * i] + 2.0 * x[3 * i + 1] * x[3 * i + 1] > 1.0 ? 1.0 : -1.0;
    }
    std::vector<double> weights(300);
    double total = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = static_cast<double>(i % 3);
        total += weights[i];
    }
    const MarginObjective rows(RowBlocks(MatrixView<const double>(x.data(), 300, 3)), labels,
                               weights);
    Workspace workspace;
    Tape tape = parse("1.1*x*x + 0.8*y*y - 0.7*sin(0.3*z)", names);
    const auto positions = constant_positions(tape);
    std::vector<double> f(300);
    evaluate(tape, MatrixView<const double>(x.data(), 300, 3), f, 1);
    double slow = 0.0;
    for (std::size_t i = 0; i < f.size(); ++i) {
        slow += weights[i] * std::max(0.0, 1.0 - labels[i] * f[i]) / total;
    }
    NormalEquations equations;
    rows.normal_equations(tape, positions, workspace, equations);
    CHECK(rows.loss(tape, workspace) == doctest::Approx(slow));
    CHECK(equations.loss == doctest::Approx(slow));
    for (std::size_t p = 0; p < positions.size(); ++p) {
        const auto at = [&](double h) {
            Tape moved = tape;
            moved[positions[p]].value += h;
            return rows.loss(moved, workspace);
        };
        const double h = 1e-7;
        CHECK(2.0 * equations.gradient[p] ==
              doctest::Approx((at(h) - at(-h)) / (2 * h)).epsilon(1e-3).scale(0.1));
    }
    FitOptions options;
    options.max_iterations = 200;
    options.tolerance = 1e-6;
    Tape start = parse("1*x*x + 1*y*y + 1", names);
    CHECK(fit_constants(start, constant_positions(start), {}, rows, workspace, options).loss < 0.1);
    const Tape undefined = parse("1.1*log(x - 0.5)", names);
    CHECK(std::isinf(rows.loss(undefined, workspace)));
    rows.normal_equations(undefined, constant_positions(undefined), workspace, equations);
    CHECK(std::isinf(equations.loss));
}

TEST_CASE("a term's share is the square of its correlation with what is left") {
    const auto x = box(300, -1.0, 1.0, 11);
    const MatrixView<const double> view(x.data(), 300, 3);
    const Tape parent = parse("x + y", names);
    const std::vector<Tape> terms = {parse("x*z", names), parse("2.5 + 0*z", names)};
    std::vector<double> f(300);
    std::vector<double> term(300);
    evaluate(parent, view, f, 1);
    evaluate(terms[0], view, term, 1);
    std::vector<double> weights(300);
    std::vector<double> labels(300);
    std::vector<double> y(300);
    for (std::size_t i = 0; i < 300; ++i) {
        weights[i] = static_cast<double>(1 + i % 3);
        labels[i] = f[i] + 0.5 * term[i] > 0.2 ? 1.0 : -1.0;
        y[i] = f[i] + 0.5 * term[i] * term[i] * term[i];
    }
    /// Weighted mean of a * b, the means taken off where they are to be.
    const auto mean = [&](const std::vector<double>& a, const std::vector<double>& b,
                          bool centred) {
        double w = 0.0;
        double sum_a = 0.0;
        double sum_b = 0.0;
        double sum = 0.0;
        for (std::size_t i = 0; i < 300; ++i) {
            w += weights[i];
            sum_a += weights[i] * a[i];
            sum_b += weights[i] * b[i];
            sum += weights[i] * a[i] * b[i];
        }
        return sum / w - (centred ? sum_a / w * sum_b / w : 0.0);
    };
    std::vector<double> left(300);
    std::vector<double> pull(300);
    for (std::size_t i = 0; i < 300; ++i) {
        left[i] = y[i] - f[i];
        pull[i] = labels[i] * f[i] < 1.0 ? labels[i] : 0.0;
    }
    Workspace workspace;
    const ValueObjective values(RowBlocks(view), y, weights);
    const MarginObjective margins(RowBlocks(view), labels, weights);
    const auto of_values = values.shares(parent, terms, Joint::sum, workspace);
    const auto of_margins = margins.shares(parent, terms, Joint::sum, workspace);
    const double spread = mean(term, term, true);
    CHECK(of_values[0] ==
          doctest::Approx(std::pow(mean(term, left, true), 2) / spread / mean(left, left, false)));
    CHECK(of_margins[0] ==
          doctest::Approx(std::pow(mean(term, pull, true), 2) / spread / mean(pull, pull, true)));
    CHECK(of_values[1] == 0.0);
    CHECK(of_margins[1] == 0.0);
}

TEST_CASE("with a sign of every row's own, what turns around with the concept is the concept") {
    const auto x = box(300, -1.0, 1.0, 5);
    const Tape concept_tape = parse("x*x + 2*y*y + sin(z)", names);
    const auto u = unit_gradients(parse("(x*x + 2*y*y + sin(z) - 0.7)**2", names), x);
    Workspace workspace;
    CHECK(objective(x, u).loss(concept_tape, workspace) > 0.1);
    const auto axes = objective(x, u, Sign::of_row);
    CHECK(axes.loss(concept_tape, workspace) < axes.exact_loss());
    CHECK(axes.loss(parse("x*x + y*y + sin(z)", names), workspace) > 1e-2);
    for (const char* text :
         {"sin(3*(x*x + 2*y*y + sin(z)))", "abs(x*x + 2*y*y + sin(z) - 0.7)",
          "1/(x*x + 2*y*y + sin(z))**2", "-exp((x*x + 2*y*y + sin(z) - 1)**2)"}) {
        const Scaled bare = axes.representative(canonical(parse(text, names)));
        CHECK(same(bare.form, axes.representative(canonical(concept_tape)).form));
        CHECK(bare.scale == 1.0);
    }
}

TEST_CASE("in a frame gradients are compared along a surface, in a span with what is nearest") {
    const std::size_t rows = 300;
    const auto x = box(rows, 0.5, 2.0, 6);
    // Tangents of the surface z = x*y: what lies across it says nothing.
    std::vector<double> frames;
    std::vector<double> along;
    const auto u = unit_gradients(parse("x + 2*y*y", names), x);
    for (std::size_t i = 0; i < rows; ++i) {
        frames.insert(frames.end(), {1.0, 0.0, x[3 * i + 1], 0.0, 1.0, x[3 * i]});
        along.insert(along.end(), {u[3 * i], u[3 * i + 1]});
    }
    std::vector<double> on_surface = x;
    for (std::size_t i = 0; i < rows; ++i) {
        on_surface[3 * i + 2] = x[3 * i] * x[3 * i + 1];
    }
    Workspace workspace;
    const GradientObjective surface(RowBlocks(MatrixView<const double>(on_surface.data(), rows, 3)),
                                    MatrixView<const double>(along.data(), rows, 2),
                                    MatrixView<const double>(frames.data(), rows, 6), true, {},
                                    Sign::common);
    CHECK(surface.loss(parse("x + 2*y*y", names), workspace) < 1e-28);
    CHECK(surface.loss(parse("x + 2*z*z/x**2", names), workspace) < 1e-28);
    CHECK(surface.loss(parse("x + 2*y*z", names), workspace) > 1e-2);
    Tape guess = parse("x + 3*y*y - x*y + 1.5*z", names);
    fit_constants(guess, constant_positions(guess), {}, surface, workspace, {});
    CHECK(surface.loss(guess, workspace) < 1e-5);

    std::vector<double> span;
    for (std::size_t i = 0; i < rows; ++i) {
        span.insert(span.end(), {0.6, 0.8, 0.0, 0.0, 0.0, 1.0});
    }
    const GradientObjective spanned(RowBlocks(MatrixView<const double>(x.data(), rows, 3)),
                                    MatrixView<const double>(span.data(), rows, 6), {}, false, {},
                                    Sign::of_row);
    CHECK(spanned.loss(parse("(3*x + 4*y)*z", names), workspace) < 1e-28);
    // 2 - 2 cos of the angle between (1, 0, 0) and the span is 2 - 2 * 0.6.
    CHECK(spanned.loss(parse("x", names), workspace) == doctest::Approx(0.8));
    const OpSet all = OpSet::all();
    const Scaled sum = spanned.representative(canonical(parse("x + y + z*z", names)));
    Tape fitted;
    CHECK(fit_open_form(open_form({}, sum, all, spanned), all, spanned, workspace, FitOptions{},
                        fitted)
              .loss < spanned.exact_loss());
}
