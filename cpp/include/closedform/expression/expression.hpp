#pragma once
// An expression is a postfix tape: operands come before their operator, the last node is the root.
// Every node knows how many nodes its subtree has, so walking the tree needs no pointers.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "closedform/core/node.hpp"

namespace closedform {

/// The operator's name as users write it: "+", "sin", "pow", ...
std::string_view name(Op op);

/// Set of operators, one bit each; constants and variables are always members.
class OpSet {
  public:
    OpSet() = default;
    /// From users' names (operator_list.hpp). Throws std::invalid_argument naming the first unknown
    /// one.
    explicit OpSet(std::span<const std::string_view> names);

    bool has(Op op) const { return (bits_ >> static_cast<unsigned>(op) & 1U) != 0; }
    void insert(Op op) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(op); }
    std::vector<Op> operators() const;
    std::vector<Op> of_arity(int wanted) const;
    static OpSet all();  ///< but a user's own

  private:
    static_assert(all_op_count <= 64);
    std::uint64_t bits_ = 3;
};

using Tape = std::vector<Node>;

inline constexpr std::size_t max_tape_size = 255;

/// First node of the subtree that ends at `root`.
inline std::size_t subtree_begin(const Tape& tape, std::size_t root) {
    return root + 1 - tape[root].size;
}

/// Operand positions of the binary node at `root`: {left, right}. A unary node's operand is root-1.
struct Operands {
    std::size_t left;
    std::size_t right;
};
inline Operands operands(const Tape& tape, std::size_t root) {
    return {root - 1 - tape[root - 1].size, root - 1};
}

/// Recomputes every node's subtree size. Throws std::invalid_argument when the tape is not one
/// complete expression of at most max_tape_size nodes.
void fix_sizes(Tape& tape);

/// A copy of `tape` with the subtree ending at `root` replaced.
Tape replace_subtree(const Tape& tape, std::size_t root, std::span<const Node> with);

/// The subtree ending at `root` as its own tape.
Tape subtree(const Tape& tape, std::size_t root);

/// Expressions one behind the other, as one tape: what a template's candidate is.
Tape join_parts(std::span<const Tape> parts);

/// Those, in order: of an ordinary tape itself.
std::vector<Tape> parts_of(const Tape& tape);

/// Number of input columns the tape reads: one more than its largest column, 0 when it has none.
int inputs_needed(const Tape& tape);

/// Whether all its operators are in the set.
bool uses_only(const Tape& tape, const OpSet& allowed);

/// Marks every node that has a marked node below it; entries past the tape are not touched.
void mark_ancestors(const Tape& tape, std::span<bool> marked);

/// Whether an exponent of pow says what a formula is, rather than being measured: whole and half
/// numbers, which a negative base, or a root, has values at.
bool is_structure(double exponent);

/// Positions of the constants that a fit may move: all but exponents that are structure.
std::vector<std::size_t> constant_positions(const Tape& tape);

/// Whether a tape that reproduces so many different rows to rounding says something of them: they
/// have to hold well more digits than the tape has freedom. One that has about as many constants as
/// there are rows reproduces anything.
bool determined(const Tape& tape, std::size_t rows);

}  // namespace closedform
