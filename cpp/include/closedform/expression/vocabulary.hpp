#pragma once
// What formulas are written in beside the table's operators: operators of a user's own, each
// defined by an expression, and what every word counts.

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

/// A tape in operators of the table alone.
struct Expanded {
    static constexpr std::size_t defined = std::numeric_limits<std::size_t>::max();
    Tape tape;  ///< empty where it would be longer than max_tape_size
    /// For every node the one that it is in the tape expanded, or `defined` where it belongs to an
    /// operator's definition. A node of an operand can be there several times.
    std::vector<std::size_t> origin;
};

class Vocabulary {
  public:
    /// An operator of one or two operands, the columns of its definition, in operators of the
    /// table. Throws std::invalid_argument where it has none, or more, or there are too many.
    Op define(std::string name, const Tape& definition);

    /// Whether any is defined.
    bool has_own() const { return !own_.empty(); }
    std::optional<Op> find(std::string_view name) const;
    const std::string& name(Op op) const { return definition(op).name; }

    Expanded expanded(const Tape& tape) const;

    /// What counts other than one: at most `max_tape_size` each, and at least one.
    void count(Op op, std::size_t as) { counts_[static_cast<std::size_t>(op)] = as; }
    void count_input(int column, std::size_t as) { inputs_[column] = as; }

    /// What a formula counts: its nodes, where all count one.
    std::size_t complexity(const Tape& tape) const;

  private:
    struct Own {
        std::string name;
        Op op = first_own_op;
        Tape definition;
    };

    const Own& definition(Op op) const;
    void append(const Tape& tape, std::size_t root, Expanded& to) const;

    std::vector<Own> own_;
    std::map<std::size_t, std::size_t> counts_;  ///< by operator; constants are one, too
    std::map<int, std::size_t> inputs_;          ///< by column
};

/// From users' names, those of a vocabulary (null for none) among them. Throws
/// std::invalid_argument naming the first unknown one.
OpSet op_set(std::span<const std::string> names, const Vocabulary* vocabulary);

}  // namespace closedform
