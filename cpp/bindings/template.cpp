#include "template.hpp"

#include <pybind11/stl.h>

#include <stdexcept>
#include <utility>

#include "closedform/expression/infix.hpp"
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

Tape candidate_of(const Template& self, const std::vector<std::string>& texts) {
    if (texts.size() != self.unknowns.size()) {
        throw std::invalid_argument("parts: need one for each unknown function");
    }
    std::vector<Tape> parts;
    for (std::size_t k = 0; k < texts.size(); ++k) {
        parts.push_back(parse(texts[k], argument_names(self.unknowns[k].arguments)));
    }
    return join_parts(parts);
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
        .def("text", &text, py::arg("parts"), py::arg("names"));
}

}  // namespace closedform
