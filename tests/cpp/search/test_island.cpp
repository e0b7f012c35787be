// An island: what it may use, whatever the losses do.

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "expression/row_blocks.hpp"
#include "objective/value_objective.hpp"
#include "search/island.hpp"

using namespace closedform;

namespace {

/// Whatever is asked last is the best: every reduction of a member improves on it, as fits do that
/// creep along a valley.
class Sinking final : public ValueObjective {
  public:
    using ValueObjective::ValueObjective;

    LossSums sums(const Tape& tape, Workspace& workspace) const override {
        LossSums found = ValueObjective::sums(tape, workspace);
        found.as_is *= sunk();
        return found;
    }

    void normal_equations(const Tape& tape, std::span<const std::size_t> positions,
                          Workspace& workspace, NormalEquations& out) const override {
        ValueObjective::normal_equations(tape, positions, workspace, out);
        out.loss *= sunk();
    }

    double exact_loss() const override { return 0.0; }

  private:
    double sunk() const { return level_ *= 0.999; }

    mutable double level_ = 1.0;
};

}  // namespace

TEST_CASE("island: losses that fall without end do not keep it reducing") {
    constexpr std::size_t rows = 30;
    std::vector<double> x;
    std::vector<double> y;
    Random random(5, 0);
    for (std::size_t i = 0; i < rows; ++i) {
        x.push_back(random.uniform() + 1.0);
        x.push_back(random.uniform() + 1.0);
        y.push_back(std::exp(x[2 * i]) * std::sin(3.0 * x[2 * i + 1]) + 0.1 * random.normal());
    }
    const Sinking objective(RowBlocks(MatrixView<const double>{x.data(), rows, 2}), y, {});
    const FormulaRules rules;
    SearchProblem problem;
    for (const Op op : {Op::add, Op::sub, Op::mul, Op::div, Op::exp, Op::sin}) {
        problem.operators.insert(op);
    }
    problem.inputs = {0, 1};
    problem.column_values = {1.0, 1.5, 2.0};
    problem.sample = &objective;
    problem.full = &objective;
    problem.rules = &rules;
    Island island(problem, 1, 0);
    island.run(2000, 30, StopToken());
    CHECK(island.evaluations() < 50000);
}
