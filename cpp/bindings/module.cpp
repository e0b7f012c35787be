#include <pybind11/pybind11.h>

#include "register.hpp"

PYBIND11_MODULE(_core, module) {
    module.doc() = "closedform's C++ core";
    closedform::register_build_info(module);
    closedform::register_cuda(module);
    closedform::register_expression(module);
    closedform::register_network(module);
    closedform::register_operators(module);
    closedform::register_search(module);
    closedform::register_surrogate(module);
    closedform::register_separability(module);
    closedform::register_symmetries(module);
    closedform::register_terms(module);
}
