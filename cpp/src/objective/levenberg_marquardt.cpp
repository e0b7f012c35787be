#include "objective/levenberg_marquardt.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "expression/workspace.hpp"

namespace closedform {

/// Room for the steps of one fit: systems are small, and making room would take as long as solving.
struct ConstantsFit::Space {
    Eigen::MatrixXd matrix;
    Eigen::VectorXd right;
    Eigen::VectorXd scale;
    Eigen::VectorXd step;
    double drop = 0.0;  ///< of the loss by the step, if that were quadratic
    Eigen::LDLT<Eigen::MatrixXd, Eigen::Lower> factored;
};

namespace {

/// Solves (gram + lambda diag) step = -gradient for the unknowns in `use`, after scaling columns to
/// unit diagonal (Marquardt), so that units of the data do not matter. False if there is no step.
template <class Space>
bool damped_step(const NormalEquations& equations, std::span<const std::size_t> use, double lambda,
                 Space& space) {
    const auto n = static_cast<Eigen::Index>(use.size());
    auto& [matrix, right, scale, step, drop, factored] = space;
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
    // |r|^2 - |r + J s|^2 with (J^T J + lambda) s = -J^T r
    drop = right.dot(step) + lambda * step.squaredNorm();
    step.array() *= scale.array();
    return step.allFinite();
}

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

ConstantsFit::ConstantsFit(Tape& tape, std::span<const std::size_t> positions,
                           std::span<const std::size_t> linear, const ConstantsLoss& objective,
                           const FitOptions& options)
    : tape_(tape),
      positions_(positions),
      objective_(objective),
      options_(options),
      passes_(objective.passes(positions.size())),
      before_(positions.size()),
      space_(std::make_unique<Space>()) {
    for (std::size_t p = 0; p < positions.size(); ++p) {
        if (std::find(linear.begin(), linear.end(), positions[p]) != linear.end()) {
            use_.push_back(p);
        }
    }
}

ConstantsFit::~ConstantsFit() = default;

void ConstantsFit::take() {
    result_.passes += passes_;
    if (stage_ != Stage::start) {
        proceed(accepted());
        return;
    }
    if (!std::isfinite(trial_.loss)) {
        stage_ = Stage::done;
        return;
    }
    std::swap(trial_, equations_);
    result_.loss = equations_.loss;
    if (use_.empty()) {
        iterate_all();
        return;
    }
    stage_ = Stage::linear;
    if (!propose(0.0)) {
        proceed(std::nullopt);
    } else if (!worth_it()) {
        undo();
        proceed(0.0);
    }
}

void ConstantsFit::proceed(const std::optional<double>& drop) {
    switch (stage_) {
        case Stage::linear:
            if (use_.size() < positions_.size() || !objective_.quadratic()) {
                iterate_all();
                return;
            }
            // All linear: one more exact step cleans up rounding of an ill-conditioned first one.
            stage_ = Stage::done;
            if (result_.loss > options_.floor && propose(0.0)) {
                if (worth_it()) {
                    stage_ = Stage::cleaning;
                } else {
                    undo();
                }
            }
            return;
        case Stage::iterating:
            if (damp(drop)) {
                iterate();
            }
            return;
        default:
            stage_ = Stage::done;
    }
}

void ConstantsFit::iterate_all() {
    use_.resize(positions_.size());
    std::iota(use_.begin(), use_.end(), std::size_t{0});
    stage_ = Stage::iterating;
    iterate();
}

void ConstantsFit::iterate() {
    do {
        if (iteration_ >= options_.max_iterations || result_.loss <= options_.floor ||
            options_.stop.stopped()) {
            stage_ = Stage::done;
            return;
        }
        if (propose(lambda_)) {
            if (!worth_it()) {
                undo();
                stage_ = Stage::done;
            }
            return;
        }
    } while (damp(std::nullopt));
}

bool ConstantsFit::damp(const std::optional<double>& drop) {
    bool goes_on = true;
    if (!drop) {
        lambda_ *= 10.0;
        goes_on = lambda_ <= 1e6;
    } else {
        lambda_ = std::max(lambda_ * 0.1, 1e-12);
        goes_on = !(*drop < options_.tolerance ||
                    (iteration_ >= 6 && result_.loss > options_.give_up_above && *drop < 0.1));
    }
    ++iteration_;
    if (!goes_on) {
        stage_ = Stage::done;
    }
    return goes_on;
}

bool ConstantsFit::propose(double lambda) {
    for (std::size_t p = 0; p < positions_.size(); ++p) {
        before_[p] = tape_[positions_[p]].value;
    }
    bool bounded = damped_step(equations_, use_, lambda, *space_);
    for (std::size_t i = 0; bounded && i < use_.size(); ++i) {
        double& value = tape_[positions_[use_[i]]].value;
        value += space_->step(static_cast<Eigen::Index>(i));
        bounded = std::abs(value) <= objective_.largest_constant();
    }
    if (!bounded) {
        undo();
    }
    return bounded;
}

bool ConstantsFit::worth_it() const {
    // The equations of labels are of a bound, not of the loss: what they promise says little of it.
    return !objective_.quadratic() || !(space_->drop < options_.tolerance * result_.loss);
}

std::optional<double> ConstantsFit::accepted() {
    if (!(trial_.loss < result_.loss)) {
        undo();
        return std::nullopt;
    }
    std::swap(trial_, equations_);
    const double drop = (result_.loss - equations_.loss) / result_.loss;
    result_.loss = equations_.loss;
    return drop;
}

void ConstantsFit::undo() {
    for (std::size_t p = 0; p < positions_.size(); ++p) {
        tape_[positions_[p]].value = before_[p];
    }
}

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
    ConstantsFit fit(tape, positions, linear, objective, options);
    objective.normal_equations(tape, positions, workspace, fit.trial());
    fit.take();
    while (!fit.done()) {
        objective.next_equations(tape, positions, workspace, fit.trial());
        fit.take();
    }
    return fit.result();
}

}  // namespace closedform
