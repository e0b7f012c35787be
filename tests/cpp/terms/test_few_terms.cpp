#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "core/dense_solve.hpp"
#include "core/random.hpp"
#include "terms/exact_sum.hpp"
#include "terms/few_terms.hpp"
#include "terms/pair_gain.hpp"
#include "terms/unit_columns.hpp"

using namespace closedform;

namespace {

using Set = std::vector<int>;

/// Columns, row by row as they are given, and a target.
struct Problem {
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> columns;
    Eigen::VectorXd target;
    std::vector<double> root;

    MatrixView<const double> view() const {
        return {columns.data(), static_cast<std::size_t>(columns.rows()),
                static_cast<std::size_t>(columns.cols())};
    }
    std::span<const double> targets() const {
        return {target.data(), static_cast<std::size_t>(target.size())};
    }
};

/// Products of powers of three inputs, which look alike, some of them no numbers; the target is a
/// sum of `terms` of them, with noise of so many standard deviations.
Problem problem_of(std::uint64_t seed, Eigen::Index rows, Eigen::Index count, int terms,
                   double noise) {
    Random random(seed, 0);
    Problem problem{{rows, count}, Eigen::VectorXd::Zero(rows), {}};
    Eigen::MatrixXd logs(rows, 3);
    for (double& log : logs.reshaped()) {
        log = std::log(random.uniform(1.0, 5.0));
    }
    for (Eigen::Index j = 0; j < count; ++j) {
        Eigen::Vector3d exponents;
        for (double& exponent : exponents) {
            exponent = random.uniform(-3.0, 3.0);
        }
        problem.columns.col(j) = (logs * exponents).array().exp();
    }
    for (int k = 0; k < terms; ++k) {
        const Eigen::VectorXd term = problem.columns.col(3 * k + 4);
        problem.target += random.uniform(-2.0, 2.0) / term.norm() * term;
    }
    const double size = noise * problem.target.norm() / std::sqrt(static_cast<double>(rows));
    for (Eigen::Index i = 0; i < rows; ++i) {
        problem.target(i) += size * random.normal();
        problem.root.push_back(random.uniform(0.5, 2.0));
    }
    problem.columns(1, 0) = std::numeric_limits<double>::quiet_NaN();
    problem.columns(2, 1) = std::numeric_limits<double>::infinity();
    problem.columns.col(2).setZero();
    return problem;
}

/// Least squares on each candidate set for itself, by Householder's decomposition.
class Reference {
  public:
    Reference(const Problem& problem, bool weighed) : columns_(problem.columns) {
        target_ = problem.target;
        if (weighed) {
            const Eigen::Map<const Eigen::ArrayXd> root(problem.root.data(), target_.size());
            columns_.array().colwise() *= root;
            target_.array() *= root;
        }
        for (int j = 0; j < columns_.cols(); ++j) {
            const double length = columns_.col(j).norm();
            if (std::isfinite(length) && length > 0.0) {
                usable_.push_back(j);
                columns_.col(j) /= length;
            }
        }
    }

    std::size_t usable() const { return usable_.size(); }
    double size() const { return target_.norm(); }

    double left(const Set& set) const {
        const Eigen::MatrixXd chosen = columns_(Eigen::all, set);
        return (target_ - chosen * least_squares(chosen, target_)).norm();
    }

    Set grown(const Set& set) const {
        Set best;
        for (const int j : usable_) {
            if (std::find(set.begin(), set.end(), j) == set.end()) {
                best = better(best, with(set, {j}));
            }
        }
        return best;
    }

    Set exchanged(Set set) const {
        for (int sweep = 0; sweep < 3; ++sweep) {
            for (std::size_t i = 0; i < set.size(); ++i) {
                Set others = set;
                others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
                set[i] = grown(others).back();
            }
        }
        return set;
    }

    /// Each two in turn for any two.
    Set exchanged_pairs(const Set& set) const {
        Set best = set;
        for (std::size_t i = 0; i < set.size(); ++i) {
            for (std::size_t j = i + 1; j < set.size(); ++j) {
                Set others = set;
                others.erase(others.begin() + static_cast<std::ptrdiff_t>(j));
                others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
                for (const int a : usable_) {
                    for (const int b : usable_) {
                        const auto in = [&](int one) {
                            return std::find(others.begin(), others.end(), one) != others.end();
                        };
                        if (a < b && !in(a) && !in(b)) {
                            best = better(best, with(others, {a, b}));
                        }
                    }
                }
            }
        }
        return best;
    }

