#pragma once
// Candidates of a template as texts, one for each of its unknown functions.

#include <string>
#include <vector>

#include "closedform/expression/template.hpp"

namespace closedform {

/// In the arguments a1, a2, ...
std::vector<std::string> texts_of_parts(const Tape& candidate, const Template& whole);

}  // namespace closedform
