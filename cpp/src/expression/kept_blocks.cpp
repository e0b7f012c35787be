#include "expression/kept_blocks.hpp"

#include <algorithm>
#include <bit>

namespace closedform {
namespace {

// Places of nodes, 2 to 3 KiB each: what a core's second cache holds. More blocks than fit are
// computed one after another in the same place, and nothing is kept.
constexpr std::size_t most_places = 512;

}  // namespace

KeptBlocks::KeptBlocks() : kernels_(tape_kernels()), at_(max_tape_size) {}

void KeptBlocks::begin(const Tape& tape, std::span<const std::size_t> positions,
                       std::size_t blocks) {
    tape_ = tape;
    positions_.assign(positions.begin(), positions.end());
    keeps_ = blocks * tape.size() <= most_places;
    const std::size_t numbers = (keeps_ ? blocks : 1) * tape.size() * block_rows;
    if (values_.size() < numbers) {
        values_.resize(numbers);
        slopes_.resize(numbers);
        adjoints_.resize(numbers);
    }
    std::fill_n(active_.begin(), tape.size(), false);
    for (const std::size_t position : positions) {
        active_[position] = true;
    }
    mark_ancestors(tape, active_);
    start();
}

void KeptBlocks::start() {
    fresh_ = true;
    whole_ = keeps_;
    std::fill_n(value_moved_.begin(), tape_.size(), true);
    std::copy_n(active_.begin(), tape_.size(), adjoint_wanted_.begin());
    std::fill_n(moved_.begin(), positions_.size(), true);
    gram_.assign(positions_.size() * (positions_.size() + 1) / 2, 0.0);
}

void KeptBlocks::change(const Tape& tape) {
    if (!whole_) {
        tape_ = tape;
        start();
        return;
    }
    fresh_ = false;
    const auto other = [](double a, double b) {
        return std::bit_cast<std::uint64_t>(a) != std::bit_cast<std::uint64_t>(b);
    };
    for (std::size_t i = 0; i < tape.size(); ++i) {
        value_moved_[i] = other(tape_[i].value, tape[i].value);
        adjoint_wanted_[i] = false;
    }
    tape_ = tape;
    mark_ancestors(tape_, value_moved_);
    for (std::size_t i = tape_.size(); i-- > 0;) {
        const Op op = tape_[i].op;
        if (!active_[i] || arity(op) == 0) {
            continue;
        }
        const auto want = [&](std::size_t operand, bool slope_moved) {
            adjoint_wanted_[operand] = active_[operand] && (adjoint_wanted_[i] || slope_moved);
        };
        const std::size_t right = i - 1;
        const bool linear = op == Op::add || op == Op::sub;
        if (arity(op) == 1) {
            want(right, value_moved_[i]);
            continue;
        }
        // What the slopes by the operands read (kernels/binary_operators.hpp).
        const std::size_t left = operands(tape_, i).left;
        const bool of_right_alone = op == Op::mul || op == Op::div;
        want(left, !linear && value_moved_[of_right_alone ? right : i]);
        want(right, !linear && value_moved_[op == Op::mul ? left : i]);
    }
    for (std::size_t p = 0; p < positions_.size(); ++p) {
        moved_[p] = adjoint_wanted_[positions_[p]];
    }
}

const double* KeptBlocks::pass(std::size_t block, const double* const* columns, std::size_t rows) {
    const std::size_t nodes = tape_.size();
    node_evaluations_ += nodes * rows;
    const std::size_t own = place(block) * block_rows;
    kernels_.forward_kept(tape_.data(), nodes, columns, rows, value_moved_.data(),
                          values_.data() + own, slopes_.data() + own, at_.data());
    if (fresh_) {
        std::fill_n(adjoints_.data() + own + (nodes - 1) * block_rows, rows, 1.0);
    }
    kernels_.reverse(tape_.data(), nodes, at_.data(), slopes_.data() + own, rows,
                     adjoint_wanted_.data(), adjoints_.data() + own);
    for (std::size_t p = 0; p < positions_.size(); ++p) {
        jacobian_[p] = adjoints_.data() + own + positions_[p] * block_rows;
    }
    return at_[nodes - 1];
}

}  // namespace closedform
