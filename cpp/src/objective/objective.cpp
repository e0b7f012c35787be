#include "objective/objective.hpp"

#include <utility>

namespace closedform {

Tape Objective::simplest(Tape tape, const OpSet& allowed) const {
    if (tape.empty()) {
        return tape;
    }
    Tape written = emit(representative(canonical(tape)), allowed);
    if (!written.empty()) {
        return written;
    }
    return uses_only(tape, allowed) ? std::move(tape) : Tape{};
}

}  // namespace closedform
