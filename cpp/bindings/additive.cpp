#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"
#include "terms/additive_sums.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

std::vector<std::tuple<std::string, double>> run(const Array<double>& x, const Array<double>& y,
                                                 const std::vector<std::string>& names,
                                                 const std::vector<std::string>& operators,
                                                 int fits, double seconds, std::uint64_t seed) {
    const auto view = matrix_view(x, "X");
    const auto targets = vector_view(y, view.rows, "y");
    AdditiveOptions options;
    const std::vector<std::string_view> operator_views(operators.begin(), operators.end());
    options.operators = OpSet(operator_views);
    options.fits = fits;
    options.seed = seed;
    // Ctrl-C is left pending for the caller.
    options.stop = StopToken(seconds, [] {
        const Locked locked;
        return interrupted();
    });
    std::vector<Candidate> found;
    {
        const Unlocked unlocked;
        found = additive_sums(view, targets, options);
    }
    if (PyErr_Occurred() != nullptr) {
        throw py::error_already_set();
    }
    std::vector<std::tuple<std::string, double>> result;
    for (const Candidate& candidate : found) {
        result.emplace_back(print(candidate.tape, names), candidate.loss);
    }
    return result;
}

}  // namespace

void register_additive(py::module_& module) {
    module.def("additive_sums", &run, py::arg("X").noconvert(), py::arg("y").noconvert(),
               py::arg("names"), py::arg("operators"), py::arg("fits"), py::arg("seconds"),
               py::arg("seed"));
}

}  // namespace closedform