  private:
    static Set with(Set set, const Set& more) {
        set.insert(set.end(), more.begin(), more.end());
        return set;
    }

    /// The one that leaves less, by more than rounding.
    Set better(const Set& set, const Set& other) const {
        return set.empty() || left(other) < left(set) * (1.0 - 1e-9) ? other : set;
    }

    Eigen::MatrixXd columns_;
    Eigen::VectorXd target_;
    Set usable_;
};

Set sorted_columns(const std::vector<ColumnFactor>& sum) {
    Set columns;
    for (const auto& [column, factor] : sum) {
        columns.push_back(column);
    }
    std::sort(columns.begin(), columns.end());
    return columns;
}

Set sorted(Set set) {
    std::sort(set.begin(), set.end());
    return set;
}

/// The sums of one to five columns, described shortest first.
std::vector<Set> described(const Problem& problem) {
    const Reference reference(problem, true);
    const auto rows = static_cast<double>(problem.target.size());
    std::vector<std::pair<double, Set>> all;
    Set set;
    for (int terms = 1; terms <= 5; ++terms) {
        set = reference.exchanged(reference.grown(set));
        if (terms == 2 || terms == 3) {
            set = reference.exchanged_pairs(set);
        }
        const double term =
            std::log(static_cast<double>(reference.usable())) + 0.5 * std::log(rows);
        all.emplace_back(rows * std::log(reference.left(set)) + terms * term, sorted(set));
    }
    std::sort(all.begin(), all.end());
    return {all[0].second, all[1].second};
}

}  // namespace

TEST_CASE("few terms: a column that says less than rounding is no sum") {
    Problem problem{Eigen::MatrixXd::Constant(40, 1, 1e-40), Eigen::VectorXd::Ones(40),
                    std::vector<double>(40, 1.0)};
    problem.columns(5, 0) = 1.0;
    problem.target(5) = 0.0;
    for (const auto& sum : few_terms(problem.view(), problem.targets(), problem.root)) {
        CHECK_FALSE(sum.empty());
    }
}

TEST_CASE("few terms are those that least squares on every candidate set choose") {
    int of_one = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        const Problem problem = problem_of(seed, 45, 18, 1 + static_cast<int>(seed % 4), 0.03);
        const auto found = few_terms(problem.view(), problem.targets(), problem.root);
        const std::vector<Set> expected = described(problem);
        REQUIRE(found.size() == 2);
        for (std::size_t k = 0; k < 2; ++k) {
            CHECK(sorted_columns(found[k]) == expected[k]);
        }
        of_one += found[0].size() == 1 ? 1 : 0;
        // Normal equations hold: nothing is left along any column of the sum.
        Eigen::VectorXd left = problem.target;
        for (const auto& [column, factor] : found[0]) {
            left -= factor * problem.columns.col(column);
        }
        const Eigen::Map<const Eigen::ArrayXd> root(problem.root.data(), left.size());
        for (const auto& [column, factor] : found[0]) {
            const Eigen::ArrayXd weighed = root * problem.columns.col(column).array();
            const double along = (root * left.array() * weighed).sum();
            CHECK(std::abs(along) < 1e-11 * weighed.matrix().norm() * problem.target.norm());
        }
    }
    CHECK(of_one < 20);
}

TEST_CASE("few terms of equal columns are the first of them, and none depends on the others") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        Problem problem = problem_of(seed, 43, 20, 2, 0.05);
        problem.columns.rightCols(8) = problem.columns.middleCols(4, 8).eval();
        problem.columns.col(3) = problem.columns.col(4) + problem.columns.col(7);
        for (const auto& sum : few_terms(problem.view(), problem.targets(), problem.root)) {
            const Set columns = sorted_columns(sum);
            CHECK(columns.back() < 12);
            const auto in = [&](int one) {
                return std::count(columns.begin(), columns.end(), one);
            };
            CHECK(in(3) + in(4) + in(7) < 3);
        }
    }
}

TEST_CASE("few terms are not two that are one but for a trifle") {
    for (const double share : {1e-5, 1e-3}) {
        Problem problem = problem_of(5, 60, 12, 1, 0.0);
        const Eigen::VectorXd one = problem.columns.col(4).normalized();
        const Eigen::VectorXd trifle = problem.columns.col(5).normalized();
        problem.columns.col(6) = one + share * trifle;
        problem.columns.col(5).setZero();
        problem.target = one + trifle;
        const auto found = few_terms(problem.view(), problem.targets(), problem.root);
        CHECK((sorted_columns(found[0]) == Set{4, 6}) == (share == 1e-3));
    }
}

