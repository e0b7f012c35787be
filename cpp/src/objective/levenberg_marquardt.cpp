#include "objective/levenberg_marquardt.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
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

}  // namespace

FitResult fit_constants(Tape& tape, std::span<const std::size_t> positions,
                        std::span<const std::size_t> linear, const ConstantsLoss& objective,
                        Workspace& workspace, const FitOptions& options) {
    FitResult result;
    if (positions.empty()) {
        result.loss = objective.loss(tape, workspace);
        result.passes = 1;
        return result;
    }
    NormalEquations equations;
    Space space;
    std::vector<std::size_t> use;
    std::vector<double> before(positions.size());
    const auto take = [&](double lambda) {
        for (std::size_t p = 0; p < positions.size(); ++p) {
            before[p] = tape[positions[p]].value;
        }
        if (!damped_step(equations, use, lambda, space)) {
            return false;
        }
        bool bounded = true;
        for (std::size_t i = 0; i < use.size(); ++i) {
            double& value = tape[positions[use[i]]].value;
            value += space.step(static_cast<Eigen::Index>(i));
            bounded = bounded && std::abs(value) <= objective.largest_constant();
        }
        return bounded;
    };
    const auto undo = [&] {
        for (std::size_t p = 0; p < positions.size(); ++p) {
            tape[positions[p]].value = before[p];
        }
    };

    objective.normal_equations(tape, positions, workspace, equations);
    const int passes = objective.passes(positions.size());
    result.passes = passes;
    if (!std::isfinite(equations.loss)) {
        return result;
    }
    result.loss = equations.loss;
    for (std::size_t p = 0; p < positions.size(); ++p) {
        if (std::find(linear.begin(), linear.end(), positions[p]) != linear.end()) {
            use.push_back(p);
        }
    }
    NormalEquations trial;
    const auto try_step = [&](double lambda) {
        if (!take(lambda)) {
            undo();
            return false;
        }
        objective.normal_equations(tape, positions, workspace, trial);
        result.passes += passes;
        if (!(trial.loss < result.loss)) {
            undo();
            return false;
        }
        std::swap(trial, equations);
        return true;
    };
    if (!use.empty() && try_step(0.0)) {
        result.loss = equations.loss;
    }
    if (use.size() == positions.size() && objective.quadratic()) {
        // All linear: one more exact step cleans up rounding of an ill-conditioned first one.
        if (result.loss > options.floor && try_step(0.0)) {
            result.loss = equations.loss;
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
        if (!try_step(lambda)) {
            lambda *= 10.0;
            if (lambda > 1e6) {
                break;
            }
            continue;
        }
        const double drop = (result.loss - equations.loss) / result.loss;
        result.loss = equations.loss;
        lambda = std::max(lambda * 0.1, 1e-12);
        if (drop < options.tolerance ||
            (iteration >= 6 && result.loss > options.give_up_above && drop < 0.1)) {
            break;
        }
    }
    return result;
}

}  // namespace closedform
