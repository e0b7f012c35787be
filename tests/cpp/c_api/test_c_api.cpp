#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "closedform/c_api.h"
#include "files/corpus.hpp"

namespace {

struct Free {
    void operator()(closedform_model* model) const { closedform_free(model); }
};
using Model = std::unique_ptr<closedform_model, Free>;

Model load(const std::string& path) {
    closedform_error error;
    closedform_model* model = nullptr;
    const int status = closedform_load(path.c_str(), &model, &error);
    INFO(path << ": " << (status == CLOSEDFORM_OK ? "" : error.message));
    REQUIRE(status == CLOSEDFORM_OK);
    return Model(model);
}

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Model load_bytes(const std::string& bytes) {
    closedform_model* model = nullptr;
    REQUIRE(closedform_load_memory(bytes.data(), bytes.size(), &model, nullptr) == CLOSEDFORM_OK);
    return Model(model);
}

struct Results {
    explicit Results(const corpus::Entry& of)
        : value(of.value.size()), gradient(of.gradient.size()), hessian(of.hessian.size()) {}
    std::vector<double> value;
    std::vector<double> gradient;
    std::vector<double> hessian;
};

/// Largest difference, relative to the largest finite number expected; infinite where one is finite
/// and the other is not.
double difference(const std::vector<double>& got, const std::vector<double>& expected) {
    double scale = 1e-300;
    for (const double v : expected) {
        scale = std::isfinite(v) ? std::max(scale, std::abs(v)) : scale;
    }
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (std::isfinite(got[i]) != std::isfinite(expected[i])) {
            return std::numeric_limits<double>::infinity();
        }
        if (std::isfinite(got[i])) {
            worst = std::max(worst, std::abs(got[i] - expected[i]) / scale);
        }
    }
    return worst;
}

void check_entry(const closedform_model* model, const corpus::Entry& entry) {
    INFO(entry.path);
    REQUIRE(closedform_inputs(model) == entry.inputs);
    for (std::size_t i = 0; i < entry.inputs; ++i) {
        CHECK(closedform_input_name(model, i) == entry.names[i]);
    }
    CHECK(closedform_input_name(model, entry.inputs) == nullptr);
    Results all(entry);
    REQUIRE(closedform_evaluate(model, entry.x.data(), entry.rows, 2, all.value.data(),
                                all.gradient.data(), all.hessian.data(), nullptr) == CLOSEDFORM_OK);
    CHECK(difference(all.value, entry.value) < 1e-13);
    CHECK(difference(all.gradient, entry.gradient) < 1e-12);
    CHECK(difference(all.hessian, entry.hessian) < 1e-11);
    // One row at a time: the same bits. One result at a time: the same to rounding.
    Results one(entry);
    Results single(entry);
    const std::size_t d = entry.inputs;
    for (std::size_t r = 0; r < entry.rows; ++r) {
        const double* row = entry.x.data() + r * d;
        closedform_evaluate(model, row, 1, 0, &one.value[r], &one.gradient[r * d],
                            &one.hessian[r * d * d], nullptr);
        closedform_evaluate(model, row, 1, 0, &single.value[r], nullptr, nullptr, nullptr);
        closedform_evaluate(model, row, 1, 0, nullptr, &single.gradient[r * d], nullptr, nullptr);
        closedform_evaluate(model, row, 1, 0, nullptr, nullptr, &single.hessian[r * d * d],
                            nullptr);
    }
    const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
        return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
    };
    CHECK(same(one.value, all.value));
    CHECK(same(one.gradient, all.gradient));
    CHECK(same(one.hessian, all.hessian));
    CHECK(difference(single.value, all.value) < 1e-15);
    CHECK(difference(single.gradient, all.gradient) < 1e-15);
    CHECK(difference(single.hessian, all.hessian) < 1e-15);
}

}  // namespace

TEST_CASE("the C interface reads every file of the corpus, from disk and from memory") {
    const auto entries = corpus::all();
    REQUIRE(entries.size() >= 14);
    for (const corpus::Entry& entry : entries) {
        check_entry(load(entry.path).get(), entry);
        check_entry(load_bytes(bytes_of(entry.path)).get(), entry);
    }
}

TEST_CASE("rows of floats give the results of the same rows as doubles") {
    for (const corpus::Entry& entry : corpus::all()) {
        const Model model = load(entry.path);
        const std::vector<float> floats(entry.x.begin(), entry.x.end());
        const std::vector<double> doubles(floats.begin(), floats.end());
        Results a(entry);
        Results b(entry);
        closedform_evaluate_float(model.get(), floats.data(), entry.rows, 1, a.value.data(),
                                  a.gradient.data(), a.hessian.data(), nullptr);
        closedform_evaluate(model.get(), doubles.data(), entry.rows, 1, b.value.data(),
                            b.gradient.data(), b.hessian.data(), nullptr);
        CHECK(difference(a.hessian, b.hessian) == 0.0);
        CHECK(difference(a.value, b.value) == 0.0);
    }
}

