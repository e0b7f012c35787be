#pragma once
// Python's interpreter lock, given up while the core computes and taken for a callback. pybind11's
// own guards end the process where a daemon thread comes back to an interpreter that is ending:
// Python 3.13 and older unwind such a thread, out of a destructor that may not throw and past
// objects that nobody may touch any more. Here it waits for the end of the process instead, as
// Python does from 3.14 on.

#include <Python.h>

#include <chrono>
#include <thread>

namespace closedform {

inline void wait_where_interpreter_ends() {
#if PY_VERSION_HEX >= 0x030D0000
    const auto ending = [] { return Py_IsFinalizing() != 0; };
#else
    const auto ending = [] { return _Py_IsFinalizing() != 0; };
#endif
    while (ending()) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}

/// Without the lock, from here to the end of the scope.
class Unlocked {
  public:
    Unlocked() : state_(PyEval_SaveThread()) {}
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    // The end can come while this waits for the lock: then Python unwinds the thread from here.
    ~Unlocked() noexcept(false) {  // NOLINT(bugprone-unsafe-to-allow-exceptions)
        wait_where_interpreter_ends();
        PyEval_RestoreThread(state_);
    }

  private:
    PyThreadState* state_;
};

/// With the lock, from here to the end of the scope.
class Locked {
  public:
    Locked() : state_(taken()) {}
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked() { PyGILState_Release(state_); }

  private:
    static PyGILState_STATE taken() {
        wait_where_interpreter_ends();
        return PyGILState_Ensure();
    }
    PyGILState_STATE state_;
};

}  // namespace closedform
