#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/search/search.hpp"
#include "core/random.hpp"

using namespace closedform;

namespace {

struct Data {
    std::vector<double> x;
    std::vector<double> y;
    MatrixView<const double> view() const { return {x.data(), y.size(), 2}; }
};

Data sampled(const std::string& law, std::size_t rows, double factor) {
    Random random(2, 0);
    Data data;
    for (std::size_t i = 0; i < 2 * rows; ++i) {
        data.x.push_back(random.uniform(-2.0, 2.0));
    }
    data.y.resize(rows);
    const std::vector<std::string> names = {"a", "b"};
    evaluate(parse(law, names), data.view(), data.y, 1);
    for (double& value : data.y) {
        value *= factor;
    }
    return data;
}

SearchOptions options(unsigned threads) {
    SearchOptions result;
    result.operators = OpSet::all();
    result.seconds = std::numeric_limits<double>::infinity();
    result.evaluations = 200000;
    result.threads = threads;
    result.seed = 4;
    return result;
}

}  // namespace

TEST_SUITE("threads") {
    TEST_CASE("same seed and evaluations, same front, for any number of threads") {
        const Data data = sampled("a*tan(b) + sqrt(a + 3)/(b*b + 1)", 700, 1.0);
        SearchOptions few = options(1);
        few.evaluations = 40000;
        const SearchResult one = search(data.view(), ValueTarget(data.y, {}), few, {});
        few.threads = 3;
        const SearchResult three = search(data.view(), ValueTarget(data.y, {}), few, {});
        REQUIRE(one.front.size() == three.front.size());
        for (std::size_t i = 0; i < one.front.size(); ++i) {
            CHECK(one.front[i].loss == three.front[i].loss);
            CHECK(one.front[i].tape.size() == three.front[i].tape.size());
        }
    }

    TEST_CASE("directions: same seed and evaluations, same front, for any number of threads") {
        const std::vector<std::string> names = {"a", "b"};
        const Data data = sampled("0*a", 700, 1.0);
        std::vector<double> u(data.x.size());
        const MatrixView<double> view(u.data(), 700, 2);
        evaluate_gradient(parse("a*a + a*b + exp(0.4*b)", names), data.view(), view, 1);
        Random random(3, 0);
        for (std::size_t i = 0; i < 1400; i += 2) {
            u[i] += 0.01 * random.normal();
            const double norm = std::hypot(u[i], u[i + 1]);
            u[i] /= norm;
            u[i + 1] /= norm;
        }
        const MatrixView<const double> directions(u.data(), 700, 2);
        const DirectionTarget target(directions, {}, {}, Sign::common);
        SearchOptions few = options(1);
        CHECK_THROWS_WITH(search(data.view(), target, few, {}),
                          "operators: '>' has no gradient; leave it out of a search on gradients");
        few.operators = OpSet(std::vector<std::string_view>{"+", "-", "*", "/", "exp", "max"});
        few.evaluations = 20000;
        const SearchResult one = search(data.view(), target, few, {});
        few.threads = 3;
        const SearchResult three = search(data.view(), target, few, {});
        REQUIRE(one.front.size() > 2);
        REQUIRE(one.front.size() == three.front.size());
        for (std::size_t i = 0; i < one.front.size(); ++i) {
            CHECK(one.front[i].loss == three.front[i].loss);
            CHECK(print(one.front[i].tape, names) == print(three.front[i].tape, names));
        }
    }

    TEST_CASE("labels: same seed and evaluations, same front, for any number of threads") {
        Data data = sampled("a*b - exp(a)/3", 700, 1.0);
        for (double& value : data.y) {
            value = value > 0.0 ? 1.0 : -1.0;
        }
        const LabelTarget target(data.y, {});
        SearchOptions few = options(1);
        few.evaluations = 4000;
        const SearchResult one = search(data.view(), target, few, {});
        few.threads = 3;
        const SearchResult three = search(data.view(), target, few, {});
        REQUIRE(one.front.size() > 2);
        REQUIRE(one.front.size() == three.front.size());
        for (std::size_t i = 0; i < one.front.size(); ++i) {
            CHECK(one.front[i].loss == three.front[i].loss);
            CHECK(one.front[i].tape == three.front[i].tape);
        }
    }

    TEST_CASE("more rows than the archive's: a search by many threads ends where it is told to") {
        Data data = sampled("a*tan(b) + sqrt(a + 3)/(b*b + 1)", 9000, 1.0);
        SearchOptions watched = options(3);
        watched.evaluations = 0;
        const ValueTarget target(data.y, {});
        const auto here = loss_sums(data.view(), target, 3);
        watched.loss_rows = here.get();  // compared at every exchange, too
        int reports = 0;
        const SearchResult told = search(data.view(), target, watched,
                                         [&](const SearchProgress&) { return ++reports == 2; });
        CHECK(told.reason == StopReason::interrupted);
        CHECK(!told.front.empty());
        watched.seconds = 0.5;
        const SearchResult timed = search(data.view(), target, watched, {});
        CHECK(timed.reason == StopReason::time);
        CHECK(!timed.front.empty());
    }
}

