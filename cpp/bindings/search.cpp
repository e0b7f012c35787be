#include "closedform/search/search.hpp"

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/template.hpp"
#include "closedform/gpu/device.hpp"
#include "closedform/objective/full_data.hpp"
#include "interpreter_lock.hpp"
#include "objective/expanded_target.hpp"
#include "register.hpp"
#include "template.hpp"
#include "words.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

using Entry = std::tuple<std::string, double>;

std::vector<Entry> entries(const std::vector<Candidate>& front, const Words& words) {
    std::vector<Entry> result;
    for (const Candidate& candidate : front) {
        result.emplace_back(print(candidate.tape, words.names, words.vocabulary.get()),
                            candidate.loss);
    }
    return result;
}

/// Whole formulas.
std::vector<Entry> whole_entries(const std::vector<Candidate>& front, const Template& whole,
                                 const std::vector<std::string>& names) {
    std::vector<Entry> result;
    for (const Candidate& candidate : front) {
        result.emplace_back(print(whole.expand(candidate.tape), names), candidate.loss);
    }
    return result;
}

/// Those of the unknown functions, in their arguments a1, a2, ...
std::vector<std::vector<std::string>> part_texts(const std::vector<Candidate>& front,
                                                 const Template& whole) {
    std::vector<std::vector<std::string>> result;
    for (const Candidate& candidate : front) {
        result.push_back(texts_of_parts(candidate.tape, whole));
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

/// A target whose arrays Python owns: kept alive by the references it holds beside it.
struct PythonTarget {
    std::shared_ptr<const Target> target;
    py::tuple arrays;
    std::span<const std::int64_t> groups = {};  ///< with constants of their own; empty for none
};

using Optional = std::optional<Array<double>>;

std::span<const double> weights_of(const Optional& weights, std::size_t rows) {
    return weights ? vector_view(*weights, rows, "weights") : std::span<const double>{};
}

PythonTarget value_target(const Array<double>& values, const Optional& weights,
                          const std::optional<Array<std::int64_t>>& groups) {
    const auto rows = static_cast<std::size_t>(values.size());
    PythonTarget result{std::make_shared<ValueTarget>(vector_view(values, rows, "values"),
                                                      weights_of(weights, rows)),
                        py::make_tuple(values, weights, groups)};
    if (groups) {
        result.groups = vector_view(*groups, rows, "groups");
    }
    return result;
}

PythonTarget direction_target(const Array<double>& directions, const Optional& scales,
                              const Optional& weights, bool is_signed, bool axes, bool framed) {
    const Sign sign = axes ? Sign::of_row : is_signed ? Sign::kept : Sign::common;
    const auto view = matrix_view(directions, "gradients");
    MatrixView<const double> factors;
    if (scales) {
        factors = matrix_view(*scales, "scales");
        if (factors.rows != view.rows || (!framed && view.columns % factors.columns != 0)) {
            throw std::invalid_argument("scales: need the shape of gradients");
        }
    }
    return {std::make_shared<DirectionTarget>(view, factors, framed, weights_of(weights, view.rows),
                                              sign),
            py::make_tuple(directions, scales, weights)};
}

PythonTarget label_target(const Array<double>& labels, const Optional& weights) {
    const auto rows = static_cast<std::size_t>(labels.size());
    return {std::make_shared<LabelTarget>(vector_view(labels, rows, "labels"),
                                          weights_of(weights, rows)),
            py::make_tuple(labels, weights)};
}

std::vector<Tape> parsed(const std::vector<std::string>& texts, const Words& words) {
    std::vector<Tape> tapes;
    for (const std::string& text : texts) {
        tapes.push_back(parse(text, words.names, words.vocabulary.get()));
    }
    return tapes;
}

/// Texts of a formula: one, or with a template one for each of its unknown functions.
using Parts = std::vector<std::string>;

std::vector<Tape> begun(const std::vector<Parts>& start, const Words& words,
                        const Template* whole) {
    std::vector<Tape> tapes;
    for (const Parts& texts : start) {
        tapes.push_back(whole == nullptr ? parse(texts.at(0), words.names, words.vocabulary.get())
                                         : candidate_of(*whole, texts));
    }
    return tapes;
}

/// Losses on all rows by whoever has these.
std::vector<double> losses_of(const std::vector<Tape>& tapes, LossRowSums& rows, const Words& words,
                              bool rough) {
    if (words.vocabulary == nullptr || !words.vocabulary->has_own()) {
        return losses_on_all_rows(tapes, rows, rough);
    }
    ExpandedLosses written_out(rows, *words.vocabulary);
    return losses_on_all_rows(tapes, written_out, rough);
}

template <class T>
std::vector<double> goal_losses(const PythonTarget& self, const std::vector<std::string>& texts,
                                const Words& words, const Array<T>& x, unsigned threads) {
    const auto view = matrix_view(x, "X");
    const std::vector<Tape> tapes = parsed(texts, words);
    const Unlocked unlocked;
    return losses_of(tapes, *loss_sums<T>(view, *self.target, threads), words, false);
}

template <class T>
std::vector<double> goal_losses_on_device(const PythonTarget& self,
                                          const std::vector<std::string>& texts, const Words& words,
                                          const Array<T>& x, bool rough) {
    const auto view = matrix_view(x, "X");
    const std::vector<Tape> tapes = parsed(texts, words);
    const Unlocked unlocked;
    return losses_of(tapes, *cuda::loss_sums(view, *self.target), words, rough);
}

/// Of every text loss, J^T r and the lower triangle of J^T J, as means over the weights.
py::list normal_equations(const PythonTarget& self, const std::vector<std::string>& texts,
                          const Words& words, const Array<double>& x, unsigned threads,
                          bool on_device) {
    const auto view = matrix_view(x, "X");
    const std::vector<Tape> tapes = parsed(texts, words);
    std::vector<NormalEquations> found;
    {
        const Unlocked unlocked;
        const auto rows = on_device ? cuda::equation_sums(view, *self.target)
                                    : equation_sums<double>(view, *self.target, threads);
        found = equations_on_all_rows(tapes, *rows, StopToken());
    }
    py::list out;
    for (const NormalEquations& equations : found) {
        out.append(py::make_tuple(equations.loss, equations.gradient, equations.gram));
    }
    return out;
}

template <class T>
double goal_loss(const PythonTarget& self, const std::string& text, const Words& words,
                 const Array<T>& x, unsigned threads) {
    return goal_losses(self, {text}, words, x, threads).front();
}

template <class T>
py::dict run(const Array<T>& x, const PythonTarget& target, const Words& words,
             const std::vector<std::string>& operators, std::size_t max_size, double seconds,
             std::uint64_t evaluations, unsigned threads, std::uint64_t seed,
             const std::vector<Parts>& start, const py::object& callback, double good_enough,
             bool on_device, const FormulaRules* rules, const std::string& resume,
             const py::object& keep, const Template* whole) {
    const auto view = matrix_view(x, "X");
    if (words.names.size() != view.columns) {
        throw std::invalid_argument("names: need one for each column of X");
    }
    SearchOptions options;
    options.operators = op_set(operators, words.vocabulary.get());
    options.max_size = max_size;
    options.seconds = seconds;
    options.evaluations = evaluations;
    options.threads = threads;
    options.seed = seed;
    options.good_enough = good_enough;
    options.start = begun(start, words, whole);
    if (rules != nullptr) {
        options.rules = *rules;
    }
    options.rules.vocabulary = words.vocabulary;
    options.resume = resume;
    if (!keep.is_none()) {
        options.keep = [&](const std::string& state) {
            const Locked locked;
            keep(py::bytes(state));
        };
    }
    options.whole = whole;
    const Target* searched = target.target.get();
    std::optional<TemplateTarget> through;
    if (whole != nullptr) {
        searched = &through.emplace(*searched, *whole);
    }
    std::optional<GroupTarget> grouped;
    if (!target.groups.empty()) {
        searched = &grouped.emplace(*searched, target.groups);
    }
    const auto told = [&](const std::vector<Candidate>& front) -> std::vector<Entry> {
        return whole == nullptr ? entries(front, words) : whole_entries(front, *whole, words.names);
    };
    // Ctrl-C and an exception in the callback end the search; the latter is raised afterwards.
    options.stop = StopToken(std::numeric_limits<double>::infinity(), [] {
        const Locked locked;
        const bool now = interrupted();
        PyErr_Clear();
        return now;
    });
    const auto progress = [&](const SearchProgress& now) {
        const Locked locked;
        return !callback.is_none() &&
               py::cast<bool>(callback(now.seconds, now.evaluations, told(now.front)));
    };
    SearchResult result;
    {
        const Unlocked unlocked;
        const auto begin = std::chrono::steady_clock::now();
        const auto there = on_device ? cuda::loss_sums(view, *target.target) : nullptr;
        options.loss_rows = there.get();
        if (on_device) {
            options.sample_sums = [](MatrixView<const double> rows, const Target& of) {
                return cuda::equation_sums(rows, of);
            };
        }
        // Taking all rows there can last.
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
        options.seconds = std::max(options.seconds - spent.count(), 0.0);
        result = search(view, *searched, options, progress);
    }
    py::dict out;
    out["front"] = told(result.front);
    out["rivals"] = told(result.rivals);
    if (whole != nullptr) {
        out["parts"] = part_texts(result.front, *whole);
        out["rival_parts"] = part_texts(result.rivals, *whole);
    }
    out["reason"] = reason_text(result.reason);
    out["evaluations"] = result.evaluations;
    out["node_evaluations"] = result.node_evaluations;
    out["evolving"] = result.evolving;
    out["epochs"] = result.epochs;
    out["seconds"] = result.seconds;
    return out;
}

template <class T>
void define(py::module_& module) {
    module.def("search", &run<T>, py::arg("X").noconvert(), py::arg("goal"), py::arg("names"),
               py::arg("operators"), py::arg("max_size"), py::arg("seconds"),
               py::arg("evaluations"), py::arg("threads"), py::arg("seed"), py::arg("start"),
               py::arg("callback"), py::arg("good_enough"), py::arg("on_device") = false,
               py::arg("rules") = nullptr, py::arg("resume") = py::bytes(),
               py::arg("keep") = py::none(), py::arg("template") = nullptr);
}

}  // namespace

void register_search(py::module_& module) {
    py::class_<PythonTarget>(module, "Goal")
        .def_static("values", &value_target, py::arg("values").noconvert(),
                    py::arg("weights").noconvert(), py::arg("groups") = py::none())
        .def_static("gradients", &direction_target, py::arg("directions").noconvert(),
                    py::arg("scales").noconvert(), py::arg("weights").noconvert(),
                    py::arg("signed"), py::arg("axes") = false, py::arg("framed") = false)
        .def_static("labels", &label_target, py::arg("labels").noconvert(),
                    py::arg("weights").noconvert())
        .def("losses", &goal_losses<double>, py::arg("texts"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("losses", &goal_losses<float>, py::arg("texts"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("losses_on_device", &goal_losses_on_device<double>, py::arg("texts"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("rough") = false)
        .def("losses_on_device", &goal_losses_on_device<float>, py::arg("texts"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("rough") = false)
        .def("normal_equations", &normal_equations, py::arg("texts"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("threads") = 0, py::arg("on_device") = false)
        .def("loss", &goal_loss<double>, py::arg("text"), py::arg("names"),
             py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("loss", &goal_loss<float>, py::arg("text"), py::arg("names"), py::arg("X").noconvert(),
             py::arg("threads") = 0);
    define<double>(module);
    define<float>(module);
}

}  // namespace closedform
