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

}  // namespace

const OperatorFacts& facts(Op op) { return table[static_cast<std::size_t>(op)]; }

}  // namespace closedform
