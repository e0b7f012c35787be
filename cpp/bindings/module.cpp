#include <pybind11/pybind11.h>

#include <string>

#include "closedform/core/instruction_set.hpp"
#include "interruption.hpp"
#include "register.hpp"

// Nothing here needs the lock: what can be changed after it is made (a surrogate's `set_outside`)
// is who shares it's to guard, as everywhere in Python.
PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "closedform's C++ core";
    module.def("build_info", [] {
        pybind11::dict info;
        info["version"] = CLOSEDFORM_VERSION;
        info["compiler"] = CLOSEDFORM_COMPILER;
        info["build_type"] = CLOSEDFORM_BUILD_TYPE;
        info["instruction_set"] = std::string(closedform::name(closedform::instruction_set()));
        return info;
    });
    closedform::register_cuda(module);
    closedform::register_vocabulary(module);
    closedform::register_template(module);
    closedform::register_expression(module);
    closedform::register_few_terms(module);
    closedform::register_formula_rules(module);
    closedform::register_interruption(module);
    closedform::register_network(module);
    closedform::register_operators(module);
    closedform::register_search(module);
    closedform::register_surrogate(module);
    closedform::register_partition_sums(module);
    closedform::register_separability(module);
    closedform::register_symmetries(module);
    closedform::register_terms(module);
}
