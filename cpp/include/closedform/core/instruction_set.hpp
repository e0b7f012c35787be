#pragma once
// Which copy of the hot kernels runs: cpp/src/kernels/simd/*.cpp are compiled once per instruction
// set and one is picked when the library is first used.

#include <string_view>

namespace closedform {

enum class InstructionSet { baseline, x86_64_v3, x86_64_v4 };

/// The best set this processor supports, or the one named by the environment variable
/// CLOSEDFORM_INSTRUCTION_SET (baseline, x86_64_v3, x86_64_v4) when the processor supports that.
/// Throws std::invalid_argument for a name it does not know or the processor cannot run.
InstructionSet instruction_set();

/// Whether this processor has it and the library was built with it.
bool supported(InstructionSet set);

std::string_view name(InstructionSet set);

/// Picks among the copies of a kernel table. `v3` and `v4` are null where not compiled.
template <class Table>
const Table& pick(const Table* (*baseline)(), const Table* (*v3)(), const Table* (*v4)()) {
    const InstructionSet set = instruction_set();
    if (set == InstructionSet::x86_64_v4 && v4 != nullptr) {
        return *v4();
    }
    if (set != InstructionSet::baseline && v3 != nullptr) {
        return *v3();
    }
    return *baseline();
}

}  // namespace closedform
