#pragma once
// Expressions on the whole of the data, as sums over its rows: no copy of all rows is made, and
// what is kept of them does not grow with them.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/core/row_sums.hpp"
#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "closedform/objective/target.hpp"

namespace closedform {

/// Losses of expressions, all in one pass over the rows.
struct LossQuestion {
    std::span<const Tape> tapes;
    /// In the precision of X where that is cheaper: to compare expressions, not to tell whether one
    /// is exact.
    bool rough = false;
};
using LossRowSums = RowSums<LossQuestion, std::vector<LossSums>>;  ///< one for each expression

/// The normal equations of all constants of every expression (in the order of constant_positions),
/// in one pass over all rows or, beyond a million, over as many in parts spread evenly: what more
/// rows would add to the constants lies far below what they are printed with.
using EquationRowSums = RowSums<std::span<const Tape>, std::vector<EquationSums>>;

/// Of rows in this machine's memory, the same for any number of threads (0: all cores); always in
/// float64. x and target must live as long. Their questions throw std::invalid_argument where X,
/// the target and the expressions do not fit together.
template <class T>
std::unique_ptr<LossRowSums> loss_sums(MatrixView<const T> x, const Target& target,
                                       unsigned threads);
template <class T>
std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const T> x, const Target& target,
                                               unsigned threads);

/// How many of so many rows equation_sums looks at.
std::size_t equation_rows(std::size_t rows);

std::vector<double> losses_on_all_rows(std::span<const Tape> tapes, LossRowSums& rows,
                                       bool rough = false);

/// Divided by the sum of weights. Nothing where it was stopped before the end.
std::vector<NormalEquations> equations_on_all_rows(std::span<const Tape> tapes,
                                                   EquationRowSums& rows, const StopToken& stop);

/// All rows of the data, as the last stage asks for them: all expressions at once, for every ask
/// is a pass over the rows.
struct WholeData {
    std::size_t rows = 0;
    LossRowSums* losses = nullptr;
    /// Null where `few` has all rows anyway, and where the loss is no sum of squares.
    EquationRowSums* equations = nullptr;
    std::size_t equation_rows = 0;  ///< how many of the rows those are taken on
};

}  // namespace closedform
