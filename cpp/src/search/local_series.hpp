#pragma once
// What a function is where its argument hardly changes: 1 + sin(0.01*x + 4.7) is a parabola. Such
// imitations fit better than any other formula of their size but the law, and lie far from it for
// all small changes.

#include <vector>

#include "closedform/expression/expression.hpp"
#include "expression/row_blocks.hpp"
#include "expression/workspace.hpp"

namespace closedform {

/// The tape with one function of an input each replaced by a parabola, and by a line, that agrees
/// with it at the ends and the middle of what its argument takes on the rows, where it nearly
/// agrees between them, too. Their constants are to be fitted anew. Of tapes that are one tree.
std::vector<Tape> local_series(const Tape& tape, const RowBlocks& rows, Workspace& workspace);

}  // namespace closedform
