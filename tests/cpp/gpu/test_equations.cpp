// Normal equations of batches of expressions on a device run on the host; see
// test_tensor_surrogate.cpp.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/objective/target.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"
#include "cuda/objective/equations_driver.hpp"
#include "cuda/runtime/host_runtime.hpp"
#include "expression/derivative.hpp"
#include "search/batch_scorer.hpp"

using namespace closedform;

namespace {

constexpr std::size_t columns = 3;
constexpr std::size_t plenty = std::size_t{1} << 30U;
constexpr std::size_t shared = std::size_t{64} << 10U;
using OnDevice = gpu::EquationScorer<double, gpu::HostRuntime>;

struct Sample {
    std::vector<double> x, y, weights;

    explicit Sample(std::size_t rows) {
        Random random(4, rows);
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
                x.push_back(random.uniform(0.5, 2.0));
            }
            y.push_back(random.uniform(-1, 1));
            weights.push_back(i % 7 == 3 ? 0.0 : random.uniform(0.5, 2.0));
        }
    }
    MatrixView<const double> view() const { return {x.data(), y.size(), columns}; }
};

/// With none, one and several constants, with more sums than a block has threads, with an exponent
/// that is structure, and with all that operators are to a derivative.
std::vector<Tape> tapes() {
    std::string many = "0.01*x";
    for (int k = 0; k < 17; ++k) {
        many += k % 2 == 0 ? " + 0.3*y*z" : " + 1.7*x";
    }
    std::vector<Tape> all;
    for (const std::string& text :
         {std::string("x"), std::string("2.5"), std::string("x*y + pow(z, 2)"),
          std::string("1.5*exp(-0.7*x)*sin(2*y + 0.5)/(z + 2.5)"),
          std::string("log(1.2*x + y)*cos(0.3*z)"),
          std::string("sqrt(0.4*x)*tanh(1.1*y) + abs(z - 1.3)"),
          std::string("pow(1.1*x, 1.37) + 0.2*cube(y) + square(0.9*z)"),
          std::string("tan(0.3*x) + inv(0.7*y) - 2*z"),
          std::string("erf(0.5*x)*atan(2*y) + asin(0.1*z)*acos(0.1*x)"),
          std::string("sinh(0.5*x) - cosh(0.3*y)*log10(2*z)"),
          std::string("max(x, 1.1*y)*sign(z - 1.25) + min(0.8*y, z)*(x > 1.25)"), many}) {
        all.push_back(parse(text, std::vector<std::string>{"x", "y", "z"}));
    }
    return all;
}

/// The obvious way: derivatives as expressions, every product of two columns by itself. Each sum
/// with that of its absolute terms.
struct Reference {
    std::vector<double> sums, sizes;

    Reference(const Tape& tape, const Sample& data) {
        const auto positions = constant_positions(tape);
        const std::size_t rows = data.y.size();
        const std::size_t wide = columns + positions.size();
        Tape open = tape;
        std::vector<double> x(rows * wide);
        for (std::size_t i = 0; i < rows; ++i) {
            std::copy_n(data.x.data() + i * columns, columns, x.data() + i * wide);
            for (std::size_t k = 0; k < positions.size(); ++k) {
                x[i * wide + columns + k] = tape[positions[k]].value;
            }
        }
        for (std::size_t k = 0; k < positions.size(); ++k) {
            open[positions[k]] = Node::input(static_cast<int>(columns + k));
        }
        fix_sizes(open);
        std::vector<std::vector<double>> column;
        for (std::size_t k = 0; k <= positions.size(); ++k) {
            const bool last = k == positions.size();
            column.emplace_back(rows);
            evaluate(last ? open : derivative(open, static_cast<int>(columns + k)),
                     MatrixView<const double>(x.data(), rows, wide), column.back(), 1);
            for (std::size_t i = 0; i < rows; ++i) {
                column[k][i] -= last ? data.y[i] : 0.0;
            }
            for (std::size_t l = 0; l <= k; ++l) {
                double sum = 0;
                double size = 0;
                for (std::size_t i = 0; i < rows; ++i) {
                    // What the residual is a difference of counts in full.
                    const double off = last ? 2 * std::abs(data.y[i]) : 0.0;
                    const double term = data.weights[i] * column[k][i] * column[l][i];
                    sum += term;
                    size += data.weights[i] * (std::abs(column[k][i]) + off + 1) *
                            (std::abs(column[l][i]) + (l == k ? off : 0.0) + 1);
                }
                sums.push_back(sum);
                sizes.push_back(size);
            }
        }
    }
};

