#include <string>

#include "closedform/core/instruction_set.hpp"
#include "register.hpp"

namespace closedform {

void register_build_info(pybind11::module_& module) {
    module.def("build_info", [] {
        pybind11::dict info;
        info["version"] = CLOSEDFORM_VERSION;
        info["compiler"] = CLOSEDFORM_COMPILER;
        info["build_type"] = CLOSEDFORM_BUILD_TYPE;
        info["instruction_set"] = std::string(name(instruction_set()));
        return info;
    });
}

}  // namespace closedform
