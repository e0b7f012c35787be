#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "core/random.hpp"
#include "expression/workspace.hpp"
#include "objective/value_objective.hpp"
#include "search/variation.hpp"

using namespace closedform;

namespace {

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

struct Data {
    std::vector<double> x, y, weights;

    Data(std::size_t rows, Random& random) : y(rows), weights(rows) {
        for (std::size_t i = 0; i < rows; ++i) {
            x.insert(x.end(), {random.uniform(0.5, 2.0), random.uniform(-1.0, 1.0)});
            y[i] = random.normal();
            weights[i] = random.below(5) == 0 ? 0.0 : random.uniform();
        }
    }
    MatrixView<const double> view() const { return {x.data(), y.size(), 2}; }
    ValueObjective objective() const { return {RowBlocks(view()), y, weights}; }
};

/// Other values for some of the constants, one of them perhaps one that nothing is defined at.
void move_some(Tape& tape, const std::vector<std::size_t>& positions, Random& random) {
    for (const std::size_t position : positions) {
        if (random.below(2) == 0) {
            tape[position].value = random.below(20) == 0 ? 1e308 : random.normal();
        }
    }
}

}  // namespace

TEST_CASE("the loss is the sum over the rows, however many") {
    Random random(2, 0);
    const Variation variation(OpSet::all(), {0, 1});
    int finite = 0;
    for (std::size_t rows = 1; rows < 300; rows += 1 + random.below(9)) {
        const Data data(rows, random);
        const ValueObjective objective = data.objective();
        const Tape tape = variation.grow(random, 7);
        std::vector<double> f(rows);
        evaluate(tape, data.view(), f, 1);
        double loss = 0.0;
        double weight = 0.0;
        for (std::size_t i = 0; i < rows; ++i) {
            loss += data.weights[i] * (f[i] - data.y[i]) * (f[i] - data.y[i]);
            weight += data.weights[i];
        }
        if (weight == 0.0 || !std::isfinite(loss)) {
            continue;
        }
        ++finite;
        Workspace workspace;
        CHECK(objective.loss(tape, workspace) == doctest::Approx(loss / weight).epsilon(1e-12));
        NormalEquations equations;
        objective.normal_equations(tape, constant_positions(tape), workspace, equations);
        CHECK(equations.loss == doctest::Approx(loss / weight).epsilon(1e-12));
    }
    CHECK(finite > 20);
}

TEST_CASE("the next equations of a fit are the ones that are computed anew") {
    Random random(3, 0);
    const Variation variation(OpSet::all(), {0, 1});
    int finite = 0;
    int not_finite = 0;
    Workspace workspace;
    for (int tree = 0; tree < 300; ++tree) {
        // Few enough that all blocks are kept, and more than are.
        const Data data(std::vector<std::size_t>{1, 50, 129, 600, 20000}[random.below(5)], random);
        const ValueObjective objective = data.objective();
        Tape tape = variation.grow(random, 1 + random.below(40));
        std::vector<std::size_t> positions = constant_positions(tape);
        if (positions.size() > 1 && random.below(3) == 0) {  // one of them is held
            positions.pop_back();
        }
        NormalEquations next;
        objective.normal_equations(tape, positions, workspace, next);
        for (int step = 0; step < 8; ++step) {
            move_some(tape, positions, random);
            objective.next_equations(tape, positions, workspace, next);
            Workspace other;
            NormalEquations anew;
            objective.normal_equations(tape, positions, other, anew);
            CHECK(same(next.loss, anew.loss));
            if (!std::isfinite(anew.loss)) {
                ++not_finite;
                continue;
            }
            ++finite;
            REQUIRE(next.gram.size() == positions.size() * (positions.size() + 1) / 2);
            for (std::size_t i = 0; i < anew.gram.size(); ++i) {
                CHECK(same(next.gram[i], anew.gram[i]));
            }
            for (std::size_t i = 0; i < anew.gradient.size(); ++i) {
                CHECK(same(next.gradient[i], anew.gradient[i]));
            }
        }
    }
    CHECK(finite > 1000);
    CHECK(not_finite > 100);
}
