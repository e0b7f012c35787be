// What the C interface costs: the surrogate of the README's size class (10 inputs, 14 modes, 10
// segments), one row at a time and in batches, against the C++ library's own rate on one thread.
//
//     cmake --build build --target closedform_bench_c_api
//     python bench/c_api.py build/closedform_bench_c_api
//
// Asserts before it prints: the same numbers both ways, nothing allocated and no thread started row
// by row; for the surrogate, at most 2 microseconds more per row than the arithmetic (the batch's
// time per row) and at least 95 % of the library's rate in batches. A formula alone takes the time
// of the block of 128 rows that its operators work on; Formula.code is the fast way to single rows
// of it.

#include "closedform/c_api.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/files/saved_file.hpp"
#include "closedform/files/surrogate_file.hpp"
#include "core/random.hpp"

namespace {

std::atomic<long> allocations{0};

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        std::exit(1);
    }
}

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using closedform::MatrixView;
using Clock = std::chrono::steady_clock;

/// Seconds of the fastest of some runs.
template <class Work>
double seconds(const Work& work) {
    double best = 1e9;
    for (int run = 0; run < 100; ++run) {
        const auto start = Clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best;
}

struct Wanted {
    const char* what;
    bool value;
    bool gradient;
    bool hessian;
};

void compare(const closedform_model* model, const closedform::TensorSurrogate* library,
             const std::vector<double>& x, const Wanted& wanted) {
    const std::size_t d = closedform_inputs(model);
    const std::size_t rows = x.size() / d;
    std::vector<double> numbers[2];
    double* value[2] = {};
    double* gradient[2] = {};
    double* hessian[2] = {};
    for (int side = 0; side < 2; ++side) {
        numbers[side].assign(rows * (1 + d + d * d), 0.0);
        value[side] = wanted.value ? numbers[side].data() : nullptr;
        gradient[side] = wanted.gradient ? numbers[side].data() + rows : nullptr;
        hessian[side] = wanted.hessian ? numbers[side].data() + rows * (1 + d) : nullptr;
    }
    const auto batch = [&] {
        closedform_evaluate(model, x.data(), rows, 1, value[0], gradient[0], hessian[0], nullptr);
    };
    const auto one_by_one = [&] {
        for (std::size_t r = 0; r < rows; ++r) {
            closedform_evaluate(model, x.data() + r * d, 1, 0,
                                wanted.value ? value[1] + r : nullptr,
                                wanted.gradient ? gradient[1] + r * d : nullptr,
                                wanted.hessian ? hessian[1] + r * d * d : nullptr, nullptr);
        }
    };
    batch();
    one_by_one();
    require(numbers[0] == numbers[1], "one row at a time gives the numbers of the batch");
    const long before = allocations;
    one_by_one();
    require(allocations == before, "row by row nothing is allocated (a thread would be)");
    const double single = seconds(one_by_one) / static_cast<double>(rows);
    const double many = seconds(batch) / static_cast<double>(rows);
    require(library == nullptr || single - many < 2e-6,
            "a row costs at most 2 microseconds more than its arithmetic");
    std::printf("%-30s %8.3f us a row in a batch, %8.3f us alone: %+.3f us", wanted.what,
                many * 1e6, single * 1e6, (single - many) * 1e6);
    if (library != nullptr) {
        const double own = seconds([&] {
                               library->derivatives(MatrixView<const double>(x.data(), rows, d),
                                                    value[1], gradient[1], hessian[1], 1);
                           }) /
                           static_cast<double>(rows);
        require(numbers[0] == numbers[1], "the library gives the same numbers");
        require(own / many > 0.95, "in batches the library's own rate");
        std::printf("; %.2f of the library's rate", own / many);
    }
    std::printf("\n");
}

closedform_model* load(const char* path) {
    closedform_error error;
    closedform_model* model = nullptr;
    if (closedform_load(path, &model, &error) != CLOSEDFORM_OK) {
        std::fprintf(stderr, "%s\n", error.message);
        std::exit(1);
    }
    return model;
}

std::vector<double> random_rows(std::size_t rows, std::size_t inputs) {
    closedform::Random random(1, 0);
    std::vector<double> x(rows * inputs);
    for (double& v : x) {
        v = random.uniform(0.05, 0.95);
    }
    return x;
}

}  // namespace

int main(int count, char** arguments) {
    require(count == 3, "usage: closedform_bench_c_api SURROGATE FRONT, both of inputs in [0, 1]");
    closedform_model* surrogate = load(arguments[1]);
    const closedform::SavedSurrogate saved =
        closedform::read_surrogate(closedform::read_file(arguments[1]));
    const std::vector<double> x = random_rows(2000, closedform_inputs(surrogate));
    std::printf("surrogate of %zu inputs, %zu modes\n", saved.model.inputs(), saved.model.modes());
    compare(surrogate, &saved.model, x, {"value", true, false, false});
    compare(surrogate, &saved.model, x, {"value, gradient", true, true, false});
    compare(surrogate, &saved.model, x, {"value, gradient, Hessian", true, true, true});
    closedform_free(surrogate);

    closedform_model* front = load(arguments[2]);
    for (std::size_t i = 0; i < closedform_formula_count(front); ++i) {
        closedform_model* formula = nullptr;
        closedform_choose(front, i, &formula, nullptr);
        const std::vector<double> points = random_rows(2000, closedform_inputs(formula));
        std::printf("%s\n", closedform_text(formula));
        compare(formula, nullptr, points, {"value", true, false, false});
        compare(formula, nullptr, points, {"value, gradient", true, true, false});
        compare(formula, nullptr, points, {"value, gradient, Hessian", true, true, true});
        closedform_free(formula);
    }
    closedform_free(front);
    return 0;
}
