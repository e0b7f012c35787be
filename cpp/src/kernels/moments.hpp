#pragma once
// How many powers of a cell's coordinate the normal equations need (als.hpp).

#include <cstddef>

namespace closedform {

inline constexpr std::size_t moment_count = 9;  ///< t^0..t^8
inline constexpr std::size_t shape_count = 5;   ///< t^0..t^4

}  // namespace closedform
