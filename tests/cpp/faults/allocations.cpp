// Memory that runs out at the n-th allocation of a search, a fit, and of reading and writing what
// is saved, for n = 1, 2, ...: an exception or an error status each time, nothing crashes, nothing
// is kept (a sanitizer looks). A program of its own, for it replaces operator new.
//
//     closedform_allocation_tests [all]      every n; without, the first and a few of the others

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "closedform/c_api.h"
#include "closedform/files/front_file.hpp"
#include "closedform/search/search.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"

namespace {

std::atomic<long> left{0};  // allocations until one fails; none does at 0 and below

void* allocated(std::size_t size, std::size_t alignment) {
    if (left > 0 && --left == 0) {
        throw std::bad_alloc();
    }
    const std::size_t whole = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment;
    void* memory = std::aligned_alloc(alignment, whole * alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocated(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocated(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocated(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return allocated(size, alignof(std::max_align_t));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

/// Does the work with ever later failures until there is none; how many there were.
long failures_until_success(const std::function<void()>& work, bool all) {
    work();  // what is kept for good is there
    for (long n = 1, count = 0;; n = all ? n + 1 : std::max(n + 1, n + n / 3), ++count) {
        left = n;
        try {
            work();
        } catch (const std::exception&) {
        }
        if (left.exchange(0) > 0) {
            return count;
        }
    }
}

std::vector<char> bytes_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void load(const std::vector<char>& bytes) {
    closedform_error error;
    closedform_model* model = nullptr;
    if (closedform_load_memory(bytes.data(), bytes.size(), &model, &error) != CLOSEDFORM_OK) {
        if (model != nullptr || std::strlen(error.message) == 0) {
            std::abort();
        }
        return;
    }
    const double row[8] = {};  // no allocation of our own, whose failure would leave the model
    double value = 0.0;
    closedform_evaluate(model, row, 1, 1, &value, nullptr, nullptr, &error);
    closedform_model* formula = nullptr;
    closedform_choose(model, 0, &formula, &error);
    closedform_free(formula);
    closedform_free(model);
}

}  // namespace

int main(int count, char** arguments) {
    const bool all = count > 1 && std::strcmp(arguments[1], "all") == 0;
    std::vector<double> x;
    std::vector<double> y;
    for (int i = 0; i < 40; ++i) {
        const double first = 1.0 + 0.1 * i;
        const double second = std::sin(7.0 * i);
        x.insert(x.end(), {first, second});
        y.push_back(first * first + std::exp(second));
    }
    const closedform::MatrixView<const double> rows(x.data(), 40, 2);
    closedform::SearchOptions search;
    search.operators = closedform::OpSet::all();
    search.seconds = std::numeric_limits<double>::infinity();
    search.evaluations = 50;
    search.max_size = 5;
    // Fits of 12 rows of one column, for `all` makes one for each allocation of a fit.
    std::vector<double> column(12);
    std::iota(column.begin(), column.end(), 0.0);
    const closedform::MatrixView<const double> few(column.data(), column.size(), 1);
    const auto theirs = std::span<const double>(y).first(column.size());
    closedform::SurrogateOptions fit;
    fit.modes = 1;
    fit.segments = 2;
    for (const unsigned threads : {1U, 2U}) {
        search.threads = fit.threads = threads;
        const long searched = failures_until_success(
            [&] { closedform::search(rows, closedform::ValueTarget(y, {}), search, {}); }, all);
        const long fitted =
            failures_until_success([&] { closedform::fit_surrogate(few, theirs, {}, fit); }, all);
        std::printf("%u threads: search %ld, fit %ld failures\n", threads, searched, fitted);
    }
    for (const char* name : {"one_input.npz", "unicode_names.npz", "front.json", "ranges.json",
                             "unicode_formula.json"}) {
        const auto bytes = bytes_of((std::string(CLOSEDFORM_CORPUS "/version1/") + name).c_str());
        std::printf("%s: %ld failures\n", name, failures_until_success([&] { load(bytes); }, true));
    }
    const auto front = closedform::read_front(bytes_of(CLOSEDFORM_CORPUS "/version1/ranges.json"));
    const auto path = std::filesystem::temp_directory_path() / "closedform_allocations.json";
    const long written =
        failures_until_success([&] { closedform::write_front(path, front); }, true);
    std::printf("a front written: %ld failures\n", written);
    std::filesystem::remove(path);
    return 0;
}
