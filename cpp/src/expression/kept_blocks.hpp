#pragma once
// Values and adjoints of one tape at all blocks of some rows, for steps of a fit: a step moves some
// constants, and what holds none of them is as it was.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/expression/expression.hpp"
#include "kernels/simd/tape.hpp"

namespace closedform {

class KeptBlocks {
  public:
    KeptBlocks();

    /// A tape at so many blocks, nothing of it known; `positions`: its constants that adjoints are
    /// wanted of.
    void begin(const Tape& tape, std::span<const std::size_t> positions, std::size_t blocks);

    /// The same tape, its constants apart, at the same blocks.
    void change(const Tape& tape);

    std::size_t positions() const { return positions_.size(); }

    /// Once after each begin() or change(): the root's values at the first `rows` of a block, and
    /// jacobian() for it. `columns`: those of the block.
    const double* pass(std::size_t block, const double* const* columns, std::size_t rows);

    /// Adjoints of the positions, one column each. Whoever scales a column that moved finds it
    /// scaled where it did not move since.
    double* const* jacobian() const { return jacobian_.data(); }
    /// Whether the column of the p-th position is another than before the last change.
    const bool* moved() const { return moved_.data(); }

    /// Not all blocks were passed: the next change is to begin.
    void spoil() { whole_ = false; }

    /// Values asked for so far: nodes times rows, whether computed or kept.
    std::uint64_t node_evaluations() const { return node_evaluations_; }

    /// Of all blocks together, for whoever adds up: kept from begin() to the next, zero after it.
    std::vector<double>& gram() { return gram_; }

  private:
    /// Nodes before the block's own.
    std::size_t place(std::size_t block) const { return keeps_ ? block * tape_.size() : 0; }
    void start();

    const TapeKernels& kernels_;
    Tape tape_;
    std::vector<std::size_t> positions_;
    bool keeps_ = false;  ///< every block has a place of its own
    bool whole_ = false;  ///< what is kept is of one and the same tape
    bool fresh_ = true;
    std::array<bool, max_tape_size> active_{};          ///< above a position, or one
    std::array<bool, max_tape_size> value_moved_{};     ///< to be computed
    std::array<bool, max_tape_size> adjoint_wanted_{};  ///< likewise
    std::array<bool, most_columns> moved_{};
    std::array<double*, most_columns> jacobian_{};
    AlignedDoubles values_;
    AlignedDoubles slopes_;
    AlignedDoubles adjoints_;
    std::vector<const double*> at_;
    std::vector<double> gram_;
    std::uint64_t node_evaluations_ = 0;
};

}  // namespace closedform
