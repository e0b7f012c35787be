#pragma once

#include <cstddef>

#include "closedform/objective/target.hpp"
#include "closedform/search/search.hpp"

namespace closedform {

/// Throws std::invalid_argument, in one line that names the argument, where a search of so many
/// rows and columns cannot be made with the options.
void check_options(std::size_t rows, std::size_t columns, const Target& target,
                   const SearchOptions& options);

}  // namespace closedform