TEST_CASE("a law is found exactly, at its size, whatever the units of the target") {
    for (const double factor : {1.0, 1e9, 1e-9}) {
        const Data data = sampled("a*sin(b) + 1.5", 200, factor);
        const SearchResult result = search(data.view(), ValueTarget(data.y, {}), options(2), {});
        CHECK(result.reason == StopReason::exact);
        REQUIRE(!result.front.empty());
        CHECK(result.front.back().tape.size() <= (factor == 1.0 ? 6 : 8));
        CHECK(result.front.back().loss < 1e-24 * factor * factor);
    }
}

TEST_CASE("a step is found, though its place has no slope") {
    const Data data = sampled("3*(a > 0.7) + b", 200, 1.0);
    SearchOptions steps = options(2);
    steps.operators = OpSet(std::vector<std::string_view>{"+", "*", ">"});
    steps.max_size = 9;
    // Nothing leads to a place but trying: three searches of four come to it.
    int found = 0;
    for (steps.seed = 0; steps.seed < 8; ++steps.seed) {
        const SearchResult result = search(data.view(), ValueTarget(data.y, {}), steps, {});
        found += result.front.back().loss < 1e-20 ? 1 : 0;
    }
    CHECK(found >= 2);
}

TEST_CASE("islands double as a search lasts, the same for any number of threads and resumed") {
    const Data data = sampled("exp(a)*tanh(b) + sin(3*a)/(1.3 + b*b)", 60, 1.0);
    const ValueTarget target(data.y, {});
    SearchOptions own = options(1);
    own.islands = 2;
    own.most_islands = 8;
    own.passes_alone = 1500;
    own.evaluations = 60000;
    std::vector<std::string> states;
    own.keep = [&](const std::string& state) { states.push_back(state); };
    const SearchResult alone = search(data.view(), target, own, {});
    std::vector<std::size_t> islands;
    for (const auto& epoch : alone.epochs) {
        islands.push_back(epoch.size());
    }
    CHECK(std::is_sorted(islands.begin(), islands.end()));
    CHECK(islands.front() == 2);
    CHECK(islands.back() == 8);
    REQUIRE(states.size() == 2);
    const auto same = [&](const SearchResult& other) {
        REQUIRE(other.front.size() == alone.front.size());
        for (std::size_t i = 0; i < other.front.size(); ++i) {
            CHECK(other.front[i].tape == alone.front[i].tape);
            CHECK(other.front[i].loss == alone.front[i].loss);
        }
        CHECK(other.evaluations == alone.evaluations);
    };
    const std::vector<std::string> all = states;
    for (const std::string& state : all) {
        own.resume = state;
        same(search(data.view(), target, own, {}));
    }
    own.resume = {};
    own.threads = 3;
    same(search(data.view(), target, own, {}));
}

TEST_CASE("an interrupted search keeps what it has") {
    const Data data = sampled("a*sin(b) + 1.5", 200, 1.0);
    const SearchResult result = search(data.view(), ValueTarget(data.y, {}), options(2),
                                       [](const SearchProgress&) { return true; });
    CHECK(result.reason == StopReason::interrupted);
    CHECK(!result.front.empty());
}

TEST_CASE("rows with weight zero do not count") {
    Data data = sampled("a + b", 100, 1.0);
    std::vector<double> weights(100, 1.0);
    data.y[7] = 1e6;
    weights[7] = 0.0;
    const SearchResult result = search(data.view(), ValueTarget(data.y, weights), options(1), {});
    REQUIRE(!result.front.empty());
    CHECK(result.front.back().tape.size() == 3);
}

namespace {

/// The CPU's losses, as a device would be asked for them.
class Recorded : public LossRowSums {
  public:
    Recorded(MatrixView<const double> x, const Target& target) : here_(loss_sums(x, target, 1)) {}
    bool add(const LossQuestion& question, const StopToken& stop,
             std::vector<LossSums>& total) override {
        if (question.rough) {
            batches.emplace_back(question.tapes.begin(), question.tapes.end());
        } else {
            ++last_batches;
        }
        return here_->add(question, stop, total);
    }
    bool resident() const override { return stays; }
    std::vector<std::vector<Tape>> batches;
    bool stays = true;
    std::size_t last_batches = 0;

  private:
    std::unique_ptr<LossRowSums> here_;
};

}  // namespace

TEST_CASE("rows elsewhere get one batch an exchange, and one for the last losses") {
    const Data data = sampled("exp(a)*tanh(b) + sin(3*a)", 8200, 1.0);
    const ValueTarget target(data.y, {});
    SearchOptions few = options(2);
    few.max_size = 14;
    few.islands = 2;
    few.evaluations = few.islands * 2000 * (1 + 2);  // epochs of 2000 and 4000 passes
    Recorded far(data.view(), target);
    far.stays = false;
    few.loss_rows = &far;
    const SearchResult once = search(data.view(), target, few, {});
    CHECK(far.batches.empty());
    CHECK(far.last_batches == 1);
    Recorded near(data.view(), target);
    few.loss_rows = &near;
    const SearchResult found = search(data.view(), target, few, {});
    CHECK(near.batches.size() == 2);
    CHECK(near.last_batches == 1);
    for (const auto& batch : near.batches) {
        CHECK(batch.size() > few.islands);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            CHECK(std::count(batch.begin(), batch.end(), batch[i]) == 1);
        }
    }
    // The same evolution, of which more is kept.
    CHECK(found.node_evaluations == once.node_evaluations);
    CHECK(found.front.back().loss <= once.front.back().loss);
}