TEST_CASE("what few terms leave of a column is orthogonal to them to rounding") {
    const Problem problem = problem_of(6, 50, 9, 1, 0.0);
    const Eigen::MatrixXd basis = orthonormal(problem.columns.rightCols(5));
    const Eigen::VectorXd inside = basis.rowwise().sum();
    const Eigen::VectorXd vector = inside + 1e-8 * problem.columns.col(3).normalized();
    const Eigen::VectorXd found = outside(basis, vector);
    CHECK((basis.transpose() * found).norm() < 1e-14 * found.norm());
    CHECK(found.norm() > 1e-10);
}

TEST_CASE("few terms of nothing that can be used are none") {
    Problem problem = problem_of(1, 40, 3, 0, 0.0);
    problem.target.setOnes();
    CHECK(few_terms(problem.view(), problem.targets(), problem.root).empty());
    CHECK(exact_sum(problem.view(), problem.targets()).empty());
    problem = problem_of(1, 40, 9, 1, 0.1);
    CHECK_FALSE(few_terms(problem.view(), problem.targets(), problem.root).empty());
    problem.target.setZero();
    CHECK(few_terms(problem.view(), problem.targets(), problem.root).empty());
    CHECK(exact_sum(problem.view(), problem.targets()).empty());
    problem.target(0) = std::numeric_limits<double>::quiet_NaN();
    CHECK(few_terms(problem.view(), problem.targets(), problem.root).empty());
    CHECK(exact_sum(problem.view(), problem.targets()).empty());
}

TEST_CASE("what two columns take is what least squares leave less, or nothing") {
    const Problem problem = problem_of(3, 30, 12, 2, 0.5);
    const Reference reference(problem, false);
    const auto column = [&](int j) -> Eigen::VectorXd {
        return problem.columns.col(j).normalized();
    };
    const auto told = [&](int j) { return PairColumn{1.0, column(j).dot(problem.target)}; };
    for (int i = 3; i < 12; ++i) {
        for (int j = i + 1; j < 12; ++j) {
            const double gain = pair_gain(told(i), told(j), column(i).dot(column(j)), 1e-8);
            const double left = reference.left({i, j});
            CHECK(gain == doctest::Approx(problem.target.squaredNorm() - left * left));
        }
        CHECK(pair_gain(told(i), told(i), 1.0, 1e-8) == 0.0);
        CHECK(pair_gain(told(i), {1e-9, told(3).along}, 0.0, 1e-8) == 0.0);
    }
}

TEST_CASE("an exact sum is what is left of those that least squares take one by one") {
    int superfluous = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        const int terms = 1 + static_cast<int>(seed % 5);
        const Problem problem = problem_of(seed, 70, 40, terms, 0.0);
        const Reference reference(problem, false);
        Set taken;
        while (taken.size() < 17 &&
               (taken.empty() || reference.left(taken) > 1e-13 * reference.size())) {
            taken = reference.grown(taken);
        }
        const auto found = exact_sum(problem.view(), problem.targets());
        if (reference.left(taken) > 1e-12 * reference.size()) {
            CHECK(found.empty());
            continue;
        }
        Set expected;
        for (int k = 0; k < terms; ++k) {
            expected.push_back(3 * k + 4);
        }
        CHECK(sorted_columns(found) == expected);
        superfluous += taken.size() > found.size() ? 1 : 0;
        Eigen::VectorXd left = problem.target;
        for (const auto& [column, factor] : found) {
            left -= factor * problem.columns.col(column);
        }
        CHECK(left.norm() < 1e-12 * problem.target.norm());
    }
    CHECK(superfluous > 5);
}

TEST_CASE("an exact sum holds at all rows or is none") {
    Problem problem = problem_of(4, 500, 30, 3, 0.0);
    REQUIRE(sorted_columns(exact_sum(problem.view(), problem.targets())) == Set{4, 7, 10});
    const double value = problem.target(497);  // of every fourth row it is none
    problem.target(497) *= 1.0 + 1e-6;
    CHECK(exact_sum(problem.view(), problem.targets()).empty());
    problem.target(497) = value;
    // What is no number there is not used; what is the same but for its size is.
    problem.columns.col(29) = 2.0 * problem.columns.col(7);
    problem.columns(497, 7) = std::numeric_limits<double>::infinity();
    CHECK(sorted_columns(exact_sum(problem.view(), problem.targets())) == Set{4, 10, 29});
}
