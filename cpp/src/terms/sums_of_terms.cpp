#include "closedform/terms/sums_of_terms.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "closedform/core/link_function.hpp"
#include "closedform/expression/canonical_form.hpp"
#include "core/dense_solve.hpp"
#include "core/parallel.hpp"
#include "core/sample_rows.hpp"
#include "expression/workspace.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/value_objective.hpp"
#include "search/pareto_archive.hpp"
#include "terms/term_library.hpp"
#include "terms/term_selection.hpp"

namespace closedform {
namespace {

constexpr std::size_t most_rows = 8192;         // constants are fitted to
constexpr std::size_t most_values = 4'000'000;  // of terms times rows
constexpr std::size_t fewest_rows = 1000;       // terms are chosen on, where there are as many
constexpr std::size_t folds = 5;
constexpr double library_share = 0.4;  // of the time at most, for making the library
constexpr double link_share = 0.25;    // and for choosing the link
constexpr int link_iterations = 20;
constexpr double fitting_seconds = 0.2;  // of the last fits, where none are left
// Sizes worth a search of their own, as shares of the largest.
constexpr std::array<double, 8> sizes = {1.0, 5.0 / 6, 2.0 / 3, 0.5, 1.0 / 3, 0.25, 1.0 / 6, 0.125};

/// The operator that undoes the link.
Op undoing(Link link) {
    switch (link) {
        case Link::log:
            return Op::exp;
        case Link::sqrt:
            return Op::square;
        case Link::square:
            return Op::sqrt;
        default:
            return Op::inv;
    }
}

/// Nodes that undoing the link takes at most.
int link_nodes(Link link) {
    return link == Link::identity ? 0 : (link == Link::reciprocal ? 2 : 1);
}

Tape undo(Link link, Tape tape, const OpSet& operators) {
    if (tape.empty() || link == Link::identity) {
        return tape;
    }
    tape.push_back(Node::function(undoing(link)));
    fix_sizes(tape);
    return emit(canonical(tape), operators);
}

std::vector<Link> possible_links(const std::vector<double>& y, const OpSet& operators) {
    std::vector<Link> links = {Link::identity};
    for (const Link link : {Link::log, Link::sqrt, Link::reciprocal, Link::square}) {
        const bool divides = link == Link::reciprocal && operators.has(Op::div);
        if ((operators.has(undoing(link)) || divides) && usable(link, y)) {
            links.push_back(link);
        }
    }
    return links;
}

struct Target {
    std::vector<double> values;
    std::vector<double> weights;
};

std::vector<double> gather(std::span<const double> values, std::span<const std::size_t> rows) {
    std::vector<double> result(rows.size(), 1.0);
    for (std::size_t i = 0; i < rows.size() && !values.empty(); ++i) {
        result[i] = values[rows[i]];
    }
    return result;
}

template <class T>
class Sums {
  public:
    Sums(MatrixView<const T> x, std::span<const double> y, std::span<const double> weights,
         const SumOptions& options)
        : options_(options), stop_(options.stop.within(options.seconds)) {
        if (x.rows == 0 || y.size() != x.rows || (!weights.empty() && weights.size() != x.rows)) {
            throw std::invalid_argument("y: needs one value for every row of X");
        }
        if (options.iterations == 0 && std::isinf(options.seconds)) {
            throw std::invalid_argument("seconds: no limit and no iterations given");
        }
        Random random(options.seed, 1000007);
        // All rows in a random order: the first ones are a sample.
        const std::vector<std::size_t> rows = draw(x.rows, most_rows, random);
        y_ = gather(y, rows);
        weights_ = gather(weights, rows);
        objective_ = std::make_unique<ValueObjective>(RowBlocks(x, rows), y_, weights_);
        LibraryOptions library;
        library.operators = options.operators;
        library.stop = stop_.within(library_share * options.seconds);
        const std::size_t terms = std::min(library.max_terms, x.columns * (30 + 8 * x.columns));
        rows_ = std::min(rows.size(), std::max(fewest_rows, most_values / terms));
        library_ = std::make_unique<TermLibrary>(RowBlocks(x, std::span(rows).first(rows_)),
                                                 std::span(y_).first(rows_), library);
    }

