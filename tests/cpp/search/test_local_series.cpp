// Functions of arguments that hardly change.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "search/local_series.hpp"

namespace closedform {
namespace {

const std::vector<std::string> names = {"x"};

struct Line {
    std::vector<double> x;
    RowBlocks blocks;

    Line(double low, double high) {
        for (int i = 0; i <= 100; ++i) {
            x.push_back(low + (high - low) * i / 100.0);
        }
        blocks = RowBlocks(view());
    }
    MatrixView<const double> view() const { return {x.data(), x.size(), 1}; }
};

Tape read(std::string_view text) { return parse(text, names); }

std::vector<Tape> series_of(std::string_view text, const Line& line) {
    Workspace workspace;
    return local_series(read(text), line.blocks, workspace);
}

/// Largest difference over the change of the first.
double off(const Tape& a, const Tape& b, const Line& line) {
    std::vector<double> f(line.x.size());
    std::vector<double> g(line.x.size());
    evaluate(a, line.view(), std::span(f), 1);
    evaluate(b, line.view(), std::span(g), 1);
    double most = 0.0;
    for (std::size_t i = 0; i < f.size(); ++i) {
        most = std::max(most, std::abs(f[i] - g[i]));
    }
    return most / (*std::max_element(f.begin(), f.end()) - *std::min_element(f.begin(), f.end()));
}

TEST_CASE("a function that hardly bends on the rows has its parabola, at any depth") {
    const Line line(0.3, 4.0);
    for (const std::string_view text : {"1 + sin(0.01*x + 4.7)", "1/(1.2 - 7*cos(0.003*x - 3.14))",
                                        "exp(0.1*x)*x", "sqrt(x + 20) - x", "log(x/30 + 3)"}) {
        CAPTURE(text);
        const auto found = series_of(text, line);
        REQUIRE(!found.empty());
        for (const Tape& tape : found) {
            CHECK(off(read(text), tape, line) < 0.02);
        }
    }
    const auto parabola = series_of("1 + sin(0.01*x + 4.7)", line);
    REQUIRE(parabola.size() == 1);
    CHECK(std::count_if(parabola[0].begin(), parabola[0].end(),
                        [](const Node& node) { return node.op == Op::square; }) == 1);
    CHECK(off(read("1 + sin(0.01*x + 4.7)"), parabola[0], line) < 1e-4);
}

TEST_CASE("a function that bends otherwise, of no input or without a value there has none") {
    const Line line(0.3, 4.0);
    for (const std::string_view text : {"sin(x)", "exp(-x)", "log(x)", "x**2", "x + sin(1.3)",
                                        "sqrt(x - 1)", "1/x", "exp(400*x)"}) {
        CAPTURE(text);
        CHECK(series_of(text, line).empty());
    }
    CHECK(series_of("sin(x)", Line(1.0, 1.0)).empty());  // all rows alike
}

}  // namespace
}  // namespace closedform
