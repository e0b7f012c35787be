#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "closedform/expression/operator_table.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace closedform {

void register_operators(py::module_& module) {
    py::class_<OperatorFacts> operator_class(module, "Operator");
    operator_class.def_readonly("name", &OperatorFacts::name)
        .def_readonly("operands", &OperatorFacts::operands)
        .def_readonly("power", &OperatorFacts::power)
        .def_readonly("periodic", &OperatorFacts::periodic)
        .def_readonly("values_only", &OperatorFacts::values_only)
        .def_readonly("cost", &OperatorFacts::cost)
        .def_property_readonly("slopes",
                               [](const OperatorFacts& self) {
                                   const auto* const first = self.slopes.begin();
                                   return std::vector<std::string>(first, first + self.operands);
                               })
        .def_readonly("sympy", &OperatorFacts::sympy)
        .def_readonly("c", &OperatorFacts::c)
        .def_readonly("fortran", &OperatorFacts::fortran)
        .def_readonly("julia", &OperatorFacts::julia)
        .def_readonly("julia_guard", &OperatorFacts::julia_guard)
        .def_readonly("arrays", &OperatorFacts::arrays)
        .def("value", [](const OperatorFacts& self, const std::vector<double>& operands) {
            if (operands.size() != static_cast<std::size_t>(self.operands)) {
                throw std::invalid_argument("operands: " + std::string(self.name) + " has " +
                                            std::to_string(self.operands) + ", but " +
                                            std::to_string(operands.size()) + " are given");
            }
            return self.library(operands.front(), operands.back());
        });
    py::dict all;
    for (const Op op : OpSet::all().operators()) {
        all[py::str(std::string(name(op)))] =
            py::cast(facts(op), py::return_value_policy::reference);
    }
    module.attr("OPERATORS") = all;
}

}  // namespace closedform
