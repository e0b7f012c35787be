// Batches of expressions on a device run on the host; see test_tensor_surrogate.cpp.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/objective/target.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"
#include "cuda/objective/full_data_driver.hpp"
#include "cuda/runtime/host_runtime.hpp"
#include "expression/workspace.hpp"
#include "objective/objective.hpp"

using namespace closedform;

namespace {

constexpr std::size_t columns = 3;

struct Data {
    std::vector<double> x, y, labels, weights, directions, scales;
};

template <class Real>
Data random_data(std::size_t rows) {
    Random random(4, rows);
    Data data;
    const auto number = [&](double low, double high) {
        return static_cast<double>(static_cast<Real>(random.uniform(low, high)));
    };
    for (std::size_t i = 0; i < rows; ++i) {
        data.y.push_back(number(-1, 1));
        data.labels.push_back(i % 3 == 0 ? -1.0 : 1.0);
        data.weights.push_back(i % 7 == 0 ? 0.0 : 1.0);
        double squares = 0;
        for (std::size_t j = 0; j < columns; ++j) {
            data.x.push_back(number(0.5, 2.0));
            data.directions.push_back(random.normal());
            data.scales.push_back(number(0.5, 2.0));
            squares += data.directions.back() * data.directions.back();
        }
        for (std::size_t j = 0; j < columns; ++j) {
            data.directions[i * columns + j] = static_cast<double>(
                static_cast<Real>(data.directions[i * columns + j] / std::sqrt(squares)));
        }
    }
    return data;
}

/// Expressions whose rounding is known to stay small: no difference of large numbers, no angle far
/// out. Each with the sizes of tape that matter: one node, two, many.
std::vector<Tape> tapes() {
    std::vector<Tape> all;
    for (const char* text :
         {"x", "2.5", "x*y + z", "exp(-x)*sin(y + 0.5)/(z + 2.5)", "log(x + y)*cos(z)",
          "sqrt(x)*tanh(y) + abs(z)", "pow(x, 1.5) + cube(y) + square(z)", "tan(0.3*x) + inv(y)",
          "erf(x)*atan(y) + asin(0.1*z)*acos(0.1*x)", "sinh(0.5*x) - cosh(y)*log10(z)",
          "max(x, y)*sign(z - 1.25) + min(y, z)*(x > 1.25)",
          "x + (y + (z + (x + (y + (z + (x + (y + (z + x))))))))"}) {
        all.push_back(parse(text, std::vector<std::string>{"x", "y", "z"}));
    }
    return all;
}

std::unique_ptr<Target> goal_of(TargetArrays::Kind kind, const Data& data) {
    const std::size_t rows = data.y.size();
    switch (kind) {
        case TargetArrays::Kind::values:
            return std::make_unique<ValueTarget>(data.y, data.weights);
        case TargetArrays::Kind::labels:
            return std::make_unique<LabelTarget>(data.labels, data.weights);
        default:
            return std::make_unique<DirectionTarget>(
                MatrixView<const double>(data.directions.data(), rows, columns),
                MatrixView<const double>(data.scales.data(), rows, columns), data.weights,
                Sign::common);
    }
}

/// What rounding of the sums is measured against: the sum of the absolute terms.
double size_of(TargetArrays::Kind kind, const Data& data, const Tape& tape) {
    const std::size_t rows = data.y.size();
    if (kind == TargetArrays::Kind::directions) {  // w (|u| + |v|)^2, both signs
        return 8 * std::accumulate(data.weights.begin(), data.weights.end(), 0.0);
    }
    std::vector<double> f(rows);
    evaluate(tape, MatrixView<const double>(data.x.data(), rows, columns), f, 1);
    double size = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        const double sum = std::abs(f[i]) + 1.0;
        size += data.weights[i] * (kind == TargetArrays::Kind::values ? sum * sum : sum);
    }
    return size;
}

