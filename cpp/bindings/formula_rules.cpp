#include "closedform/search/formula_rules.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "closedform/expression/infix.hpp"
#include "register.hpp"

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

Op op(const std::string& name) {
    const std::string_view view = name;
    return OpSet(std::span(&view, 1)).operators().front();
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
                                                         const std::vector<std::string>& names) {
    if (!rules.dimensions) {
        return {};
    }
    return constant_dimensions(parse(text, names), *rules.dimensions);
}

}  // namespace

void register_formula_rules(py::module_& module) {
    py::class_<FormulaRules>(module, "FormulaRules")
        .def(py::init<>())
        .def_readwrite("most_depth", &FormulaRules::most_depth)
        .def_readwrite("most_constants", &FormulaRules::most_constants)
        .def("set_units", &set_units, py::arg("inputs"), py::arg("target"), py::arg("constants"))
        .def("limit_nesting",
             [](FormulaRules& rules, const std::string& outer, const std::string& inner,
                std::size_t most) { rules.nestings.push_back({op(outer), op(inner), most}); })
        .def("limit_operands",
             [](FormulaRules& rules, const std::string& name, std::size_t left, std::size_t right) {
                 rules.operand_sizes.push_back({op(name), left, right});
             })
        .def("forbid", [](FormulaRules& rules, const std::string& name,
                          int input) { rules.forbidden.push_back({op(name), input}); })
        .def("allow",
             [](const FormulaRules& rules, const std::string& text,
                const std::vector<std::string>& names) { return rules.allow(parse(text, names)); })
        .def("units_of_constants", &units_of_constants, py::arg("text"), py::arg("names"));
}

}  // namespace closedform
