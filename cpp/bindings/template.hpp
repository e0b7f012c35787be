#pragma once
// Candidates of a template as texts, one for each of its unknown functions.

#include <string>
#include <vector>

#include "closedform/expression/template.hpp"

namespace closedform {

/// From texts in the arguments a1, a2, ... Throws std::invalid_argument for other numbers of them.
Tape candidate_of(const Template& whole, const std::vector<std::string>& texts);

/// In the same.
std::vector<std::string> texts_of_parts(const Tape& candidate, const Template& whole);

}  // namespace closedform
