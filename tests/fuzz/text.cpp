// libFuzzer target: any text read as an expression; one that is must print as itself and keep its
// values.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"

using namespace closedform;

namespace {

const std::vector<std::string> names = {"x", "E", "x_1", "a"};

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

std::vector<double> values(const Tape& tape) {
    static const std::vector<double> rows = {0.3, -1.0, 2.5,  0.0,    1e200,
                                             -0., 7.0,  -2.0, 1e-300, INFINITY};
    std::vector<double> x = rows;
    x.resize(12, NAN);
    std::vector<double> out(3);
    std::vector<double> gradient(12);
    std::vector<double> hessian(48);
    evaluate_derivatives(tape, MatrixView<const double>(x.data(), 3, 4), out.data(),
                         gradient.data(), hessian.data(), 1);
    return out;
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Tape tape;
    try {
        tape = parse(std::string_view(reinterpret_cast<const char*>(data), size), names);
    } catch (const std::invalid_argument& error) {
        require(std::strchr(error.what(), '\n') == nullptr);
        return 0;
    }
    const std::string text = print(tape, names);
    const Tape again = parse(text, names);
    require(print(again, names) == text);
    require(same(values(again), values(tape)));
    return 0;
}