    std::vector<Candidate> run() {
        if (library_->size() == 0 || !(objective_->exact_loss() > 0.0)) {
            return {};
        }
        choosing_link_ = stop_.within(link_share * options_.seconds);
        const Link link = choose_link();
        const Target target = transformed(link);
        const TermCovariance covariance(*library_, target.values, target.weights);
        if (options_.iterations == 0 || options_.iterations > 10) {
            covariance.fill(options_.threads, stop_);
        }
        const auto ladder = budgets();
        const auto restarts = static_cast<std::size_t>(options_.restarts);
        std::vector<std::vector<int>> found(ladder.size() * restarts);
        const double time = stop_.left();
        const double total = std::accumulate(ladder.begin(), ladder.end(), 0.0);
        const unsigned threads = resolve_threads(options_.threads);
        parallel_for(found.size(), options_.threads, [&](std::size_t piece, unsigned) {
            const std::size_t size = ladder[piece / restarts];
            // Every piece has a share of the time: more for larger sums, whose space is larger.
            const double share = static_cast<double>(size) / (total * options_.restarts);
            const StopToken late =
                options_.iterations == 0 ? stop_.within(0.97 * time * threads * share) : stop_;
            Random random(options_.seed, 2000000 + piece);
            SelectionOptions selection;
            selection.max_nodes = static_cast<int>(size) - link_nodes(link);
            selection.iterations =
                options_.iterations > 0 ? options_.iterations : std::numeric_limits<int>::max();
            found[piece] = select_terms(covariance, selection, random, late);
        });
        return finish(link, target, ladder, found);
    }

  private:
    std::vector<std::size_t> budgets() const {
        std::vector<std::size_t> result;
        for (const double share : sizes) {
            const auto size = static_cast<std::size_t>(
                std::lround(share * static_cast<double>(options_.max_size)));
            if (size >= 5 && (result.empty() || size < result.back())) {
                result.push_back(size);
            }
        }
        return result;
    }

    /// link(y) at the rows terms are chosen on, weighted so that its squared errors are, to first
    /// order, those of y.
    Target transformed(Link link) const {
        Target target;
        for (std::size_t i = 0; i < rows_; ++i) {
            const double steepness = slope(link, y_[i]);
            target.values.push_back(apply(link, y_[i]));
            target.weights.push_back(weights_[i] / (steepness * steepness));
        }
        return target;
    }

    struct Fit {
        double constant = 0.0;
        std::vector<double> coefficients;  ///< of the library's scaled terms
    };

    Fit least_squares(std::span<const int> terms, const Target& target,
                      std::span<const double> weights) const {
        const auto rows = static_cast<Eigen::Index>(rows_);
        const auto count = static_cast<Eigen::Index>(terms.size());
        Eigen::MatrixXd matrix(rows, count + 1);
        Eigen::VectorXd right(rows);
        const Eigen::VectorXd root =
            Eigen::Map<const Eigen::VectorXd>(weights.data(), rows).array().sqrt();
        matrix.col(0) = root;
        for (Eigen::Index k = 0; k < count; ++k) {
            const auto term = static_cast<std::size_t>(terms[static_cast<std::size_t>(k)]);
            const Eigen::Map<const Eigen::VectorXd> column(library_->column(term), rows);
            matrix.col(k + 1) = column.cwiseProduct(root);
        }
        right = Eigen::Map<const Eigen::VectorXd>(target.values.data(), rows).cwiseProduct(root);
        const Eigen::VectorXd solution = closedform::least_squares(matrix, right);
        return {solution(0), {solution.data() + 1, solution.data() + solution.size()}};
    }

    /// The link whose sums, of two sizes, predict y best at rows held out while they were chosen.
    Link choose_link() {
        const std::vector<Link> links = possible_links(y_, options_.operators);
        if (links.size() == 1 || rows_ < 2 * folds) {
            return links.front();
        }
        const std::vector<std::size_t> trial_sizes = {options_.max_size, options_.max_size / 3};
        const std::size_t tasks = links.size() * trial_sizes.size();
        std::vector<double> errors(folds * tasks);
        std::vector<char> done(folds * tasks, 0);
        parallel_for(folds * links.size(), options_.threads, [&](std::size_t piece, unsigned) {
            const std::size_t fold = piece / links.size();
            const std::size_t l = piece % links.size();
            if (choosing_link_.stopped()) {
                return;
            }
            const Target target = transformed(links[l]);
            // Rows are in a random order already.
            std::vector<double> weights = target.weights;
            for (std::size_t i = fold; i < rows_; i += folds) {
                weights[i] = 0.0;
            }
            const TermCovariance covariance(*library_, target.values, weights);
            for (std::size_t s = 0; s < trial_sizes.size(); ++s) {
                Random random(options_.seed, 3000000 + piece);
                SelectionOptions selection;
                selection.max_nodes = static_cast<int>(trial_sizes[s]) - link_nodes(links[l]);
                selection.iterations = link_iterations;
                const auto terms = select_terms(covariance, selection, random, choosing_link_);
                const Fit fit = least_squares(terms, target, weights);
                const std::size_t at = fold * tasks + l * trial_sizes.size() + s;
                errors[at] = held_out_error(links[l], terms, fit, fold);
                done[at] = choosing_link_.stopped() ? 0 : 1;
            }
        });
        // Whole folds only: every link is judged on the same rows.
        std::vector<double> totals(tasks, 0.0);
        for (std::size_t fold = 0; fold < folds; ++fold) {
            const auto first = static_cast<std::ptrdiff_t>(fold * tasks);
            const auto last = first + static_cast<std::ptrdiff_t>(tasks);
            if (std::find(done.begin() + first, done.begin() + last, 0) == done.begin() + last) {
                for (std::size_t t = 0; t < tasks; ++t) {
                    totals[t] += errors[fold * tasks + t];
                }
            }
        }
        std::size_t best = 0;
        double best_score = std::numeric_limits<double>::infinity();
        for (std::size_t l = 0; l < links.size(); ++l) {
            double score = 0.0;
            for (std::size_t s = 0; s < trial_sizes.size(); ++s) {
                score += std::log(totals[l * trial_sizes.size() + s]);
            }
            if (score < best_score) {
                best_score = score;
                best = l;
            }
        }
        return links[best];
    }

