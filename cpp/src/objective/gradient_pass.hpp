#pragma once
// Gradients of one tape at the rows of a gradient objective, block by block. With several groups,
// spans of the tape that a sum adds up at the end, the gradient of each is kept apart.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "expression/workspace.hpp"
#include "kernels/simd/direction.hpp"
#include "objective/direction_rows.hpp"

namespace closedform {

class GradientPass {
  public:
    /// group_ends: the last node of every group; empty for one. Refers to all its arguments but the
    /// last.
    GradientPass(const DirectionRows& data, const Tape& tape, Workspace& workspace,
                 std::span<const std::size_t> group_ends = {});

    struct Slot {
        std::size_t group;
        std::size_t component;
    };
    /// The components that are not zero everywhere: of which group, and which.
    const std::vector<Slot>& slots() const { return slots_; }

    /// Values and, into out[slot], components at one block.
    void load(std::size_t block, double* const* out);

    /// Loads a block, sets the inverse norms and adds the block's two sums of the loss.
    void differences(std::size_t block, double* const* out, double* inverse, double& minus,
                     double& plus);

    /// After differences: of the target at that block, where it is an axis towards the gradient.
    const double* direction(std::size_t block, std::size_t component) const {
        return data_.axes() ? towards_.data() + component * block_rows
                            : data_.direction(block, component, 0);
    }

    /// After load: tangents of the components for the constant at `position`.
    void tangent(std::size_t block, std::size_t position, double* const* out);

  private:
    /// Turns the block's axes towards the gradient; of a span, takes what is nearest to it.
    void turn_axes(std::size_t block, const double* const* gradient);

    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    struct Read {
        std::size_t node;
        std::size_t column;
        std::size_t slot;  ///< the first of as many as there are in a frame
        bool first;        ///< of its slot
    };

    /// Adds what is at the reads' nodes, times their factors, to the slots.
    void add_read(const Read& read, const double* at, std::size_t block, bool first,
                  double* const* out) const;

    const DirectionRows& data_;
    const DirectionKernels& kernels_;
    const Tape& tape_;
    Workspace& workspace_;
    std::array<bool, max_tape_size> active_{};
    std::vector<std::size_t> slot_of_;  ///< of every component, in the group seen last
    std::vector<Slot> slots_;
    std::vector<Read> reads_;
    AlignedDoubles towards_;  ///< components x block_rows; empty unless the target is axes
};

}  // namespace closedform
