#pragma once
// Declares and picks the copies of a kernel table that cpp/src/kernels/simd/*.cpp define, one in a
// namespace per instruction set compiled.

#include "closedform/core/instruction_set.hpp"

#if defined(CLOSEDFORM_X86_SETS)
#define CLOSEDFORM_DECLARE_SETS(Table, function) \
    namespace baseline {                         \
    const Table* function();                     \
    }                                            \
    namespace x86_64_v3 {                        \
    const Table* function();                     \
    }                                            \
    namespace x86_64_v4 {                        \
    const Table* function();                     \
    }
#define CLOSEDFORM_PICK_SET(Table, function) \
    pick<Table>(baseline::function, x86_64_v3::function, x86_64_v4::function)
#else
#define CLOSEDFORM_DECLARE_SETS(Table, function) \
    namespace baseline {                         \
    const Table* function();                     \
    }
#define CLOSEDFORM_PICK_SET(Table, function) pick<Table>(baseline::function, nullptr, nullptr)
#endif
