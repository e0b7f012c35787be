#pragma once
// Value and input gradient of an expression at many rows.

#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/expression.hpp"
#include "kernels/simd/tape.hpp"

namespace closedform {

/// Scratch memory for one thread's tapes: made once, used for every candidate.
class Workspace {
  public:
    Workspace();

    /// Values of all nodes at one block; keep: as the reverse pass needs them. Returns the root's.
    const double* forward(const Tape& tape, const double* const* columns, bool keep);

    /// After forward(keep = true): adjoints of the marked nodes for a root adjoint of one.
    /// `active` has one entry a node.
    void reverse(const Tape& tape, const bool* active);

    /// After reverse: tangents of the adjoints for a unit tangent of the leaves at `moving`: one
    /// constant, or every occurrence of one variable. `moves` marks them and their ancestors; one
    /// entry a node of `live` says whether the adjoint of that active node changes, and only then
    /// adjoint_tangent(node) is meant.
    void move(const Tape& tape, std::span<const std::size_t> moving, const bool* active,
              const bool* moves, bool* live);

    /// Room for `count` numbers, uninitialised; what an earlier call gave is lost.
    double* room(std::size_t count);

    /// Values computed by all calls of forward: nodes times rows.
    std::uint64_t node_evaluations() const { return node_evaluations_; }

    const double* value(std::size_t node) const { return at_[node]; }
    double* adjoint(std::size_t node) { return adjoint_.data() + node * block_rows; }
    const double* adjoint_tangent(std::size_t node) const {
        return adjoint_tangent_.data() + node * block_rows;
    }

  private:
    const TapeKernels& kernels_;
    std::vector<double> scratch_;
    std::vector<double> adjoint_;
    std::vector<double> tangent_;
    std::vector<double> adjoint_tangent_;
    std::vector<double> room_;
    std::vector<const double*> at_;
    std::uint64_t node_evaluations_ = 0;
};

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

}  // namespace closedform
