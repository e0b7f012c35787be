#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <limits>
#include <optional>

#include "arrays.hpp"
#include "closedform/evolution.hpp"
#include "closedform/expression_text.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

using Entry = std::tuple<std::string, double>;

std::vector<Entry> entries(const std::vector<Candidate>& front,
                           const std::vector<std::string>& names) {
    std::vector<Entry> result;
    for (const Candidate& candidate : front) {
        result.emplace_back(print(candidate.tape, names), candidate.loss);
    }
    return result;
}

std::string reason_text(StopReason reason) {
    switch (reason) {
        case StopReason::time:
            return "time";
        case StopReason::evaluations:
            return "evaluations";
        case StopReason::exact:
            return "exact";
        case StopReason::good_enough:
            return "good enough";
        default:
            return "interrupted";
    }
}

template <class T>
py::dict run(const Array<T>& x, const Array<double>& y, const std::optional<Array<double>>& weights,
             const std::vector<std::string>& names, const std::vector<std::string>& operators,
             std::size_t max_size, double seconds, std::uint64_t evaluations, unsigned threads,
             std::uint64_t seed, const std::vector<std::string>& start, const py::object& callback,
             double good_enough) {
    const auto view = matrix_view(x, "X");
    const auto targets = vector_view(y, view.rows, "y");
    const auto row_weights =
        weights ? vector_view(*weights, view.rows, "weights") : std::span<const double>{};
    SearchOptions options;
    const std::vector<std::string_view> operator_views(operators.begin(), operators.end());
    options.operators = OpSet(operator_views);
    options.max_size = max_size;
    options.seconds = seconds;
    options.evaluations = evaluations;
    options.threads = threads;
    options.seed = seed;
    options.good_enough = good_enough;
    for (const std::string& text : start) {
        options.start.push_back(parse(text, names));
    }
    // Ctrl-C and an exception in the callback end the search; the latter is raised afterwards.
    const auto progress = [&](const SearchProgress& now) {
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) {
            PyErr_Clear();
            return true;
        }
        return !callback.is_none() &&
               callback(now.seconds, now.evaluations, entries(now.front, names)).cast<bool>();
    };
    SearchResult result;
    {
        const py::gil_scoped_release release;
        result = search(view, ValueGoal(targets, row_weights), options, progress);
    }
    py::dict out;
    out["front"] = entries(result.front, names);
    out["reason"] = reason_text(result.reason);
    out["evaluations"] = result.evaluations;
    out["seconds"] = result.seconds;
    return out;
}

template <class T>
void define(py::module_& module) {
    module.def("search", &run<T>, py::arg("X").noconvert(), py::arg("y").noconvert(),
               py::arg("weights"), py::arg("names"), py::arg("operators"), py::arg("max_size"),
               py::arg("seconds"), py::arg("evaluations"), py::arg("threads"), py::arg("seed"),
               py::arg("start"), py::arg("callback"), py::arg("good_enough"));
}

}  // namespace

void register_search(py::module_& module) {
    define<double>(module);
    define<float>(module);
}

}  // namespace closedform
