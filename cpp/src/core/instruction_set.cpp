#include "closedform/core/instruction_set.hpp"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace closedform {
namespace {

constexpr std::array<InstructionSet, 3> all_sets = {
    InstructionSet::baseline, InstructionSet::x86_64_v3, InstructionSet::x86_64_v4};

InstructionSet choose() {
    // Read once, before any thread of ours exists.
    const char* wish = std::getenv("CLOSEDFORM_INSTRUCTION_SET");  // NOLINT(concurrency-mt-unsafe)
    InstructionSet best = InstructionSet::baseline;
    for (const InstructionSet set : all_sets) {
        if (wish != nullptr && name(set) == wish) {
            if (!supported(set)) {
                throw std::invalid_argument(std::string("CLOSEDFORM_INSTRUCTION_SET=") + wish +
                                            ": this processor does not support it");
            }
            return set;
        }
        if (supported(set)) {
            best = set;
        }
    }
    if (wish != nullptr) {
        throw std::invalid_argument(std::string("CLOSEDFORM_INSTRUCTION_SET=") + wish +
                                    ": use baseline, x86_64_v3 or x86_64_v4");
    }
    return best;
}

}  // namespace

bool supported(InstructionSet set) {
#if defined(CLOSEDFORM_X86_SETS)
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("f16c") &&
                    __builtin_cpu_supports("movbe");
    if (set == InstructionSet::x86_64_v3) {
        return v3;
    }
    if (set == InstructionSet::x86_64_v4) {
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512vl");
    }
#endif
    return set == InstructionSet::baseline;
}

InstructionSet instruction_set() {
    static const InstructionSet chosen = choose();
    return chosen;
}

std::string_view name(InstructionSet set) {
    switch (set) {
        case InstructionSet::x86_64_v3:
            return "x86_64_v3";
        case InstructionSet::x86_64_v4:
            return "x86_64_v4";
        default:
            return "baseline";
    }
}

}  // namespace closedform
