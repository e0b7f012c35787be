#pragma once
// One term of a sum of columns.

#include <utility>

namespace closedform {

/// A column and its factor.
using ColumnFactor = std::pair<int, double>;

}  // namespace closedform