std::vector<double> triangle(const NormalEquations& equations) {
    std::vector<double> all = equations.gram;
    all.insert(all.end(), equations.gradient.begin(), equations.gradient.end());
    all.push_back(equations.loss);
    return all;
}

std::vector<EquationSums> asked(EquationRowSums& rows, std::span<const Tape> batch) {
    std::vector<EquationSums> total(batch.size());
    CHECK(rows.add(batch, StopToken(), total));
    return total;
}

void compare(std::size_t rows, std::size_t memory, std::size_t shared_memory, std::size_t part,
             std::size_t launches) {
    CAPTURE(rows);
    const Sample data(rows);
    const ValueTarget target(data.y, data.weights);
    const std::vector<Tape> batch = tapes();
    OnDevice scorer(data.view(), target.arrays(), part, memory, shared_memory);
    const auto found = asked(scorer, batch);
    CHECK(scorer.runtime().launches() == launches);
    const auto again = asked(scorer, batch);
    const auto here = asked(*equation_sums<double>(data.view(), target, 1), batch);
    constexpr double eps = std::numeric_limits<double>::epsilon();
    const double terms = static_cast<double>(part) / 4 + 10 + 50;  // as in test_full_data.cpp
    for (std::size_t e = 0; e < batch.size(); ++e) {
        CAPTURE(e);
        const Reference truth(batch[e], data);
        const auto sums = triangle(found[e].weighted);
        const auto cpu = triangle(here[e].weighted);
        CHECK(sums == triangle(again[e].weighted));
        CHECK(found[e].weight == doctest::Approx(here[e].weight).epsilon(1e-15));
        REQUIRE(sums.size() == truth.sums.size());
        REQUIRE(sums.size() == cpu.size());
        for (std::size_t i = 0; i < sums.size(); ++i) {
            CAPTURE(i);
            CHECK(std::abs(sums[i] - truth.sums[i]) <= terms * eps * truth.sizes[i]);
            CHECK(std::abs(sums[i] - cpu[i]) <= terms * eps * truth.sizes[i]);
        }
    }
}

}  // namespace

TEST_CASE("grid: batches of expressions have the CPU's normal equations") {
    // A body, and the sum of its parts, of each batch.
    for (const std::size_t rows : {1U, 127U, 128U, 129U, 255U, 256U, 257U, 1000U}) {
        compare(rows, plenty, shared, 256, 2);
    }
    compare(300, plenty, 4 << 10U, 256, 2);  // the space in the device's memory
    // Three inputs and two other numbers a row, half of the memory not enough for all: chunks.
    compare(5000, 5 * 8 * 6000, 2 * shared, 256, 2 * 5);
}

TEST_CASE("grid: no rows and no expressions have no normal equations") {
    const std::vector<double> none;
    const TargetArrays nothing = {
        TargetArrays::Kind::values, {none.data(), 0, 1}, {}, {}, Sign::kept};
    OnDevice no_rows({none.data(), 0, 1}, nothing, gpu::tape_part_rows, plenty, shared);
    const std::vector<Tape> one = {{Node::constant(1.0)}};
    CHECK(asked(no_rows, one).front().weight == 0.0);
    CHECK(asked(no_rows, {}).empty());
    CHECK(no_rows.runtime().launches() == 0);
    TargetArrays labels = nothing;
    labels.kind = TargetArrays::Kind::labels;
    CHECK_THROWS_AS(OnDevice({none.data(), 0, 1}, labels, gpu::tape_part_rows, plenty, shared),
                    std::invalid_argument);
    const std::vector<Tape> wide = {{Node::input(1)}};
    std::vector<EquationSums> total(1);
    CHECK_THROWS_AS(no_rows.add(wide, StopToken(), total), std::invalid_argument);
}

