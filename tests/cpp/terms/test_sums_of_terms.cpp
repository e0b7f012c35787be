#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/terms/sums_of_terms.hpp"
#include "core/dense_solve.hpp"
#include "core/random.hpp"
#include "objective/objective.hpp"
#include "terms/term_library.hpp"
#include "terms/term_selection.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> letters = {"a", "b", "c", "d", "e", "f"};

struct Rows {
    std::vector<double> x;
    std::vector<double> y;
    std::size_t columns;
    MatrixView<const double> view() const { return {x.data(), y.size(), columns}; }
    std::vector<std::string> names() const {
        return {letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(columns)};
    }
};

Rows rows_of(const std::string& law, std::size_t rows, std::size_t columns, double noise) {
    Random random(5, 0);
    Rows data{{}, std::vector<double>(rows), columns};
    for (std::size_t i = 0; i < rows * columns; ++i) {
        data.x.push_back(random.uniform(0.5, 3.0));
    }
    evaluate(parse(law, data.names()), data.view(), data.y, 1);
    for (double& value : data.y) {
        value += noise * random.normal();
    }
    return data;
}

OpSet operators(std::vector<std::string_view> names) { return OpSet(names); }

LibraryOptions library_of(OpSet set) {
    LibraryOptions options;
    options.operators = set;
    return options;
}

const closedform::StopToken never;

SumOptions sum_options(OpSet set, std::size_t max_size, int iterations, unsigned threads) {
    SumOptions options;
    options.operators = set;
    options.max_size = max_size;
    options.seconds = std::numeric_limits<double>::infinity();
    options.iterations = iterations;
    options.threads = threads;
    options.seed = 3;
    return options;
}

/// Weighted mean squared error of the terms' least-squares fit, from the rows themselves.
double error_of(const TermLibrary& library, const std::vector<int>& terms,
                const std::vector<double>& y, const std::vector<double>& weights) {
    const auto n = static_cast<Eigen::Index>(y.size());
    Eigen::MatrixXd matrix(n, static_cast<Eigen::Index>(terms.size()) + 1);
    Eigen::VectorXd right(n);
    double total = 0.0;
    for (Eigen::Index i = 0; i < n; ++i) {
        const auto row = static_cast<std::size_t>(i);
        const double root = std::sqrt(weights[row]);
        total += weights[row];
        matrix(i, 0) = root;
        right(i) = root * y[row];
        for (std::size_t k = 0; k < terms.size(); ++k) {
            matrix(i, static_cast<Eigen::Index>(k) + 1) =
                root * library.column(static_cast<std::size_t>(terms[k]))[row];
        }
    }
    const Eigen::VectorXd solution = closedform::least_squares(matrix, right);
    return (matrix * solution - right).squaredNorm() / total;
}

std::vector<double> some_weights(std::size_t rows) {
    Random random(8, 0);
    std::vector<double> weights(rows);
    for (double& weight : weights) {
        weight = random.uniform(0.2, 2.0);
    }
    return weights;
}

}  // namespace

TEST_CASE("library: only allowed operators, every term once, columns as their tapes say") {
    const Rows data = rows_of("a*b + c", 150, 3, 0.0);
    const RowBlocks blocks(data.view());
    for (const OpSet& set : {operators({"+", "*"}), operators({"-", "*", "/"}),
                             operators({"+", "*", "inv", "exp"}), OpSet::all()}) {
        const TermLibrary library(blocks, data.y, library_of(set));
        REQUIRE(library.size() > 3);
        for (std::size_t t = 0; t < library.size(); ++t) {
            const std::vector<int> one = {static_cast<int>(t)};
            const std::vector<double> coefficient = {2.5};
            const Tape tape = library.sum(one, coefficient, 0.75);
            for (const Node& node : tape) {
                CHECK(set.has(node.op));
            }
            CHECK(static_cast<int>(tape.size()) <= library.group(one).nodes);
            std::vector<double> values(data.y.size());
            evaluate(tape, data.view(), values, 1);
            for (std::size_t i = 0; i < values.size(); i += 37) {
                const double term = library.column(t)[i] / library.scale(t) + library.mean(t);
                CHECK(values[i] == doctest::Approx(2.5 * term + 0.75));
            }
            for (std::size_t other = 0; other < t; ++other) {
                double product = 0.0;
                for (std::size_t i = 0; i < data.y.size(); ++i) {
                    product += library.column(t)[i] * library.column(other)[i];
                }
                CHECK(std::abs(product) < (1.0 - 0.9e-5) * static_cast<double>(data.y.size()));
            }
        }
    }
    CHECK(TermLibrary(blocks, data.y, library_of(operators({"sin", "+"}))).size() == 0);
}

