#pragma once
// Fitting the constants of an expression: Levenberg-Marquardt on the objective's exact derivatives.

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

namespace closedform {

struct FitOptions {
    int max_iterations = 20;
    /// Stop when a step lowers the loss by less than this share, or promises no more to a loss that
    /// is a sum of squares.
    double tolerance = 1e-6;
    /// Stop after six steps when the loss is still above this and falls by less than a tenth a
    /// step.
    double give_up_above = std::numeric_limits<double>::infinity();
    /// Losses at or below this are rounding: stop.
    double floor = 0.0;
    /// No further step is begun after it.
    StopToken stop;
};

struct FitResult {
    double loss = std::numeric_limits<double>::infinity();
    int passes = 0;  ///< passes over the rows, the measure of work
};

/// A fit an evaluation at a time, so that those of many can be made at once. While it is not done,
/// the normal equations of the tape as it stands are wanted in trial(), and then take().
class ConstantsFit {
  public:
    /// As fit_constants, of at least one position; all that is referred to must live as long.
    ConstantsFit(Tape& tape, std::span<const std::size_t> positions,
                 std::span<const std::size_t> linear, const ConstantsLoss& objective,
                 const FitOptions& options);
    ~ConstantsFit();
    ConstantsFit(const ConstantsFit&) = delete;
    ConstantsFit& operator=(const ConstantsFit&) = delete;

    bool done() const { return stage_ == Stage::done; }
    NormalEquations& trial() { return trial_; }
    void take();
    const FitResult& result() const { return result_; }

  private:
    struct Space;
    enum class Stage { start, linear, cleaning, iterating, done };

    /// After a step: the relative drop of the loss, or nothing where the constants are as before.
    void proceed(const std::optional<double>& drop);
    void iterate_all();
    void iterate();
    /// How the next step is damped; false where there is none.
    bool damp(const std::optional<double>& drop);
    /// Moves the constants in use; false, and they are as before, where there is no step.
    bool propose(double lambda);
    /// Whether what was proposed can be expected to lower the loss by the tolerance: a pass over
    /// the rows would tell no more.
    bool worth_it() const;
    std::optional<double> accepted();
    void undo();

    Tape& tape_;
    std::span<const std::size_t> positions_;
    const ConstantsLoss& objective_;
    const FitOptions& options_;
    int passes_;  ///< of one evaluation
    std::vector<double> before_;
    std::vector<std::size_t> use_;  ///< of the positions
    NormalEquations equations_;
    NormalEquations trial_;
    std::unique_ptr<Space> space_;
    Stage stage_ = Stage::start;
    double lambda_ = 1e-3;
    int iteration_ = 0;
    FitResult result_;
};

/// Improves the constants of `tape` at `positions` in place. Those listed in `linear` (a subset)
/// enter linearly and are solved for first. The loss never ends above where it began; infinity
/// when the expression is not finite at the start.
FitResult fit_constants(Tape& tape, std::span<const std::size_t> positions,
                        std::span<const std::size_t> linear, const ConstantsLoss& objective,
                        Workspace& workspace, const FitOptions& options);

}  // namespace closedform