namespace {

/// The host's own sums in the batch's place.
struct HostSums {
    unsigned threads;
    std::unique_ptr<EquationRowSums> operator()(MatrixView<const double> x,
                                                const Target& target) const {
        return equation_sums<double>(x, target, threads);
    }
};

SearchOptions small_search(unsigned threads) {
    SearchOptions options;
    options.operators = OpSet(std::vector<std::string_view>{"+", "*", "sin", "exp"});
    options.seconds = std::numeric_limits<double>::infinity();
    options.evaluations = 24000;
    options.max_size = 12;
    options.threads = threads;
    options.islands = 4;
    return options;
}

}  // namespace

TEST_CASE("grid: a list of candidates has the scores it has one by one") {
    const Sample data(512);
    const ValueTarget target(data.y, data.weights);
    std::vector<std::size_t> all(data.y.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const auto objective = target.at(RowBlocks(data.view()), all, {{1.0, 1.0, 1.0}, 1.0});
    const OpSet operators(std::vector<std::string_view>{"+", "-", "*", "/", "sin", "exp"});
    FitOptions fit;
    const auto tasks = [&] {
        std::vector<ScoreTask> list;
        for (const Tape& tape : tapes()) {
            list.push_back({tape, {}, {}});  // as it is
            fit.max_iterations = 6;
            list.push_back({tape, {}, fit});
            const Scaled form = objective->representative(canonical(tape));
            OpenForm open = open_form(tape, form, operators, *objective);
            if (!open.sum.tape.empty()) {
                list.push_back({{}, std::move(open), fit});
            }
        }
        return list;
    };
    auto one_by_one = tasks();
    HostScorer host(*objective, *objective, operators);
    const auto expected = host.score(one_by_one, ScoreRows::sample);
    auto together = tasks();
    BatchScorer batch(std::make_unique<OnDevice>(data.view(), target.arrays(), gpu::tape_part_rows,
                                                 plenty, shared),
                      all.size(), *objective, operators);
    const auto found = batch.score(together, ScoreRows::sample);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        // Where a fit is flat its steps may stop elsewhere: the loss is the same.
        CHECK(found[i].loss == doctest::Approx(expected[i].loss).epsilon(1e-6));
        CHECK(found[i].tape.size() == expected[i].tape.size());
    }
    CHECK(batch.node_evaluations() > 0);
}

TEST_CASE("grid: islands scored together find the law, the same for any number of threads") {
    Sample data(200);
    data.weights.assign(data.y.size(), 1.0);
    for (std::size_t i = 0; i < data.y.size(); ++i) {
        const double* x = data.x.data() + i * columns;
        data.y[i] = 3.0 * x[0] * std::sin(x[1]) + 1.5 * x[2];
    }
    const ValueTarget target(data.y, data.weights);
    const auto on_host_device = [](MatrixView<const double> x, const Target& of) {
        return std::make_unique<OnDevice>(x, of.arrays(), gpu::tape_part_rows, plenty, shared);
    };
    const auto run = [&](unsigned threads, const auto& sums) {
        SearchOptions options = small_search(threads);
        options.sample_sums = sums;
        return search(data.view(), target, options, {});
    };
    const SearchResult one = run(1, on_host_device);
    const SearchResult two = run(2, on_host_device);
    const SearchResult here = run(1, HostSums{1});
    CHECK(one.evaluations == two.evaluations);
    CHECK(one.node_evaluations == two.node_evaluations);
    REQUIRE(one.front.size() == two.front.size());
    for (std::size_t i = 0; i < one.front.size(); ++i) {
        CHECK(one.front[i].tape == two.front[i].tape);
        CHECK(one.front[i].loss == two.front[i].loss);
    }
    CHECK(one.evaluations <= 24000 + 4 * 2000);  // what the last members of archives take more
    CHECK(one.front.back().loss < 1e-20);
    CHECK(here.front.back().loss < 1e-20);
}
