#include "objective/objective.hpp"

#include <utility>

namespace closedform {

Tape Objective::simplest(Tape tape, const OpSet& allowed) const {
    if (tape.empty()) {
        return tape;
    }
    if (tape.back().size != tape.size()) {
        std::vector<Tape> parts = parts_of(tape);
        for (Tape& part : parts) {
            part = simplest(std::move(part), allowed);
            if (part.empty()) {
                return {};
            }
        }
        return join_parts(parts);
    }
    Tape written = emit(representative(canonical(tape)), allowed);
    if (!written.empty()) {
        return written;
    }
    return uses_only(tape, allowed) ? std::move(tape) : Tape{};
}

}  // namespace closedform
