#pragma once
// One function per concept; module.cpp calls them all.

#include <pybind11/pybind11.h>

namespace closedform {

void register_cuda(pybind11::module_& module);
void register_expression(pybind11::module_& module);
void register_few_terms(pybind11::module_& module);
void register_formula_rules(pybind11::module_& module);
void register_network(pybind11::module_& module);
void register_operators(pybind11::module_& module);
void register_partition_sums(pybind11::module_& module);
void register_search(pybind11::module_& module);
void register_separability(pybind11::module_& module);
void register_surrogate(pybind11::module_& module);
void register_symmetries(pybind11::module_& module);
void register_template(pybind11::module_& module);
void register_terms(pybind11::module_& module);
void register_vocabulary(pybind11::module_& module);

}  // namespace closedform