TEST_CASE("library: terms that one row dominates, and undefined ones, are left out") {
    Rows data = rows_of("a", 200, 2, 0.0);
    data.x[0] = 1e-4;   // 1/a has one huge value
    data.x[3] = -1e-9;  // no log(b), no sqrt(b)
    const TermLibrary library(RowBlocks(data.view()), data.y, library_of(OpSet::all()));
    for (std::size_t t = 0; t < library.size(); ++t) {
        for (std::size_t i = 0; i < library.rows(); ++i) {
            CHECK(std::abs(library.column(t)[i]) <= 5.0);
        }
    }
}

TEST_CASE("grouping: shared factors are counted once, and the tape has that size") {
    const Rows data = rows_of("a + b + c", 120, 4, 0.0);
    const OpSet set = operators({"+", "-", "*", "/", "sqrt", "square", "log"});
    const TermLibrary library(RowBlocks(data.view()), data.y, library_of(set));
    Random random(2, 0);
    for (int trial = 0; trial < 300; ++trial) {
        std::vector<int> terms;
        std::vector<double> coefficients;
        int apart = 1;
        while (terms.size() < 1 + static_cast<std::size_t>(trial) % 9) {
            const auto t = static_cast<int>(random.below(library.size()));
            if (std::find(terms.begin(), terms.end(), t) == terms.end()) {
                terms.push_back(t);
                coefficients.push_back(random.uniform(0.5, 3.0));
                apart += library.term(static_cast<std::size_t>(t)).nodes;
            }
        }
        const int nodes = library.group(terms).nodes;
        CHECK(nodes <= apart);
        const Tape tape = library.sum(terms, coefficients, 0.25);
        CHECK(static_cast<int>(tape.size()) <= nodes + 1);
        std::vector<double> values(data.y.size());
        evaluate(tape, data.view(), values, 1);
        double expected = 0.25;
        for (std::size_t k = 0; k < terms.size(); ++k) {
            const auto t = static_cast<std::size_t>(terms[k]);
            expected +=
                coefficients[k] * (library.column(t)[7] / library.scale(t) + library.mean(t));
        }
        CHECK(values[7] == doctest::Approx(expected));
    }
}

TEST_CASE("term set: updates give what least squares on the rows gives") {
    const Rows data = rows_of("a*b + log(c)", 90, 3, 0.3);
    const auto weights = some_weights(90);
    const OpSet set = operators({"+", "-", "*", "/", "log", "sqrt"});
    const TermLibrary library(RowBlocks(data.view()), data.y, library_of(set));
    const TermCovariance covariance(library, data.y, weights);
    Random random(1, 0);
    TermSet terms(covariance);
    std::vector<double> gains(library.size());
    for (int step = 0; step < 60; ++step) {
        if (terms.terms().size() > 5) {
            terms.remove(random.below(terms.terms().size()));
            terms.remove(random.below(terms.terms().size()));
        }
        terms.gains(gains);
        const std::size_t t = random.below(library.size());
        if (gains[t] > 0.0) {
            terms.add(static_cast<int>(t));
        }
        const double error = error_of(library, terms.terms(), data.y, weights);
        REQUIRE(terms.error() == doctest::Approx(error).epsilon(1e-6));
        // Every swap of the last term, as promised by gains_without.
        if (terms.terms().size() > 1 && step % 10 == 0) {
            terms.gains_without(terms.terms().size() - 1, gains);
            std::vector<int> others = terms.terms();
            for (std::size_t s = 0; s < library.size(); s += 7) {
                others.back() = static_cast<int>(s);
                const bool inside = std::find(others.begin(), others.end() - 1,
                                              static_cast<int>(s)) != others.end() - 1;
                const double swapped = error_of(library, others, data.y, weights);
                if (!inside && terms.error() - gains[s] < 0.999 * error) {
                    CHECK(terms.error() - gains[s] == doctest::Approx(swapped).epsilon(1e-5));
                }
            }
        }
    }
}

