#include "terms/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "core/dense_solve.hpp"
#include "terms/unit_columns.hpp"

namespace closedform {
namespace {

using Eigen::Index;

constexpr double exact = 1e-13;         // what rounding may leave of a target, over its size
constexpr double rounded = 10.0;        // times that it may be where all rows are asked
constexpr double dependent = 1e-10;     // share of a column's square outside those taken, at least
constexpr Index rows_a_term = 4;        // at least
constexpr std::size_t most_rows = 160;  // that terms are chosen on; all decide
constexpr Index most_terms = 30;        // that are taken before the superfluous are left out
// A sum of so many terms that has not come nearer by a half since the terms before it is given up.
constexpr std::size_t patience = 10;

Index index(std::size_t i) { return static_cast<Index>(i); }

/// With the most of the target's square along what it has outside those taken, the first of
/// several; none where all depend on these.
std::optional<Index> largest_gain(const Eigen::VectorXd& along, const Eigen::VectorXd& outside) {
    std::optional<Index> best;
    double most = 0.0;
    for (Index j = 0; j < along.size(); ++j) {
        if (outside(j) > dependent && along(j) * along(j) / outside(j) > most) {
            most = along(j) * along(j) / outside(j);
            best = j;
        }
    }
    return best;
}

bool is_finite(MatrixView<const double> columns, int column) {
    for (std::size_t i = 0; i < columns.rows; ++i) {
        if (!std::isfinite(columns(i, static_cast<std::size_t>(column)))) {
            return false;
        }
    }
    return true;
}

/// Positions of columns that leave only rounding; none where so many do not. unit, target: at some
/// of the rows; whether a column is finite at all of them is looked at where it would be taken.
std::vector<int> taken(MatrixView<const double> columns, const UnitColumns& unit,
                       const Eigen::VectorXd& target) {
    const Index most = std::min({most_terms, unit.rows() / rows_a_term, unit.size()});
    Eigen::VectorXd left = target.normalized();
    Eigen::VectorXd along = unit.products(left);
    Eigen::VectorXd beside = Eigen::VectorXd::Ones(unit.size());
    Eigen::MatrixXd basis(unit.rows(), most);
    Eigen::MatrixXd both(unit.rows(), 2);
    std::vector<double> sizes;
    std::vector<int> chosen;
    for (Index k = 0; k < most;) {
        const std::optional<Index> best = largest_gain(along, beside);
        if (!best) {
            return {};
        }
        if (!is_finite(columns, unit.place(*best))) {
            beside(*best) = 0.0;
            continue;
        }
        basis.col(k) = outside(basis.leftCols(k), unit.column(*best)).normalized();
        left -= basis.col(k).dot(left) * basis.col(k);
        chosen.push_back(unit.place(*best));
        sizes.push_back(left.norm());
        if (sizes.back() <= exact) {
            return chosen;
        }
        if (sizes.size() > patience && sizes.back() > 0.5 * sizes[sizes.size() - 1 - patience]) {
            return {};
        }
        both << basis.col(k), left;
        const Eigen::MatrixXd products = unit.products(both);
        beside.array() -= products.col(0).array().square();
        beside(*best) = 0.0;
        along = products.col(1);
        ++k;
    }
    return {};
}

/// A sum of columns on all rows, from which columns are left out.
class Sum {
  public:
    Sum(MatrixView<const double> columns, const std::vector<int>& chosen,
        const Eigen::VectorXd& target)
        : target_(target), columns_(target.size(), index(chosen.size())), places_(chosen) {
        for (std::size_t k = 0; k < chosen.size(); ++k) {
            for (std::size_t i = 0; i < columns.rows; ++i) {
                columns_(index(i), index(k)) = columns(i, static_cast<std::size_t>(chosen[k]));
            }
        }
        lengths_ = columns_.colwise().norm();
        columns_.array().rowwise() /= lengths_.array();
        // Sums of fewer columns are solved in the space of all: as many equations as columns.
        const Eigen::MatrixXd basis = orthonormal(columns_);
        multiply_transposed(basis, columns_, within_);
        target_within_ = basis.transpose() * target;
        left_ = solve(columns_, within_, factors_);
    }

    double left() const { return left_; }

    /// Without those that what is left stays below `bound` without, those that say least first.
    void shorten(double bound) {
        while (places_.size() > 1 && leave_one_out(bound)) {
        }
    }

    std::vector<ColumnFactor> terms() const {
        std::vector<ColumnFactor> found;
        for (std::size_t k = 0; k < places_.size(); ++k) {
            found.emplace_back(places_[k], factors_(index(k)) / lengths_(index(k)));
        }
        return found;
    }

  private:
    /// What the least squares leave, and their factors.
    double solve(const Eigen::MatrixXd& columns, const Eigen::MatrixXd& within,
                 Eigen::VectorXd& factors) const {
        factors = least_squares(within, target_within_);
        return (target_ - columns * factors).norm();
    }

    bool leave_one_out(double bound) {
        std::vector<Index> order(places_.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
            return std::abs(factors_(a)) < std::abs(factors_(b));
        });
        for (const Index i : order) {
            const Eigen::MatrixXd fewer = without(columns_, i);
            const Eigen::MatrixXd fewer_within = without(within_, i);
            Eigen::VectorXd factors;
            const double left = solve(fewer, fewer_within, factors);
            if (left <= bound) {
                columns_ = fewer;
                within_ = fewer_within;
                lengths_ = without(lengths_, i);
                places_.erase(places_.begin() + i);
                factors_ = factors;
                left_ = left;
                return true;
            }
        }
        return false;
    }

    static Eigen::MatrixXd without(const Eigen::MatrixXd& columns, Index i) {
        Eigen::MatrixXd fewer(columns.rows(), columns.cols() - 1);
        fewer << columns.leftCols(i), columns.rightCols(columns.cols() - 1 - i);
        return fewer;
    }

    const Eigen::VectorXd& target_;
    Eigen::MatrixXd columns_;     ///< of length 1
    Eigen::RowVectorXd lengths_;  ///< that they had
    std::vector<int> places_;
    Eigen::MatrixXd within_;         ///< the columns in a basis of all
    Eigen::VectorXd target_within_;  ///< the target there
    Eigen::VectorXd factors_;
    double left_ = 0.0;
};

}  // namespace

std::vector<ColumnFactor> exact_sum(MatrixView<const double> columns,
                                    std::span<const double> target) {
    const std::size_t every = (target.size() + most_rows - 1) / most_rows;
    if (every == 0) {
        return {};
    }
    const std::size_t rows = (target.size() + every - 1) / every;
    const MatrixView<const double> some(columns.data, rows, columns.columns,
                                        columns.row_stride * every);
    const Eigen::Map<const Eigen::VectorXd> all(target.data(), index(target.size()));
    const Eigen::VectorXd whole = all;
    const Eigen::VectorXd some_target = all(Eigen::seqN(0, index(rows), index(every)));
    const std::vector<double> ones(rows, 1.0);
    const std::vector<int> chosen = taken(columns, UnitColumns(some, ones), some_target);
    if (chosen.empty()) {
        return {};
    }
    const double bound = rounded * exact * whole.norm();
    Sum sum(columns, chosen, whole);
    if (!(sum.left() <= bound)) {  // nor where the target is not finite at a row not asked
        return {};
    }
    sum.shorten(bound);
    return sum.terms();
}

}  // namespace closedform
