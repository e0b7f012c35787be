#include "interruption.hpp"

#include <atomic>

namespace closedform {
namespace {

// Signals are the process's, and so is this.
std::atomic<bool> requested{false};

}  // namespace

bool interrupted() { return PyErr_CheckSignals() != 0 || requested; }

void register_interruption(pybind11::module_& module) {
    module.def("request_interrupt", [] { requested = true; });
    module.def("forget_interrupt", [] { requested = false; });
    module.def("interrupt_requested", [] { return requested.load(); });
}

}  // namespace closedform
