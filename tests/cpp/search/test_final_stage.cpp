// The last stage: what is left out of a formula, and what is not.

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "core/random.hpp"
#include "expression/row_blocks.hpp"
#include "objective/gradient_objective.hpp"
#include "objective/margin_objective.hpp"
#include "objective/value_objective.hpp"
#include "search/final_stage.hpp"

using namespace closedform;

namespace {

constexpr std::size_t rows = 100;
const std::vector<std::string> names = {"x", "y"};

struct Rows {
    explicit Rows(double size) {
        Random random(3, 0);
        for (std::size_t i = 0; i < 2 * rows; ++i) {
            x.push_back(size * random.uniform(0.5, 2.0));
        }
    }

    MatrixView<const double> view() const { return {x.data(), rows, 2}; }

    std::vector<double> values(const std::string& text) const {
        std::vector<double> result(rows);
        evaluate(parse(text, names), view(), result, 1);
        return result;
    }

    std::vector<double> x;
};

/// The closest that the last stage makes of one formula.
Candidate finished(const std::string& text, const Rows& data, const Target& target,
                   const Objective& objective) {
    const auto losses = loss_sums<double>(data.view(), target, 1);
    WholeData whole;
    whole.rows = rows;
    whole.losses = losses.get();
    const Finished made = finish({parse(text, names)}, whole, objective, OpSet::all(),
                                 FormulaRules(), 100, 1, StopToken());
    REQUIRE(!made.front.empty());
    return made.front.back();
}

Candidate of_values(const std::string& text, const std::string& law, double size) {
    const Rows data(size);
    const std::vector<double> y = data.values(law);
    return finished(text, data, ValueTarget(y, {}), ValueObjective(RowBlocks(data.view()), y, {}));
}

// An addend without a constant of its own, nothing beside the one with it.
const std::string with_denominator = "sin(1.1*x) + 6.75e15*y**3/(x**2 - 1.5e16)";
const std::string without = "sin(1.1*x) - 0.45*y**3";

}  // namespace

TEST_CASE("an addend that changes nothing is left out: values") {
    const Candidate best = of_values(with_denominator, without, 1.0);
    CHECK(print(best.tape, names) == without);
    CHECK(best.loss < 1e-28);
    const Candidate small = of_values("2*y*log(x + 1e18)", "82.9*y", 1e-18);
    CHECK(print(small.tape, names) == "82.9*y");
    std::string law = "sin(0.5*y)";  // of more nodes than are reduced otherwise
    for (int i = 2; i <= 9; ++i) {
        law += " + " + std::to_string(i) + "*sin(" + std::to_string(i) + ".5*y)";
    }
    const Candidate large = of_values(law + " + x*y/(x**2 - 1e16)", law, 1.0);
    CHECK(large.tape.size() == parse(law, names).size());
}

TEST_CASE("an addend that changes nothing is left out: directions") {
    const Rows data(1.0);
    std::vector<double> u(2 * rows);
    const MatrixView<double> view(u.data(), rows, 2);
    evaluate_gradient(parse(without, names), data.view(), view, 1);
    for (std::size_t i = 0; i < u.size(); i += 2) {
        const double norm = std::hypot(u[i], u[i + 1]);
        u[i] /= norm;
        u[i + 1] /= norm;
    }
    const MatrixView<const double> directions(u.data(), rows, 2);
    const GradientObjective objective(RowBlocks(data.view()), directions, {}, false, {},
                                      Sign::common);
    const DirectionTarget target(directions, {}, {}, Sign::common);
    const Candidate best = finished(with_denominator, data, target, objective);
    CHECK(best.tape.size() <= parse(without, names).size() + 2);
    CHECK(best.loss < 1e-22);
}

TEST_CASE("an addend that changes nothing is left out: labels") {
    const Rows data(1.0);
    std::vector<double> labels = data.values("sin(1.1*x) - 0.45*y**3");
    for (std::size_t i = 0; i < rows; ++i) {  // one in seven is wrong: there is a loss to keep
        labels[i] = (labels[i] > 0.0) == (i % 7 != 0) ? 1.0 : -1.0;
    }
    const MarginObjective objective(RowBlocks(data.view()), labels, {});
    const LabelTarget target(labels, {});
    const Candidate best = finished(with_denominator, data, target, objective);
    Workspace workspace;
    CHECK(best.tape.size() <= parse(without, names).size());
    CHECK(best.loss <= objective.loss(parse(with_denominator, names), workspace));
}

TEST_CASE("a small addend that matters stays") {
    // Of 1 it is 1e-10 to 1e-8: what is left of the law once 1 is subtracted.
    const std::string energy = "2.7e+25/sqrt(9e+16 - x**2) - 9e+16";
    const Candidate kept = of_values(energy, energy, 1e4);
    CHECK(print(kept.tape, names) == energy);
    CHECK(kept.loss == 0.0);
    const Candidate factor = of_values("x*(y + 1e6)", "x*(y + 1e6)", 1.0);
    CHECK(factor.tape.size() == 5);
    CHECK(factor.loss < 1e-16);
}
