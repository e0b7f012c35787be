#pragma once
// Expressions on the whole of the data, a part at a time: no copy of all rows is made, and what is
// kept of a part does not grow with them. The same for any number of threads (0: all cores).

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "closedform/objective/target.hpp"

namespace closedform {

/// Losses of expressions on all rows of X, in one pass over them. Throws std::invalid_argument
/// where X, the target and the expressions do not fit together.
template <class T>
std::vector<double> losses_on_all_rows(std::span<const Tape> tapes, MatrixView<const T> x,
                                       const Target& target, unsigned threads);

/// The normal equations of all constants of every expression (in the order of
/// constant_positions), in one pass over all rows or, beyond a million, over as many in parts
/// spread evenly: what more rows would add to the constants lies far below what they are printed
/// with. Nothing where the deadline passes before the end. Throws as losses_on_all_rows.
template <class T>
std::vector<NormalEquations> equations_on_all_rows(std::span<const Tape> tapes,
                                                   MatrixView<const T> x, const Target& target,
                                                   unsigned threads, const StopToken& stop);

/// How many rows equations_on_all_rows looks at.
std::size_t equation_rows(std::size_t rows);

/// All rows of the data, as the last stage asks for them: all expressions at once, for every ask
/// is a pass over the rows.
struct WholeData {
    std::size_t rows = 0;
    std::function<std::vector<double>(std::span<const Tape>)> losses;
    /// As equations_on_all_rows, or nothing once its deadline has passed. Empty where `few` has all
    /// rows anyway, and where the loss is no sum of squares.
    std::function<std::vector<NormalEquations>(std::span<const Tape>)> equations;
    std::size_t equation_rows = 0;  ///< how many of the rows those are taken on
};

}  // namespace closedform