template <class X, class Real>
void compare(std::size_t rows, std::size_t memory, std::size_t shared, std::size_t part,
             std::size_t least_launches) {
    CAPTURE(rows);
    const Data data = random_data<X>(rows);
    const std::vector<X> x(data.x.begin(), data.x.end());
    const std::vector<Tape> batch = tapes();
    const double eps = static_cast<double>(std::numeric_limits<Real>::epsilon());
    // Sums over a part's rows, thread by thread and pairwise, and some operators a row.
    const double terms = static_cast<double>(part) / 128 + 10 + 50;
    for (const auto kind :
         {TargetArrays::Kind::values, TargetArrays::Kind::labels, TargetArrays::Kind::directions}) {
        CAPTURE(static_cast<int>(kind));
        const auto target = goal_of(kind, data);
        gpu::TapeScorer<X, gpu::HostRuntime> scorer({x.data(), rows, columns}, target->arrays(),
                                                    part, memory, shared);
        const auto found = scorer.template sums<Real>(batch);
        const auto again = scorer.template sums<Real>(batch);
        CHECK(scorer.runtime().launches() >= 2 * least_launches);
        REQUIRE(found.size() == batch.size());
        std::vector<std::size_t> all(rows);
        std::iota(all.begin(), all.end(), std::size_t{0});
        const MatrixView<const double> view(data.x.data(), rows, columns);
        const auto objective = target->at(RowBlocks(view), all, {{1.0, 1.0, 1.0}, 1.0});
        Workspace workspace;
        for (std::size_t e = 0; e < batch.size(); ++e) {
            CAPTURE(e);
            CHECK(found[e].as_is == again[e].as_is);
            CHECK(found[e].negated == again[e].negated);
            const LossSums truth = objective->sums(batch[e], workspace);
            const double most = terms * eps * size_of(kind, data, batch[e]);
            CHECK(found[e].weight == truth.weight);
            CHECK(std::abs(found[e].as_is - truth.as_is) <= most);
            if (kind == TargetArrays::Kind::directions) {
                CHECK(std::abs(found[e].negated - truth.negated) <= most);
            } else {
                CHECK(found[e].negated == std::numeric_limits<double>::infinity());
            }
        }
    }
}

/// The type of X, and the arithmetic's.
template <class First, class Second>
struct Types {
    using X = First;
    using Real = Second;
};

constexpr std::size_t plenty = std::size_t{1} << 30U;

}  // namespace

TEST_CASE_TEMPLATE("grid: batches of expressions have the CPU's objectives", T, Types<float, float>,
                   Types<float, double>, Types<double, double>) {
    using X = typename T::X;
    using Real = typename T::Real;
    for (const std::size_t rows : {1U, 127U, 128U, 129U, 255U, 256U, 257U, 1000U}) {
        compare<X, Real>(rows, plenty, 64 << 10U, 256, 2);
    }
    compare<X, Real>(300, plenty, 4 << 10U, 256, 2);  // the stack in the device's memory
    // At most 3 inputs and 7 other numbers a row, half of the memory not enough for all.
    compare<X, Real>(5000, (3 * sizeof(X) + 2 * 8) * 6000, 64 << 10U, 256, 6);
}

TEST_CASE("grid: no rows and no expressions are no work") {
    const std::vector<double> none;
    gpu::TapeScorer<double, gpu::HostRuntime> no_rows(
        {none.data(), 0, 1}, {TargetArrays::Kind::values, {none.data(), 0, 1}, {}, {}, Sign::kept},
        gpu::tape_part_rows, plenty, std::size_t{64} << 10U);
    const std::vector<Tape> one = {{Node::constant(1.0)}};
    CHECK(std::isinf(losses_on_all_rows(one, no_rows).at(0)));
    CHECK(losses_on_all_rows({}, no_rows).empty());
    CHECK(no_rows.runtime().launches() == 0);
    CHECK_THROWS_AS((gpu::TapeScorer<double, gpu::HostRuntime>(
                        {none.data(), 0, 1},
                        {TargetArrays::Kind::values, {none.data(), 1, 1}, {}, {}, Sign::kept},
                        gpu::tape_part_rows, plenty, std::size_t{64} << 10U)),
                    std::invalid_argument);
    // Directions with a sign of every row's own are compared on the CPU alone.
    CHECK_THROWS_AS((gpu::TapeScorer<double, gpu::HostRuntime>(
                        {none.data(), 0, 1},
                        {TargetArrays::Kind::directions, {none.data(), 0, 1}, {}, {}, Sign::of_row},
                        gpu::tape_part_rows, plenty, std::size_t{64} << 10U)),
                    std::invalid_argument);
}

