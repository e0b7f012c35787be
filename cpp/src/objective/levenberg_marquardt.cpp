#include "objective/levenberg_marquardt.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "expression/workspace.hpp"

namespace closedform {
namespace {

/// Room for the steps of one fit: systems are small, and making room would take as long as solving.
struct Space {
    Eigen::MatrixXd matrix;
    Eigen::VectorXd right;
    Eigen::VectorXd scale;
    Eigen::VectorXd step;
    Eigen::LDLT<Eigen::MatrixXd, Eigen::Lower> factored;
};

/// Solves (gram + lambda diag) step = -gradient for the unknowns in `use`, after scaling columns to
/// unit diagonal (Marquardt), so that units of the data do not matter. False if there is no step.
bool damped_step(const NormalEquations& equations, std::span<const std::size_t> use, double lambda,
                 Space& space) {
    const auto n = static_cast<Eigen::Index>(use.size());
    auto& [matrix, right, scale, step, factored] = space;
    matrix.resize(n, n);
    right.resize(n);
    scale.resize(n);
    const auto entry = [&](std::size_t i, std::size_t j) {
        const std::size_t row = std::max(i, j);
        return equations.gram[row * (row + 1) / 2 + std::min(i, j)];
    };
    for (Eigen::Index i = 0; i < n; ++i) {
        const std::size_t a = use[static_cast<std::size_t>(i)];
        const double diagonal = entry(a, a);
        if (!std::isfinite(diagonal)) {
            return false;
        }
        scale(i) = diagonal > 0.0 ? 1.0 / std::sqrt(diagonal) : 0.0;
    }
    for (Eigen::Index i = 0; i < n; ++i) {
        const std::size_t a = use[static_cast<std::size_t>(i)];
        for (Eigen::Index j = 0; j <= i; ++j) {
            matrix(i, j) = entry(a, use[static_cast<std::size_t>(j)]) * scale(i) * scale(j);
        }
        matrix(i, i) = 1.0 + lambda;
        right(i) = -equations.gradient[a] * scale(i);
    }
    // A little damping always: dependent columns give a singular matrix, not an error.
    matrix.diagonal().array() += 1e-14;
    factored.compute(matrix);  // reads the lower triangle alone
    step = factored.solve(right);
    step.array() *= scale.array();
    return step.allFinite();
}

/// The constants where they stand, and steps from there that are kept where they lower the loss.
class Descent {
  public:
    Descent(Tape& tape, std::span<const std::size_t> positions, const ConstantsLoss& objective,
            Workspace& workspace)
        : tape_(tape),
          positions_(positions),
          objective_(objective),
          workspace_(workspace),
          before_(positions.size()),
          passes_(objective.passes(positions.size())) {
        objective_.normal_equations(tape_, positions_, workspace_, equations_);
        result_.passes = passes_;
        if (std::isfinite(equations_.loss)) {
            result_.loss = equations_.loss;
        }
    }

    const FitResult& result() const { return result_; }

    /// The relative drop of the loss; nothing where the constants in `use` stay as they are.
    std::optional<double> step(std::span<const std::size_t> use, double lambda) {
        if (!take(use, lambda)) {
            undo();
            return std::nullopt;
        }
        objective_.normal_equations(tape_, positions_, workspace_, trial_);
        result_.passes += passes_;
        if (!(trial_.loss < result_.loss)) {
            undo();
            return std::nullopt;
        }
        std::swap(trial_, equations_);
        const double drop = (result_.loss - equations_.loss) / result_.loss;
        result_.loss = equations_.loss;
        return drop;
    }

  private:
    bool take(std::span<const std::size_t> use, double lambda) {
        for (std::size_t p = 0; p < positions_.size(); ++p) {
            before_[p] = tape_[positions_[p]].value;
        }
        if (!damped_step(equations_, use, lambda, space_)) {
            return false;
        }
        bool bounded = true;
        for (std::size_t i = 0; i < use.size(); ++i) {
            double& value = tape_[positions_[use[i]]].value;
            value += space_.step(static_cast<Eigen::Index>(i));
            bounded = bounded && std::abs(value) <= objective_.largest_constant();
        }
        return bounded;
    }
    void undo() {
        for (std::size_t p = 0; p < positions_.size(); ++p) {
            tape_[positions_[p]].value = before_[p];
        }
    }

