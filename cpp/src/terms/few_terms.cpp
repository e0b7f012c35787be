#include "terms/few_terms.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/dense_solve.hpp"
#include "terms/pair_gain.hpp"
#include "terms/unit_columns.hpp"

namespace closedform {
namespace {

using Eigen::Index;
using Set = std::vector<Index>;

constexpr std::size_t most_terms = 5;
constexpr std::size_t rows_a_term = 4;  // at least
constexpr double rounding = 1e-24;      // share of the target's square that says nothing
constexpr int sweeps = 3;               // of exchanges
// Terms of the sums in which two are exchanged at once; longer ones grow from these.
constexpr std::size_t fewest_paired = 2;
constexpr std::size_t most_terms_paired = 3;
constexpr std::size_t most_paired = 300;  // columns that pairs are chosen from
constexpr double dependent = 1e-8;  // share of a column's square outside those taken, at least

/// An orthonormal basis of columns that are chosen, and what all columns are beside it. Who takes
/// the place of a chosen one is told by products that are there already: the columns themselves are
/// gone through only where it is another one.
class Selection {
  public:
    Selection(const UnitColumns& unit, const Eigen::VectorXd& target)
        : unit_(unit),
          target_(target),
          basis_(unit.rows(), static_cast<Index>(most_terms)),
          inside_(unit.size(), static_cast<Index>(most_terms)),
          left_(target),
          along_(unit.products(target)),
          outside_(Eigen::VectorXd::Ones(unit.size())) {}

    const Set& chosen() const { return chosen_; }
    /// The square that they leave of the target.
    double left() const { return left_.squaredNorm(); }

    /// Adds the column that leaves least; false where all depend on those chosen.
    bool grow() {
        const auto best = largest_gain([&](Index j) { return std::pair(along_(j), outside_(j)); });
        if (best) {
            add(*best);
        }
        return best.has_value();
    }

    /// Each for the one that leaves least beside the others, until none changes.
    void exchange() {
        bool changed = true;
        for (int sweep = 0; sweep < sweeps && changed; ++sweep) {
            changed = false;
            for (std::size_t i = 0; i < chosen_.size(); ++i) {
                changed = exchange(i) || changed;
            }
        }
    }

    void assign(const Set& columns) {
        chosen_.clear();
        for (const Index column : columns) {
            add(column);
        }
    }

  private:
    Index size() const { return static_cast<Index>(chosen_.size()); }

    /// With the most of the target's square along what it has outside the others, the first of
    /// several; of(j): the product with what is left, and the share outside.
    template <class Of>
    std::optional<Index> largest_gain(const Of& of) const {
        std::optional<Index> best;
        double most = 0.0;
        for (Index j = 0; j < unit_.size(); ++j) {
            const auto [along, outside] = of(j);
            if (outside > dependent && along * along / outside > most) {
                most = along * along / outside;
                best = j;
            }
        }
        return best;
    }

    void add(Index column) {
        chosen_.push_back(column);
        take(column);
    }

    /// The column's part outside the other vectors of the basis as its last.
    void take(Index column) {
        const Index last = size() - 1;
        basis_.col(last) = outside(basis_.leftCols(last), unit_.column(column)).normalized();
        left_ = outside(basis_.leftCols(size()), target_);
        Eigen::MatrixXd both(unit_.rows(), 2);
        both << basis_.col(last), left_;
        const Eigen::MatrixXd products = unit_.products(both);
        inside_.col(last) = products.col(0);
        along_ = products.col(1);
        outside_.setOnes();
        for (Index k = 0; k <= last; ++k) {
            outside_.array() -= inside_.col(k).array().square();
        }
    }

    bool exchange(std::size_t i) {
        const Eigen::MatrixXd turn = turn_to(i);
        const Eigen::VectorXd direction = turn.rightCols(1);
        const Eigen::VectorXd own = inside_.leftCols(size()) * direction;
        const double gone = target_.dot(basis_.leftCols(size()) * direction);
        const auto best = largest_gain([&](Index j) {
            return std::pair(along_(j) + gone * own(j), outside_(j) + own(j) * own(j));
        });
        if (!best || *best == chosen_[i]) {
            return false;
        }
        chosen_[i] = *best;
        basis_.leftCols(size()) = basis_.leftCols(size()).lazyProduct(turn).eval();
        inside_.leftCols(size()) = inside_.leftCols(size()).lazyProduct(turn).eval();
        take(*best);
        return true;
    }

    /// Turns the basis so that all its vectors but the last span the columns other than the i-th.
    Eigen::MatrixXd turn_to(std::size_t i) const {
        Eigen::MatrixXd turn(size(), size());
        Index done = 0;
        const auto add_vector = [&](std::size_t k) {
            const Eigen::VectorXd within = inside_.row(chosen_[k]).head(size());
            turn.col(done) = outside(turn.leftCols(done), within).normalized();
            ++done;
        };
        for (std::size_t k = 0; k < chosen_.size(); ++k) {
            if (k != i) {
                add_vector(k);
            }
        }
        add_vector(i);
        return turn;
    }

