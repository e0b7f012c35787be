// Searches in a form that is given: groups of rows, the functions of a template, both.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/expression/infix.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/objective/target.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"

namespace closedform {
namespace {

const std::vector<std::string> names = {"a", "b"};
const std::vector<std::string> argument = {"u"};

/// Of three groups their own multiple of a^2 + b^2.
struct Rows {
    static constexpr std::size_t count = 90;
    std::vector<double> x;
    std::vector<double> y;
    std::vector<std::int64_t> groups;

    Rows() {
        Random random(7, 0);
        for (std::size_t i = 0; i < count; ++i) {
            const double a = 0.5 + random.uniform();
            const double b = 0.5 + random.uniform();
            groups.push_back(static_cast<std::int64_t>(i % 3));
            x.insert(x.end(), {a, b});
            y.push_back((1.5 + static_cast<double>(i % 3)) * (a * a + b * b));
        }
    }
    MatrixView<const double> view() const { return {x.data(), count, 2}; }
};

SearchOptions told(const Template& form, unsigned threads = 1) {
    SearchOptions options;
    options.operators.insert(Op::add);
    options.operators.insert(Op::mul);
    options.max_size = 7;
    options.evaluations = 400;
    options.threads = threads;
    options.whole = &form;
    return options;
}

TEST_CASE("A template's constants are each group's own, for any number of threads") {
    const Rows rows;
    const ValueTarget values(rows.y, {});
    const Template form = parse_template("f(a) + f(b)", names);
    const TemplateTarget through(values, form);
    const GroupTarget grouped(through, rows.groups);
    SearchOptions options = told(form);
    options.start = {parse("2.5*(u*u)", argument)};
    const SearchResult own = search(rows.view(), grouped, options, {});
    REQUIRE(!own.front.empty());
    CHECK(own.front.back().loss < 1e-20);
    const SearchResult shared = search(rows.view(), through, options, {});
    CHECK(shared.front.back().loss > 0.1);
    options.threads = 2;
    const SearchResult again = search(rows.view(), grouped, options, {});
    REQUIRE(again.front.size() == own.front.size());
    for (std::size_t i = 0; i < own.front.size(); ++i) {
        CHECK(again.front[i].tape == own.front[i].tape);
    }
}

TEST_CASE("What a template's search begins with is of its functions, and keeps the rules") {
    const Rows rows;
    const ValueTarget values(rows.y, {});
    const Template form = parse_template("f(a) + g(b)", names);
    const TemplateTarget through(values, form);
    SearchOptions options = told(form);
    options.start = {parse("u*u", argument)};  // g's is missing
    CHECK_THROWS_AS(search(rows.view(), through, options, {}), std::invalid_argument);
    const std::vector<Tape> parts = {parse("2.5*(u*u)", argument), parse("u", argument)};
    options.start = {join_parts(parts)};
    options.rules.forbidden = {{Op::mul, 0}};
    const SearchResult found = search(rows.view(), through, options, {});
    REQUIRE(!found.front.empty());
    for (const Candidate& one : found.front) {
        const Tape first = parts_of(one.tape).front();
        for (const Node& node : first) {
            CHECK(node.op != Op::mul);
        }
    }
}

}  // namespace
}  // namespace closedform