    Tape& tape_;
    std::span<const std::size_t> positions_;
    const ConstantsLoss& objective_;
    Workspace& workspace_;
    NormalEquations equations_;
    NormalEquations trial_;
    Space space_;
    std::vector<double> before_;
    int passes_;  ///< of one evaluation
    FitResult result_;
};

/// What stands for a constant of many groups: their middle one. Where that is a neutral number that
/// others are not, one of those, for it is no part of the form.
double representative(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    const double value = *middle;
    constexpr double rounding = 1e-9;
    if (std::abs(value) > rounding && std::abs(std::abs(value) - 1.0) > rounding) {
        return value;
    }
    return *std::max_element(values.begin(), values.end(), [&](double a, double b) {
        return std::abs(a - value) < std::abs(b - value);
    });
}

/// Every group by itself, from the same start. A constant takes away some of the loss in each of
/// them whether or not it is needed: what is left is charged for that, as if predicted (Akaike
/// 1970), or forms with more constants would always win.
FitResult fit_groups(Tape& tape, std::span<const std::size_t> positions,
                     std::span<const std::size_t> linear, std::span<const RowGroup> groups,
                     Workspace& workspace, const FitOptions& options) {
    FitOptions own = options;
    own.give_up_above = std::numeric_limits<double>::infinity();  // that is of all together
    FitResult total;
    total.loss = 0.0;
    double rows = 0.0;
    std::vector<std::vector<double>> values(positions.size());
    for (const RowGroup& group : groups) {
        Tape trial = tape;
        const FitResult fit = fit_constants(trial, positions, linear, *group.rows, workspace, own);
        total.loss += group.share * fit.loss;
        rows += static_cast<double>(group.rows->rows().rows());
        total.passes = std::max(total.passes, fit.passes);
        if (!std::isfinite(total.loss)) {
            return {std::numeric_limits<double>::infinity(), total.passes};
        }
        for (std::size_t p = 0; p < positions.size(); ++p) {
            values[p].push_back(trial[positions[p]].value);
        }
    }
    for (std::size_t p = 0; p < positions.size(); ++p) {
        tape[positions[p]].value = representative(values[p]);
    }
    const auto constants = static_cast<double>(positions.size() * groups.size());
    total.loss *= std::exp(2.0 * constants / rows);
    return total;
}

}  // namespace

FitResult fit_constants(Tape& tape, std::span<const std::size_t> positions,
                        std::span<const std::size_t> linear, const ConstantsLoss& objective,
                        Workspace& workspace, const FitOptions& options) {
    if (const auto groups = objective.groups(); !groups.empty()) {
        return fit_groups(tape, positions, linear, groups, workspace, options);
    }
    if (positions.empty()) {
        FitResult result;
        result.loss = objective.loss(tape, workspace);
        result.passes = 1;
        return result;
    }
    Descent descent(tape, positions, objective, workspace);
    const FitResult& result = descent.result();
    if (!std::isfinite(result.loss)) {
        return result;
    }
    std::vector<std::size_t> use;
    for (std::size_t p = 0; p < positions.size(); ++p) {
        if (std::find(linear.begin(), linear.end(), positions[p]) != linear.end()) {
            use.push_back(p);
        }
    }
    if (!use.empty()) {
        descent.step(use, 0.0);
    }
    if (use.size() == positions.size() && objective.quadratic()) {
        // All linear: one more exact step cleans up rounding of an ill-conditioned first one.
        if (result.loss > options.floor) {
            descent.step(use, 0.0);
        }
        return result;
    }
    use.resize(positions.size());
    for (std::size_t p = 0; p < use.size(); ++p) {
        use[p] = p;
    }
    double lambda = 1e-3;
    for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
        if (result.loss <= options.floor || options.stop.stopped()) {
            break;
        }
        const std::optional<double> drop = descent.step(use, lambda);
        if (!drop) {
            lambda *= 10.0;
            if (lambda > 1e6) {
                break;
            }
            continue;
        }
        lambda = std::max(lambda * 0.1, 1e-12);
        if (*drop < options.tolerance ||
            (iteration >= 6 && result.loss > options.give_up_above && *drop < 0.1)) {
            break;
        }
    }
    return result;
}

}  // namespace closedform
