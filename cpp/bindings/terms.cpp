#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <optional>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/terms/sums_of_terms.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"
#include "terms/additive_sums.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

using TextsAndLosses = std::vector<std::tuple<std::string, double>>;

/// With the GIL held, after the library has returned: raises what the stop has met.
TextsAndLosses told(const std::vector<Candidate>& found, const std::vector<std::string>& names) {
    if (PyErr_Occurred() != nullptr) {
        throw py::error_already_set();
    }
    std::vector<std::tuple<std::string, double>> result;
    for (const Candidate& candidate : found) {
        result.emplace_back(print(candidate.tape, names), candidate.loss);
    }
    return result;
}

template <class T>
TextsAndLosses run(const Array<T>& x, const Array<double>& y,
                   const std::optional<Array<double>>& weights,
                   const std::vector<std::string>& names, const std::vector<std::string>& operators,
                   std::size_t max_size, double seconds, int iterations, unsigned threads,
                   std::uint64_t seed, const py::object& stop_callback) {
    const auto view = matrix_view(x, "X");
    const auto targets = vector_view(y, view.rows, "y");
    const auto row_weights =
        weights ? vector_view(*weights, view.rows, "weights") : std::span<const double>{};
    SumOptions options;
    const std::vector<std::string_view> operator_views(operators.begin(), operators.end());
    options.operators = OpSet(operator_views);
    options.max_size = max_size;
    options.seconds = seconds;
    options.iterations = iterations;
    options.threads = threads;
    options.seed = seed;
    // Ctrl-C is left pending for the caller.
    std::exception_ptr failure;
    options.stop = StopToken(std::numeric_limits<double>::infinity(), [&] {
        const Locked locked;
        try {
            return interrupted() ||
                   (!stop_callback.is_none() && stop_callback().template cast<bool>());
        } catch (const std::exception&) {  // not what ends a thread with the interpreter
            failure = std::current_exception();
            return true;
        }
    });
    std::vector<Candidate> found;
    {
        const Unlocked unlocked;
        found = sums_of_terms(view, targets, row_weights, options);
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    return told(found, names);
}

TextsAndLosses additive(const Array<double>& x, const Array<double>& y,
                        const std::vector<std::string>& names,
                        const std::vector<std::string>& operators, int fits, double seconds,
                        std::uint64_t seed) {
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
    return told(found, names);
}

template <class T>
void define(py::module_& module) {
    module.def("sums_of_terms", &run<T>, py::arg("X").noconvert(), py::arg("y").noconvert(),
               py::arg("weights"), py::arg("names"), py::arg("operators"), py::arg("max_size"),
               py::arg("seconds"), py::arg("iterations"), py::arg("threads"), py::arg("seed"),
               py::arg("stop_callback"));
}

}  // namespace

void register_terms(py::module_& module) {
    define<double>(module);
    define<float>(module);
    module.def("additive_sums", &additive, py::arg("X").noconvert(), py::arg("y").noconvert(),
               py::arg("names"), py::arg("operators"), py::arg("fits"), py::arg("seconds"),
               py::arg("seed"));
}

}  // namespace closedform
