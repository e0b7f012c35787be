// The installed C++ library: readers, evaluation, a network (which needs the BLAS), and the C
// interface in its static form, which allocates nothing row by row.
#include <closedform/c_api.h>

#include <atomic>
#include <closedform/expression/evaluate.hpp>
#include <closedform/expression/infix.hpp>
#include <closedform/files/saved_file.hpp>
#include <closedform/files/surrogate_file.hpp>
#include <closedform/network/network.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

static std::atomic<long> allocations{0};

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using closedform::MatrixView;

static int failures = 0;

static void check(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        ++failures;
    }
}

int main(int, char** arguments) {
    const std::string folder = arguments[1];
    const auto saved =
        closedform::read_surrogate(closedform::read_file(folder + "/outside_linear.npz"));
    const double x[3] = {0.25, -0.5, 1};
    double u = 0;
    double slope[3];
    double bend[9];
    saved.model.derivatives(MatrixView<const double>(x, 1, 3), &u, slope, bend, 1);

    closedform_model* model = nullptr;
    check(
        closedform_load((folder + "/outside_linear.npz").c_str(), &model, nullptr) == CLOSEDFORM_OK,
        "a surrogate loads");
    double out[13];
    closedform_evaluate(model, x, 1, 1, out, out + 1, out + 4, nullptr);
    check(out[0] == u && out[2] == slope[1] && out[12] == bend[8], "C and C++ agree");
    closedform_model* formula = nullptr;
    closedform_load((folder + "/all_operators.json").c_str(), &formula, nullptr);
    closedform_evaluate(formula, x, 1, 1, out, out + 1, out + 4, nullptr);
    const long before = allocations;
    for (int i = 0; i < 1000; ++i) {
        closedform_evaluate(model, x, 1, 0, out, out + 1, out + 4, nullptr);
        closedform_evaluate(formula, x, 1, 0, out, out + 1, out + 4, nullptr);
    }
    check(allocations == before, "nothing is allocated row by row");
    closedform_free(model);
    closedform_free(formula);

    const std::vector<std::string> names = {"a", "b", "c"};
    double value = 0;
    closedform::evaluate(closedform::parse("exp(a)*b - c**2", names),
                         MatrixView<const double>(x, 1, 3), {&value, 1}, 1);
    check(std::abs(value - (std::exp(0.25) * -0.5 - 1)) < 1e-15, "a formula from text");

    const closedform::Network<double> network(
        {{3, 1, {1, 2, 3}, {0.5}, closedform::Activation::tanh}});
    network.evaluate(MatrixView<const double>(x, 1, 3), {}, &value, slope, 1);
    check(std::abs(value - std::tanh(2.75)) < 1e-14, "a network");
    std::printf("from C++: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