TEST_CASE("selection: as good as trying every subset") {
    const Rows data = rows_of("a + 2*b/a - 0.5*a*b", 60, 2, 0.5);
    const std::vector<double> weights(60, 1.0);
    const TermLibrary library(RowBlocks(data.view()), data.y,
                              library_of(operators({"+", "-", "*", "/", "log"})));
    REQUIRE(library.size() < 24);
    const TermCovariance covariance(library, data.y, weights);
    for (const int budget : {8, 14, 18}) {
        double best = covariance.target_variance();
        const auto count = static_cast<int>(library.size());
        for (unsigned subset = 1; subset < 1U << static_cast<unsigned>(count); ++subset) {
            std::vector<int> terms;
            for (int t = 0; t < count; ++t) {
                if ((subset >> static_cast<unsigned>(t) & 1U) != 0) {
                    terms.push_back(t);
                }
            }
            if (terms.size() <= 4 && library.group(terms).nodes <= budget) {
                best = std::min(best, error_of(library, terms, data.y, weights));
            }
        }
        Random random(1, 1);
        SelectionOptions options;
        options.max_nodes = budget;
        options.iterations = 200;
        const auto found = select_terms(covariance, options, random, never);
        CHECK(library.group(found).nodes <= budget);
        CHECK(error_of(library, found, data.y, weights) <= best * (1.0 + 1e-4));
    }
}

TEST_CASE("sums of terms: planted sums come back, under each link") {
    const OpSet all = OpSet::all();
    for (const std::string law : {"3*a*b - 2*c/d + 0.5*sqrt(e) + 4", "exp(0.3*a*b - 0.7*c/d + 0.2)",
                                  "(a + 0.5*b*c + 2)**2", "1/(a + 0.5*b*c + 2)"}) {
        CAPTURE(law);
        const Rows data = rows_of(law, 300, 6, 0.0);
        const auto found = sums_of_terms(data.view(), data.y, {}, sum_options(all, 30, 20, 2));
        REQUIRE(!found.empty());
        double variance = 0.0;
        for (const double y : data.y) {
            variance += y * y / 300.0;
        }
        CHECK(found.back().loss < 1e-16 * variance);
        for (const Candidate& candidate : found) {
            CHECK(candidate.tape.size() <= 30);
        }
    }
}

TEST_SUITE("threads") {
    TEST_CASE("sums of terms: the same for any number of threads") {
        const Rows data = rows_of("exp(0.3*a*b) + tan(0.3*c) + d/e", 200, 6, 0.2);
        const auto one =
            sums_of_terms(data.view(), data.y, {}, sum_options(OpSet::all(), 40, 12, 1));
        const auto three =
            sums_of_terms(data.view(), data.y, {}, sum_options(OpSet::all(), 40, 12, 3));
        REQUIRE(one.size() == three.size());
        for (std::size_t i = 0; i < one.size(); ++i) {
            CHECK(one[i].loss == three[i].loss);
            CHECK(print(one[i].tape, data.names()) == print(three[i].tape, data.names()));
        }
    }
}

TEST_CASE("sums of terms: bad sizes, no limit, hopeless targets") {
    const Rows data = rows_of("a", 50, 2, 0.0);
    SumOptions options = sum_options(OpSet::all(), 20, 5, 1);
    const std::vector<double> constant(50, 3.0);
    CHECK(sums_of_terms(data.view(), constant, {}, options).empty());
    const std::vector<double> few(49, 3.0);
    CHECK_THROWS_AS(sums_of_terms(data.view(), few, {}, options), std::invalid_argument);
    options.iterations = 0;
    CHECK_THROWS_AS(sums_of_terms(data.view(), data.y, {}, options), std::invalid_argument);
}

TEST_CASE("sums of terms: no time, no library") {
    const Rows data = rows_of("a", 50, 2, 0.0);
    LibraryOptions options = library_of(OpSet::all());
    options.stop = StopToken(0.0);
    CHECK(TermLibrary(RowBlocks(data.view()), data.y, options).size() == 0);
}
