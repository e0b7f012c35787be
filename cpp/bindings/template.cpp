#include "template.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/objective/target.hpp"
#include "expression/row_blocks.hpp"
#include "expression/workspace.hpp"
#include "interpreter_lock.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/objective.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

std::vector<std::string> argument_names(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t k = 1; k <= count; ++k) {
        names.push_back("a" + std::to_string(k));
    }
    return names;
}

/// With names for the constants of the parts behind those of the inputs, where there are more.
std::string text(const Template& self, const std::vector<std::string>& texts,
                 const std::vector<std::string>& names) {
    const Tape candidate = candidate_of(self, texts);
    Tape whole = self.expand(candidate);
    if (whole.empty()) {
        throw std::invalid_argument("parts: the whole is longer than 255 nodes");
    }
    std::vector<int> number(candidate.size(), -1);
    int count = 0;
    for (const std::size_t position : constant_positions(candidate)) {
        number[position] = count++;
    }
    for (Node& node : whole) {
        if (node.op == Op::constant && node.variable >= 0) {
            const int own = number[static_cast<std::size_t>(node.variable)];
            const bool named = own >= 0 && names.size() > self.inputs;
            node = named ? Node::input(static_cast<int>(self.inputs) + own)
                         : Node::constant(node.value);
        }
    }
    return print(whole, names);
}

std::vector<double> constants(const Template& self, const std::vector<std::string>& texts) {
    const Tape candidate = candidate_of(self, texts);
    std::vector<double> values;
    for (const std::size_t position : constant_positions(candidate)) {
        values.push_back(candidate[position].value);
    }
    return values;
}

/// The constants of the parts that rows are met best with, from others on, and the loss there.
std::pair<std::vector<double>, double> refit(const Template& self,
                                             const std::vector<std::string>& texts,
                                             const std::vector<double>& begin,
                                             const Array<double>& x, const Array<double>& y,
                                             const std::optional<Array<double>>& weights) {
    const auto view = matrix_view(x, "X");
    Tape candidate = candidate_of(self, texts);
    const auto positions = constant_positions(candidate);
    if (view.columns != self.inputs || positions.size() != begin.size()) {
        throw std::invalid_argument("parts: X has other columns, or there are other constants");
    }
    for (std::size_t k = 0; k < begin.size(); ++k) {
        candidate[positions[k]].value = begin[k];
    }
    const ValueTarget values(
        vector_view(y, view.rows, "y"),
        weights ? vector_view(*weights, view.rows, "weights") : std::span<const double>{});
    const Unlocked unlocked;
    std::vector<std::size_t> rows(view.rows);
    std::iota(rows.begin(), rows.end(), 0);
    Units units;
    units.x.assign(view.columns, 1.0);
    const auto objective = TemplateTarget(values, self).at(RowBlocks(view), rows, units);
    Workspace workspace;
    FitOptions options;
    options.max_iterations = 100;
    options.tolerance = 1e-10;
    const double loss =
        fit_constants(candidate, positions, {}, *objective, workspace, options).loss;
    std::vector<double> constants;
    for (const std::size_t position : positions) {
        constants.push_back(candidate[position].value);
    }
    return {std::move(constants), loss};
}

/// Of the first call of every unknown function, in inputs; none where a call stands in them.
std::vector<std::vector<std::string>> arguments(const Template& self,
                                                const std::vector<std::string>& names) {
    std::vector<std::vector<std::string>> result(self.unknowns.size());
    for (const Template::Call& call : self.calls) {
        std::vector<std::string>& own = result[call.unknown];
        if (!own.empty()) {
            continue;
        }
        for (const Tape& argument : call.arguments) {
            const bool plain = static_cast<std::size_t>(inputs_needed(argument)) <= self.inputs;
            own.push_back(plain ? print(argument, names) : std::string());
        }
    }
    return result;
}

}  // namespace

Tape candidate_of(const Template& whole, const std::vector<std::string>& texts) {
    if (texts.size() != whole.unknowns.size()) {
        throw std::invalid_argument("parts: need one for each unknown function");
    }
    std::vector<Tape> parts;
    for (std::size_t k = 0; k < texts.size(); ++k) {
        parts.push_back(parse(texts[k], argument_names(whole.unknowns[k].arguments)));
    }
    return join_parts(parts);
}

std::vector<std::string> texts_of_parts(const Tape& candidate, const Template& whole) {
    std::vector<std::string> texts;
    const std::vector<Tape> parts = parts_of(candidate);
    for (std::size_t k = 0; k < parts.size(); ++k) {
        texts.push_back(print(parts[k], argument_names(whole.unknowns[k].arguments)));
    }
    return texts;
}

void register_template(py::module_& module) {
    py::class_<Template>(module, "Template")
        .def(py::init([](const std::string& text, const std::vector<std::string>& names) {
                 return parse_template(text, names);
             }),
             py::arg("text"), py::arg("names"))
        .def_property_readonly("unknowns",
                               [](const Template& self) {
                                   std::vector<std::pair<std::string, std::size_t>> result;
                                   for (const Template::Unknown& one : self.unknowns) {
                                       result.emplace_back(one.name, one.arguments);
                                   }
                                   return result;
                               })
        .def("arguments", &arguments, py::arg("names"))
        .def("constants", &constants, py::arg("parts"))
        .def("text", &text, py::arg("parts"), py::arg("names"))
        .def("refit", &refit, py::arg("parts"), py::arg("constants"), py::arg("X").noconvert(),
             py::arg("y").noconvert(), py::arg("weights").noconvert() = py::none());
}

}  // namespace closedform
