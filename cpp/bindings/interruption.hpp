#pragma once
// Whether what runs is to conclude: after a signal whose handler raises an exception, or one that
// is held back (searches/interruption.py), so that whatever was found is kept.

#include <pybind11/pybind11.h>

namespace closedform {

/// With the interpreter's lock. True with an exception pending, or without one.
bool interrupted();

/// interrupt_requested(), request_interrupt() and forget_interrupt() for Python.
void register_interruption(pybind11::module_& module);

}  // namespace closedform