    double held_out_error(Link link, std::span<const int> terms, const Fit& fit,
                          std::size_t fold) const {
        double error = 0.0;
        for (std::size_t i = fold; i < rows_; i += folds) {
            double sum = fit.constant;
            for (std::size_t k = 0; k < terms.size(); ++k) {
                sum +=
                    fit.coefficients[k] * library_->column(static_cast<std::size_t>(terms[k]))[i];
            }
            const double miss = invert(link, sum) - y_[i];
            error += weights_[i] * miss * miss;
        }
        return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
    }

    Tape expression(Link link, const Target& target, std::span<const int> terms) const {
        const Fit fit = least_squares(terms, target, target.weights);
        std::vector<double> coefficients = fit.coefficients;
        double constant = fit.constant;
        for (std::size_t k = 0; k < terms.size(); ++k) {
            const auto term = static_cast<std::size_t>(terms[k]);
            coefficients[k] *= library_->scale(term);
            constant -= coefficients[k] * library_->mean(term);
        }
        return undo(link, library_->sum(terms, coefficients, constant), options_.operators);
    }

    /// The best restart of every size as an expression, its constants fitted to the true objective.
    std::vector<Candidate> finish(Link link, const Target& target,
                                  const std::vector<std::size_t>& ladder,
                                  const std::vector<std::vector<int>>& found) const {
        std::vector<Candidate> best(found.size());
        const StopToken fitting = options_.stop.within(std::max(stop_.left(), fitting_seconds));
        parallel_for(found.size(), options_.threads, [&](std::size_t piece, unsigned) {
            const std::size_t size = ladder[piece / static_cast<std::size_t>(options_.restarts)];
            std::vector<int> terms = found[piece];
            Tape tape = expression(link, target, terms);
            // Rarely an expression has a node more than its terms were counted with.
            while (tape.size() > size && !terms.empty()) {
                terms.pop_back();
                tape = expression(link, target, terms);
            }
            if (tape.empty() || terms.empty()) {
                return;
            }
            Workspace workspace;
            FitOptions options;
            options.stop = fitting;
            options.max_iterations = 30;
            options.tolerance = 1e-7;
            Tape fitted = tape;
            fit_constants(fitted, constant_positions(fitted), {}, *objective_, workspace, options);
            const double before = objective_->loss(tape, workspace);
            const double after = objective_->loss(fitted, workspace);
            best[piece] = after < before ? Candidate{fitted, after, 0} : Candidate{tape, before, 0};
        });
        const FormulaRules none;
        Archive archive(options_.max_size, options_.operators, none);
        for (const Candidate& candidate : best) {
            if (!candidate.tape.empty()) {
                archive.offer(candidate);
            }
        }
        return archive.front();
    }

    const SumOptions& options_;
    StopToken stop_;
    StopToken choosing_link_;
    std::vector<double> y_;
    std::vector<double> weights_;
    std::unique_ptr<ValueObjective> objective_;
    std::size_t rows_ = 0;  ///< the first ones of the objective's: terms are chosen on them
    std::unique_ptr<TermLibrary> library_;
};

}  // namespace

template <class T>
std::vector<Candidate> sums_of_terms(MatrixView<const T> x, std::span<const double> y,
                                     std::span<const double> weights, const SumOptions& options) {
    return Sums<T>(x, y, weights, options).run();
}

template std::vector<Candidate> sums_of_terms(MatrixView<const double>, std::span<const double>,
                                              std::span<const double>, const SumOptions&);
template std::vector<Candidate> sums_of_terms(MatrixView<const float>, std::span<const double>,
                                              std::span<const double>, const SumOptions&);

}  // namespace closedform