TEST_CASE("a front is more than its best formula") {
    const Model best = load(CLOSEDFORM_CORPUS "/version1/front.json");
    REQUIRE(closedform_formula_count(best.get()) == 3);
    CHECK(closedform_loss(best.get()) == 1e-30);
    closedform_model* raw = nullptr;
    REQUIRE(closedform_choose(best.get(), 1, &raw, nullptr) == CLOSEDFORM_OK);
    const Model middle(raw);
    CHECK(std::string(closedform_text(middle.get())) == "exp(-x) + 0.1");
    CHECK(std::isnan(closedform_loss(middle.get())));
    const double x[3] = {2, 0, 0};
    double value = 0;
    closedform_evaluate(middle.get(), x, 1, 1, &value, nullptr, nullptr, nullptr);
    CHECK(value == doctest::Approx(std::exp(-2.0) + 0.1).epsilon(1e-15));
    closedform_error error;
    CHECK(closedform_choose(best.get(), 3, &raw, &error) == CLOSEDFORM_BAD_ARGUMENT);
    CHECK(raw == nullptr);
    const Model surrogate = load(CLOSEDFORM_CORPUS "/version1/one_input.npz");
    CHECK(closedform_formula_count(surrogate.get()) == 0);
    CHECK(std::string(closedform_text(surrogate.get())).empty());
    CHECK(closedform_loss(surrogate.get()) > 0);
    CHECK(closedform_choose(surrogate.get(), 0, &raw, &error) == CLOSEDFORM_BAD_ARGUMENT);
}

TEST_CASE("errors have a code and one line") {
    closedform_error error;
    closedform_model* model = nullptr;
    const auto says = [&](const char* words) {
        const std::string message = error.message;
        return message.find(words) != std::string::npos && message.find('\n') == std::string::npos;
    };
    CHECK(closedform_load("/no/such/file", &model, &error) == CLOSEDFORM_CANNOT_READ);
    CHECK(says("/no/such/file: cannot be read"));
    CHECK(closedform_load("/", &model, &error) == CLOSEDFORM_CANNOT_READ);
    auto* unset = reinterpret_cast<closedform_model*>(&error);
    CHECK(closedform_load(nullptr, &unset, &error) == CLOSEDFORM_BAD_ARGUMENT);
    CHECK(unset == nullptr);
    CHECK(closedform_load("x", nullptr, nullptr) == CLOSEDFORM_BAD_ARGUMENT);
    CHECK(closedform_load_memory("hello", 5, &model, &error) == CLOSEDFORM_BAD_FILE);
    CHECK(closedform_load_memory(nullptr, 0, &model, &error) == CLOSEDFORM_BAD_FILE);
    const std::string newer = R"({"format": "closedform front", "version": 99})";
    CHECK(closedform_load_memory(newer.data(), newer.size(), &model, &error) ==
          CLOSEDFORM_NEWER_FILE);
    CHECK(says("install a newer one"));
    CHECK(model == nullptr);
    const std::string letters(3000, 'q');
    const std::string longer = R"({"format": "closedform front", "version": 1, "names": [],)"
                               R"("formulas": [{"loss": 0, "text": "\n)" +
                               letters + "ä\"}]}";
    CHECK(closedform_load_memory(longer.data(), longer.size(), &model, &error) ==
          CLOSEDFORM_BAD_FILE);
    CHECK(std::strlen(error.message) == sizeof(error.message) - 1);
    CHECK(says("qqqqq"));

    const Model strict = load(CLOSEDFORM_CORPUS "/version1/outside_error.npz");
    const double x[6] = {0, 0, 1, 0, 99, 1};
    double value[2];
    CHECK(closedform_evaluate(strict.get(), x, 2, 1, value, nullptr, nullptr, &error) ==
          CLOSEDFORM_OUTSIDE);
    CHECK(says("row 1, column 1: 99"));
    CHECK(closedform_evaluate(strict.get(), x, 1, 1, nullptr, nullptr, nullptr, &error) ==
          CLOSEDFORM_BAD_ARGUMENT);
    CHECK(closedform_evaluate(strict.get(), nullptr, 1, 1, value, nullptr, nullptr, &error) ==
          CLOSEDFORM_BAD_ARGUMENT);
    CHECK(closedform_evaluate(nullptr, x, 1, 1, value, nullptr, nullptr, &error) ==
          CLOSEDFORM_BAD_ARGUMENT);
    CHECK(closedform_evaluate(strict.get(), nullptr, 0, 1, value, nullptr, nullptr, &error) ==
          CLOSEDFORM_OK);
    CHECK(closedform_inputs(nullptr) == 0);
    closedform_free(nullptr);
    CHECK(closedform_c_api_version() == CLOSEDFORM_C_API_VERSION);
}

TEST_CASE("one model serves many threads at once, each with models of other sizes between") {
    const corpus::Entry entry = corpus::read(CLOSEDFORM_CORPUS "/version1/outside_linear.txt");
    const Model surrogate = load(entry.path);
    const Model small = load(CLOSEDFORM_CORPUS "/version1/one_input.npz");
    const Model formula = load(CLOSEDFORM_CORPUS "/version1/all_operators.json");
    std::vector<double> worst(4, 1.0);
    std::vector<std::thread> threads;
    for (double& difference_here : worst) {
        threads.emplace_back([&] {
            double largest = 0;
            for (int round = 0; round < 20; ++round) {
                Results got(entry);
                double two[2];
                closedform_evaluate(small.get(), entry.x.data(), 1, 1, two, two + 1, nullptr,
                                    nullptr);
                closedform_evaluate(formula.get(), entry.x.data(), entry.rows, 1, got.value.data(),
                                    got.gradient.data(), got.hessian.data(), nullptr);
                closedform_evaluate(surrogate.get(), entry.x.data(), entry.rows, 1,
                                    got.value.data(), got.gradient.data(), got.hessian.data(),
                                    nullptr);
                largest = std::max(largest, difference(got.hessian, entry.hessian));
                largest = std::max(largest, difference(got.value, entry.value));
            }
            difference_here = largest;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const double largest : worst) {
        CHECK(largest < 1e-11);
    }
}
