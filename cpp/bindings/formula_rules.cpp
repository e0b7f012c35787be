#include "closedform/search/formula_rules.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "register.hpp"
#include "template.hpp"
#include "words.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

Dimension dimension(const std::vector<double>& exponents) {
    if (exponents.size() > most_base_units) {
        throw std::invalid_argument("units: of more than " + std::to_string(most_base_units) +
                                    " base units");
    }
    Dimension result{};
    std::copy(exponents.begin(), exponents.end(), result.begin());
    return result;
}

Op op(const FormulaRules& rules, const std::string& name) {
    return op_set(std::span(&name, 1), rules.vocabulary.get()).operators().front();
}

void set_units(FormulaRules& rules, const std::vector<std::vector<double>>& inputs,
               const std::optional<std::vector<double>>& target,
               const std::vector<std::vector<double>>& constants) {
    Dimensions dimensions;
    dimensions.constants.clear();
    for (const auto& own : inputs) {
        dimensions.inputs.push_back(dimension(own));
    }
    for (const auto& own : constants) {
        dimensions.constants.push_back(dimension(own));
    }
    if (target) {
        dimensions.target = dimension(*target);
    }
    rules.dimensions = std::move(dimensions);
}

std::optional<std::vector<Dimension>> units_of_constants(const FormulaRules& rules,
                                                         const std::string& text,
                                                         const Words& words) {
    if (!rules.dimensions) {
        return {};
    }
    const Tape tape = parse(text, words.names, words.vocabulary.get());
    if (!rules.has_own()) {
        return constant_dimensions(tape, *rules.dimensions);
    }
    const Expanded wide = rules.vocabulary->expanded(tape);
    const auto copies =
        wide.tape.empty() ? std::nullopt : constant_dimensions(wide.tape, *rules.dimensions);
    if (!copies) {
        return {};
    }
    // Of every constant its first copy's.
    std::map<std::size_t, Dimension> first;
    std::size_t k = 0;
    for (std::size_t i = 0; i < wide.tape.size(); ++i) {
        if (wide.tape[i].op == Op::constant) {
            first.emplace(wide.origin[i], (*copies)[k++]);
        }
    }
    first.erase(Expanded::defined);
    std::vector<Dimension> own;
    for (const auto& [node, dimension] : first) {
        own.push_back(dimension);
    }
    return own;
}

void add_shape(FormulaRules& rules, const std::string& of, int input, double low, double high,
               const Array<double>& points) {
    using Of = FormulaRules::Shape::Of;
    const auto view = matrix_view(points, "points");
    const Of kind = of == "value"       ? Of::value
                    : of == "slope"     ? Of::slope
                    : of == "curvature" ? Of::curvature
                                        : Of::difference;
    rules.shapes.push_back(
        {kind, input, low, high, view.columns,
         std::make_shared<const std::vector<double>>(view.data, view.data + points.size())});
}

}  // namespace

void register_formula_rules(py::module_& module) {
    py::class_<FormulaRules>(module, "FormulaRules")
        .def(py::init([](const Words& words) {
                 FormulaRules rules;
                 rules.vocabulary = words.vocabulary;
                 return rules;
             }),
             py::arg("names"))
        .def_readwrite("most_depth", &FormulaRules::most_depth)
        .def_readwrite("most_constants", &FormulaRules::most_constants)
        .def("set_units", &set_units, py::arg("inputs"), py::arg("target"), py::arg("constants"))
        .def("limit_nesting",
             [](FormulaRules& rules, const std::string& outer, const std::string& inner,
                std::size_t most) {
                 rules.nestings.push_back({op(rules, outer), op(rules, inner), most});
             })
        .def("limit_operands",
             [](FormulaRules& rules, const std::string& name, std::size_t left, std::size_t right) {
                 rules.operand_sizes.push_back({op(rules, name), left, right});
             })
        .def("forbid", [](FormulaRules& rules, const std::string& name,
                          int input) { rules.forbidden.push_back({op(rules, name), input}); })
        .def("shape", &add_shape, py::arg("of"), py::arg("input"), py::arg("low"), py::arg("high"),
             py::arg("points").noconvert())
        .def("allow",
             [](const FormulaRules& rules, const std::string& text, const Words& words) {
                 return rules.allow(parse(text, words.names, words.vocabulary.get()));
             })
        .def("allow_parts",
             [](const FormulaRules& rules, const Template& whole,
                const std::vector<std::string>& texts) {
                 return rules.of_parts(whole).allow(candidate_of(whole, texts));
             })
        .def("units_of_constants", &units_of_constants, py::arg("text"), py::arg("names"));
}

}  // namespace closedform
