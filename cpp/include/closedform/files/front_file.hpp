#pragma once
// Formulas as Python's Front.save and Formula.save write them: a JSON document.
//   format "closedform front"; version 1; names [d]; best, an index into formulas; stopped,
//   evaluations and seconds of the search; formulas, each with text and loss (null for one that is
//   not finite); ranges [d][2] of the data, where they are known.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct SavedFormula {
    Tape tape;          ///< reads the columns in the order of SavedFront::names
    std::string text;   ///< as it stands in the file; to be written, may be empty: the tape's
    double loss = 0.0;  ///< NaN when the file has none
};

/// Lowest and highest value of an input in the data that was searched.
struct InputRange {
    double low = 0.0;
    double high = 0.0;
    bool operator==(const InputRange&) const = default;
};

struct SavedFront {
    std::vector<std::string> names;      ///< of the inputs, UTF-8
    std::vector<SavedFormula> formulas;  ///< at least one
    std::size_t best = 0;                ///< index of the one to use if only one is wanted
    std::vector<InputRange> ranges;      ///< one an input, or none where they are not known
    std::string stopped;                 ///< why the search ended: "time", "exact", ...
    std::uint64_t evaluations = 0;       ///< of the search
    double seconds = 0.0;                ///< of the search
};

/// Reads the bytes of such a file. Throws FileError for anything else, and for more than 16 MiB.
SavedFront read_front(std::span<const char> bytes);

/// Writes such a file, all at once or not at all (write_file). Throws std::invalid_argument for a
/// front that could not be read again, FileError where the system refuses.
void write_front(const std::filesystem::path& path, const SavedFront& front);

}  // namespace closedform