TEST_CASE("grid: what is not defined has no loss, and a constant no direction") {
    const std::vector<double> x = {1.0, -1.0, 0.5, 2.0};
    const std::vector<double> u = {1.0, 1.0, 1.0, 1.0};
    const MatrixView<const double> view(x.data(), 4, 1);
    const MatrixView<const double> ones(u.data(), 4, 1);
    using Scorer = gpu::TapeScorer<double, gpu::HostRuntime>;
    const auto scorer = [&](const Target& target) {
        return std::make_unique<Scorer>(view, target.arrays(), gpu::tape_part_rows, plenty,
                                        std::size_t{64} << 10U);
    };
    const std::vector<std::string> names = {"x"};
    const std::vector<Tape> batch = {parse("log(x)", names), parse("1/(3 - 3)", names),
                                     parse("3*x", names), parse("0 - 3*x", names)};
    const auto loss = losses_on_all_rows(batch, *scorer(ValueTarget(u, {})));
    CHECK(std::isinf(loss[0]));
    CHECK(std::isinf(loss[1]));
    CHECK(loss[2] == doctest::Approx((4 + 16 + 0.25 + 25) / 4));
    const auto hinge = losses_on_all_rows(batch, *scorer(LabelTarget(u, {})));
    CHECK(std::isinf(hinge[0]));
    CHECK(hinge[2] == doctest::Approx(4.0 / 4));
    const auto angle =
        losses_on_all_rows(batch, *scorer(DirectionTarget(ones, {}, {}, Sign::kept)));
    CHECK(std::isinf(angle[0]));
    CHECK(angle[1] == 1.0);
    CHECK(angle[2] == 0.0);
    CHECK(angle[3] == 4.0);  // signed
}

namespace {

/// A law of two inputs at more rows than the islands of a search look at.
template <class X>
struct LawData {
    std::vector<X> x;
    std::vector<double> y, directions;

    explicit LawData(std::size_t rows) {
        Random random(3, 1);
        for (std::size_t i = 0; i < rows; ++i) {
            x.push_back(static_cast<X>(random.uniform(0.5, 2.0)));
            const auto a = static_cast<double>(x.back());
            x.push_back(static_cast<X>(random.uniform(-2.0, 2.0)));
            const auto b = static_cast<double>(x.back());
            y.push_back(3.0 * a * std::sin(b) + 1.5);
            const double da = std::sin(b);
            const double db = a * std::cos(b);
            const double length = std::sqrt(da * da + db * db);
            directions.insert(directions.end(), {da / length, db / length});
        }
    }
    MatrixView<const X> view() const { return {x.data(), y.size(), 2}; }
};

SearchOptions small_search() {
    SearchOptions options;
    options.operators = OpSet(std::vector<std::string_view>{"+", "*", "sin", "exp"});
    options.seconds = std::numeric_limits<double>::infinity();
    options.evaluations = 40000;
    options.max_size = 12;
    options.threads = 1;
    options.islands = 4;
    return options;
}

}  // namespace

TEST_CASE_TEMPLATE("grid: a search with its batches on a device finds the CPU's formulas", X, float,
                   double) {
    const LawData<X> data(9000);
    const MatrixView<const X> x = data.view();
    const ValueTarget values(data.y, {});
    const DirectionTarget directions({data.directions.data(), data.y.size(), 2}, {}, {},
                                     Sign::common);
    for (const Target* target :
         {static_cast<const Target*>(&values), static_cast<const Target*>(&directions)}) {
        SearchOptions options = small_search();
        const SearchResult here = search(x, *target, options, {});
        options.threads = 2;
        // Once with room for all rows, once a chunk at a time.
        for (const std::size_t memory : {plenty, std::size_t{300'000}}) {
            gpu::TapeScorer<X, gpu::HostRuntime> scorer(x, target->arrays(), 512, memory,
                                                        std::size_t{48} << 10U);
            options.loss_rows = &scorer;
            const SearchResult there = search(x, *target, options, {});
            CHECK(scorer.resident() == (memory == plenty));
            // Two at the one exchange, or more, and two for the last losses; or two for each of
            // five chunks or more.
            CHECK(scorer.runtime().launches() >= (scorer.resident() ? 4U : 10U));
            CHECK(there.evaluations == here.evaluations);
            CHECK(there.node_evaluations == here.node_evaluations);
            REQUIRE(there.front.size() >= here.front.size());
            const auto& law = there.front.back();
            CHECK(law.tape == here.front.back().tape);
            CHECK(law.loss <= 1e-25);
            for (const Candidate& candidate : there.front) {
                const double loss =
                    losses_on_all_rows(std::vector<Tape>{candidate.tape}, *loss_sums(x, *target, 1))
                        .at(0);
                CHECK(candidate.loss == doctest::Approx(loss).epsilon(1e-9).scale(1e-9));
            }
        }
    }
}
