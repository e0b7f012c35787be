#include "search/search_options.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "closedform/expression/operator_table.hpp"

namespace closedform {

void check_options(std::size_t rows, std::size_t columns, const Target& target,
                   const SearchOptions& options) {
    const auto refuse = [](const std::string& why) { throw std::invalid_argument(why); };
    if (target.rows() != rows) {
        refuse("X: needs as many rows as there are targets");
    }
    if (rows == 0 || columns == 0) {
        refuse(rows == 0 ? "X: has no rows" : "X: has no columns");
    }
    if (options.max_size == 0 || options.max_size > max_tape_size) {
        refuse("max_size: is " + std::to_string(options.max_size) + ", must be 1 to " +
               std::to_string(max_tape_size));
    }
    if (options.islands == 0) {
        refuse("islands: must be at least 1");
    }
    if (std::isnan(options.seconds)) {  // none left is one epoch
        refuse("seconds: is no number; infinity for no limit");
    }
    if (!(options.good_enough >= 0.0)) {
        refuse("good_enough: must not be negative; 0 for none");
    }
    for (const Op op : options.operators.operators()) {
        if (facts(op).values_only && target.arrays().kind == TargetArrays::Kind::directions) {
            refuse("operators: '" + std::string(facts(op).name) +
                   "' has no gradient; leave it out of a search on gradients");
        }
    }
    for (const FormulaRules::Shape& shape : options.rules.shapes) {
        if (shape.columns != columns || shape.points == nullptr ||
            shape.points->size() % columns != 0 || shape.input < 0 ||
            static_cast<std::size_t>(shape.input) >= columns) {
            refuse("rules: a shape's points need the " + std::to_string(columns) + " columns of X");
        }
    }
    if (options.rules.dimensions && options.rules.dimensions->inputs.size() != columns) {
        refuse("rules: have units of " + std::to_string(options.rules.dimensions->inputs.size()) +
               " inputs, X has " + std::to_string(columns) + " columns");
    }
    for (const Tape& tape : options.start) {
        if (options.whole != nullptr) {
            if (!options.whole->takes(parts_of(tape))) {
                refuse("start: needs an expression for each unknown function, in its arguments");
            }
            continue;
        }
        if (static_cast<std::size_t>(inputs_needed(tape)) > columns) {
            refuse("start: reads column " + std::to_string(inputs_needed(tape) - 1) + ", X has " +
                   std::to_string(columns));
        }
    }
}

}  // namespace closedform
