#pragma once
// One thread's memory for values, adjoints and tangents of a tape at a block of rows.

#include <cstdint>
#include <span>
#include <vector>

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

    /// After reverse: tangents of the adjoints for a unit tangent of the leaves at `varying`: one
    /// constant, or every occurrence of one variable. `varies` marks them and their ancestors; one
    /// entry a node of `live` says whether the adjoint of that active node changes, and only then
    /// adjoint_tangent(node) is meant.
    void tangents(const Tape& tape, std::span<const std::size_t> varying, const bool* active,
                  const bool* varies, bool* live);

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

}  // namespace closedform
