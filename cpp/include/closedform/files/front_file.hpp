#pragma once
// Formulas as Python's Front.save and Formula.save write them: a JSON document.
//   format "closedform front"; version 1; names [d]; best, an index into formulas; formulas, each
//   with text and loss (null for one that is not known). What else is there is Python's.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct SavedFormula {
    Tape tape;          ///< reads the columns in the order of SavedFront::names
    std::string text;   ///< as it stands in the file
    double loss = 0.0;  ///< NaN when the file has none
};

struct SavedFront {
    std::vector<std::string> names;      ///< of the inputs, UTF-8
    std::vector<SavedFormula> formulas;  ///< at least one
    std::size_t best = 0;                ///< index of the one to use if only one is wanted
};

/// Reads the bytes of such a file. Throws FileError for anything else, and for more than 16 MiB.
SavedFront read_front(std::span<const char> bytes);

}  // namespace closedform
