// Whatever is asked for, a front has no other operators and no larger expressions.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/search/search.hpp"
#include "closedform/terms/sums_of_terms.hpp"
#include "core/random.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> names = {"a", "b", "c"};

OpSet random_operators(Random& random) {
    OpSet set;
    const std::size_t count = 1 + random.below(4);
    for (std::size_t i = 0; i < count; ++i) {
        set.insert(static_cast<Op>(2 + random.below(static_cast<std::size_t>(op_count) - 2)));
    }
    return set;
}

std::string text(const OpSet& operators) {
    std::string all;
    for (const int operand_count : {1, 2}) {
        for (const Op op : operators.of_arity(operand_count)) {
            all += std::string(name(op)) + ' ';
        }
    }
    return all;
}

/// Rows of as many columns, with a value, a unit direction and a label each.
struct Rows {
    std::size_t columns;
    std::vector<double> x, y, u, labels;
    MatrixView<const double> view() const { return {x.data(), y.size(), columns}; }
    MatrixView<const double> directions() const { return {u.data(), y.size(), columns}; }
};

Rows random_rows(Random& random, double scale) {
    Rows rows;
    rows.columns = 1 + random.below(3);
    const std::size_t count = 20 + random.below(150);
    for (std::size_t i = 0; i < count; ++i) {
        double sum = 0.0;
        double square = 0.0;
        for (std::size_t j = 0; j < rows.columns; ++j) {
            const double value = random.uniform(0.2, 3.0);
            const double along = random.normal();
            rows.x.push_back(scale * value);
            rows.u.push_back(along);
            square += along * along;
            sum += std::sin(2.0 * value) * (1.0 + static_cast<double>(j)) + value * value;
        }
        for (std::size_t j = 0; j < rows.columns; ++j) {
            rows.u[i * rows.columns + j] /= std::sqrt(square);
        }
        rows.y.push_back(scale * sum);
        rows.labels.push_back(random.chance(0.5) ? 1.0 : -1.0);
    }
    return rows;
}

void check_front(const std::vector<Candidate>& front, const OpSet& operators,
                 std::size_t max_size) {
    for (const Candidate& candidate : front) {
        CAPTURE(print(candidate.tape, names));
        CHECK(candidate.tape.size() <= max_size);
        CHECK(uses_only(candidate.tape, operators));
        CHECK(uses_only(parse(print(candidate.tape, names), names), operators));
        CHECK(std::isfinite(candidate.loss));
    }
}

}  // namespace

TEST_CASE("fronts keep to the operators and the size, for values, gradients and labels") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random(seed, 77);
        SearchOptions options;
        options.operators = random_operators(random);
        options.max_size = 1 + random.below(12);
        options.seconds = std::numeric_limits<double>::infinity();
        options.evaluations = 3000;
        options.islands = 2;
        options.threads = 2;
        options.seed = seed;
        options.start = {parse("sin(a) - 2*a/(a + 1)", names), parse("a", names)};
        const Rows rows = random_rows(random, seed % 3 == 0 ? 1.0 : 1e6);
        CAPTURE(seed);
        CAPTURE(text(options.operators));
        CAPTURE(options.max_size);
        const auto found = [&](const Target& target) {
            const SearchResult result = search(rows.view(), target, options, {});
            CHECK(!result.front.empty());
            check_front(result.front, options.operators, options.max_size);
        };
        found(ValueTarget(rows.y, {}));
        if (!options.operators.has(Op::greater)) {  // which has no gradient
            found(DirectionTarget(rows.directions(), {}, {},
                                  seed % 2 == 0 ? Sign::kept : Sign::common));
        }
        found(LabelTarget(rows.labels, {}));
        SumOptions sums;
        sums.operators = options.operators;
        sums.max_size = options.max_size;
        sums.iterations = 5;
        sums.seconds = std::numeric_limits<double>::infinity();
        check_front(sums_of_terms(rows.view(), rows.y, {}, sums), sums.operators, sums.max_size);
    }
}

TEST_CASE("a law is found in few operators: where algebra needs more, as it was written") {
    const auto found = [](const std::string& law, const std::vector<std::string_view>& operators) {
        Random random(5, 0);
        std::vector<double> x;
        for (int i = 0; i < 200; ++i) {
            x.push_back(random.uniform(0.5, 2.0));
        }
        std::vector<double> y(100);
        const MatrixView<const double> view = {x.data(), 100, 2};
        evaluate(parse(law, names), view, y, 1);
        SearchOptions options;
        options.operators = OpSet(operators);
        options.seconds = std::numeric_limits<double>::infinity();
        options.evaluations = 100000;
        options.max_size = 9;
        options.threads = 2;
        const SearchResult result = search(view, ValueTarget(y, {}), options, {});
        REQUIRE(!result.front.empty());
        CHECK(result.front.back().loss < 1e-24);
        check_front(result.front, options.operators, options.max_size);
    };
    found("sin(a + a)", {"+", "sin"});
    found("a - sin(b - 1)", {"-", "sin"});
    found("a*b/(a + b)", {"/", "+"});
    found("2.5*sin(3*a)", {"*", "sin"});
    found("a^4", {"square"});
    found("a*a*b", {"/"});
}

TEST_CASE("what emit cannot write with the operators is empty, not written with others") {
    const auto written = [](const std::string& text, const std::vector<std::string_view>& allowed) {
        const Tape tape = emit(canonical(parse(text, names)), OpSet(allowed));
        return tape.empty() ? std::string() : print(tape, names);
    };
    CHECK(written("a + a", {"+"}).empty());
    CHECK(written("a + b", {"-"}) == "a - (0 - b)");
    CHECK(written("a*b", {"/"}) == "a/(1/b)");
    CHECK(written("3*a", {"sin"}).empty());
    CHECK(written("1/a", {"pow"}) == "a**-1");
    CHECK(written("1/a", {"*", "+"}).empty());
}
