#pragma once
// Value, input gradient and slopes by constants of an expression at many rows.

#include <span>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/expression.hpp"

namespace closedform {

/// Value [rows], gradient [rows x columns] and Hessian [rows x columns x columns] of the expression
/// at the rows of X, each left out where its pointer is null; not finite where the expression is
/// not defined. The gradient's cost does not grow with the number of columns (reverse mode); the
/// Hessian's grows with the number of columns the tape reads (a tangent of the reverse pass each).
/// X: float or double, n x d with d at least inputs_needed(tape). threads: 0 for all cores; a few
/// thousand rows are the work of the caller's own thread, which keeps what memory it needs.
template <class T>
void evaluate_derivatives(const Tape& tape, MatrixView<const T> x, double* value, double* gradient,
                          double* hessian, unsigned threads);

/// The value alone.
template <class T>
void evaluate(const Tape& tape, MatrixView<const T> x, std::span<double> out, unsigned threads) {
    evaluate_derivatives(tape, x, out.data(), nullptr, nullptr, threads);
}

/// The gradient alone; the rows of `out` lie one behind the other.
template <class T>
void evaluate_gradient(const Tape& tape, MatrixView<const T> x, MatrixView<double> out,
                       unsigned threads) {
    evaluate_derivatives(tape, x, nullptr, out.data, nullptr, threads);
}

/// Derivatives of the value by every constant of the tape, in the order of constant_positions: what
/// errors of the constants are made of. X as above; out: rows x constants.
template <class T>
void evaluate_constant_slopes(const Tape& tape, MatrixView<const T> x, MatrixView<double> out,
                              unsigned threads);

/// Values of some of the tape's nodes. X as above; out: rows x nodes.
template <class T>
void evaluate_nodes(const Tape& tape, std::span<const std::size_t> nodes, MatrixView<const T> x,
                    MatrixView<double> out, unsigned threads);

}  // namespace closedform
