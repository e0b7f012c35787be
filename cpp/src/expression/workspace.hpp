#pragma once
// One thread's memory for values, adjoints and tangents of a tape at a block of rows.

#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/expression/expression.hpp"
#include "expression/kept_blocks.hpp"
#include "kernels/simd/tape.hpp"

namespace closedform {

/// Scratch memory for one thread's tapes: made once, used for every candidate.
class Workspace {
  public:
    Workspace();

    /// Values at the first `rows` of a block, a multiple of row_group.
    const double* forward(const Tape& tape, const double* const* columns,
                          std::size_t rows = block_rows);

    /// Values of all nodes at one block, as the reverse pass needs them. Returns the root's.
    const double* forward_all(const Tape& tape, const double* const* columns);

    /// After forward_all: adjoints of the marked nodes for a root adjoint of one. `active` has one
    /// entry a node.
    void reverse(const Tape& tape, const bool* active);

    /// After reverse: tangents of the adjoints for a unit tangent of the leaves at `varying`: one
    /// constant, or every occurrence of one variable. `varies` marks them and their ancestors; one
    /// entry a node of `live` says whether the adjoint of that active node changes, and only then
    /// adjoint_tangent(node) is meant.
    void tangents(const Tape& tape, std::span<const std::size_t> varying, const bool* active,
                  const bool* varies, bool* live);

    /// For a fit of one tape, a step after another.
    KeptBlocks& kept() { return kept_; }

    /// Room for `count` numbers, uninitialised; what an earlier call gave is lost.
    double* room(std::size_t count);

    /// Values asked for so far, nodes times rows, kept() among them.
    std::uint64_t node_evaluations() const { return node_evaluations_ + kept_.node_evaluations(); }

    const double* value(std::size_t node) const { return at_[node]; }
    double* adjoint(std::size_t node) { return adjoint_.data() + node * block_rows; }
    const double* adjoint_tangent(std::size_t node) const {
        return adjoint_tangent_.data() + node * block_rows;
    }

  private:
    const TapeKernels& kernels_;
    AlignedDoubles scratch_;
    AlignedDoubles slopes_;
    AlignedDoubles adjoint_;
    AlignedDoubles tangent_;
    AlignedDoubles adjoint_tangent_;
    AlignedDoubles room_;
    std::vector<const double*> at_;
    KeptBlocks kept_;
    std::uint64_t node_evaluations_ = 0;
};

}  // namespace closedform
