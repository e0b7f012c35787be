#include "closedform/expression/operator_table.hpp"

#include <cmath>

#include "expression/enclosures.hpp"

namespace closedform {
namespace {

constexpr std::array<OperatorFacts, op_count> table = {{{.name = "constant", .cost = 0},
                                                        {.name = "variable", .cost = 0},
#define CLOSEDFORM_ENTRY(op, functor, count, ...) {.operands = (count), __VA_ARGS__},
                                                        CLOSEDFORM_OPERATORS(CLOSEDFORM_ENTRY)
#undef CLOSEDFORM_ENTRY
}};

/// What is known of a user's own without its definition: next to nothing.
constexpr std::array<OperatorFacts, 2> own = {
    {{.operands = 1, .name = "own"}, {.operands = 2, .name = "own"}}};

}  // namespace

const OperatorFacts& facts(Op op) {
    return op < first_own_op ? table[static_cast<std::size_t>(op)]
                             : own[static_cast<std::size_t>(arity(op) - 1)];
}

}  // namespace closedform