    const UnitColumns& unit_;
    const Eigen::VectorXd& target_;
    Set chosen_;
    Eigen::MatrixXd basis_;    ///< (rows, most_terms), in no order of those chosen
    Eigen::MatrixXd inside_;   ///< (columns, most_terms) products with the basis
    Eigen::VectorXd left_;     ///< of the target
    Eigen::VectorXd along_;    ///< products with that
    Eigen::VectorXd outside_;  ///< of each column's square
};

/// Each two of a selection for the two that leave least beside the others: x1 and x2 are hardly got
/// one by one from sqrt(x1*x2) and what corrects it.
class PairExchange {
  public:
    PairExchange(const UnitColumns& unit, const Eigen::VectorXd& target)
        : unit_(unit), target_(target), gram_(unit.gram()), along_(unit.products(target)) {}

    /// As it was where none of them leaves less.
    Set exchanged(const Set& chosen) const {
        Set best = chosen;
        double least = left(chosen);
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            for (std::size_t j = i + 1; j < chosen.size(); ++j) {
                Set trial;
                for (std::size_t k = 0; k < chosen.size(); ++k) {
                    if (k != i && k != j) {
                        trial.push_back(chosen[k]);
                    }
                }
                if (!add_best_pair(trial) ||
                    std::is_permutation(trial.begin(), trial.end(), best.begin())) {
                    continue;
                }
                const double trial_left = left(trial);
                if (trial_left < least) {
                    best = trial;
                    least = trial_left;
                }
            }
        }
        return best;
    }

  private:
    /// Those that leave least beside at most one other; false where all depend on it.
    bool add_best_pair(Set& others) const {
        Eigen::VectorXd inside = Eigen::VectorXd::Zero(unit_.size());
        Eigen::VectorXd along = along_;
        if (!others.empty()) {
            inside = gram_.col(others.front());
            along -= along_(others.front()) * inside;
        }
        const Eigen::VectorXd own = gram_.diagonal().array() - inside.array().square();
        std::pair<Index, Index> best;
        double most = 0.0;
        for (Index i = 0; i < unit_.size(); ++i) {
            const PairColumn first{own(i), along(i)};
            for (Index j = i + 1; j < unit_.size() && first.own > dependent; ++j) {
                const double product = gram_(j, i) - inside(i) * inside(j);
                const double gain = pair_gain(first, {own(j), along(j)}, product, dependent);
                if (gain > most) {
                    most = gain;
                    best = {i, j};
                }
            }
        }
        if (most > 0.0) {
            others.insert(others.end(), {best.first, best.second});
        }
        return most > 0.0;
    }

    double left(const Set& chosen) const {
        Eigen::MatrixXd basis = unit_.chosen(chosen);
        for (Index k = 0; k < basis.cols(); ++k) {
            basis.col(k) = outside(basis.leftCols(k), basis.col(k)).normalized();
        }
        return outside(basis, target_).squaredNorm();
    }

    const UnitColumns& unit_;
    const Eigen::VectorXd& target_;
    Eigen::MatrixXd gram_;
    Eigen::VectorXd along_;
};

/// Nats of what a set leaves and of its terms.
struct Described {
    double length = 0.0;
    Set columns;
};

}  // namespace

std::vector<std::vector<ColumnFactor>> few_terms(MatrixView<const double> columns,
                                                 std::span<const double> target,
                                                 std::span<const double> root) {
    const std::size_t rows = target.size();
    const Eigen::VectorXd weighed =
        Eigen::Map<const Eigen::ArrayXd>(target.data(), static_cast<Index>(rows)) *
        Eigen::Map<const Eigen::ArrayXd>(root.data(), static_cast<Index>(rows));
    const UnitColumns unit(columns, root);
    if (unit.size() == 0 || !weighed.allFinite()) {
        return {};
    }
    const double term = std::log(unit.size()) + 0.5 * std::log(rows);
    const double floor = rounding * std::max(weighed.squaredNorm(), 1e-300);
    Selection selection(unit, weighed);
    std::optional<PairExchange> pairs;
    std::vector<Described> described;
    for (std::size_t terms = 1; terms <= std::min(most_terms, rows / rows_a_term); ++terms) {
        if (!selection.grow()) {
            break;
        }
        selection.exchange();
        if (terms >= fewest_paired && terms <= most_terms_paired &&
            columns.columns <= most_paired) {
            if (!pairs) {
                pairs.emplace(unit, weighed);
            }
            const Set exchanged = pairs->exchanged(selection.chosen());
            if (exchanged != selection.chosen()) {
                selection.assign(exchanged);
            }
        }
        const double left = std::log(std::max(selection.left(), floor));
        described.push_back(
            {0.5 * static_cast<double>(rows) * left + term * static_cast<double>(terms),
             selection.chosen()});
    }
    std::stable_sort(described.begin(), described.end(),
                     [](const Described& a, const Described& b) { return a.length < b.length; });
    std::vector<std::vector<ColumnFactor>> found;
    for (std::size_t k = 0; k < std::min<std::size_t>(2, described.size()); ++k) {
        const Set& set = described[k].columns;
        const Eigen::VectorXd factors = least_squares(unit.chosen(set), weighed);
        std::vector<ColumnFactor> sum;
        for (std::size_t t = 0; t < set.size(); ++t) {
            const double factor = factors(static_cast<Index>(t)) / unit.length(set[t]);
            if (factor != 0.0) {
                sum.emplace_back(unit.place(set[t]), factor);
            }
        }
        if (!sum.empty()) {  // a factor below rounding is 0
            found.push_back(std::move(sum));
        }
    }
    return found;
}

}  // namespace closedform
