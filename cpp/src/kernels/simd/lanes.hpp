#pragma once
// Sums over a block of rows in a fixed number of lanes, so that they do not depend on the width of
// the instruction set's registers. Internal linkage: every instruction set has its own copy.

#include <cstddef>

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t lanes = 8;

double total(const double* lane) {
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

}  // namespace
}  // namespace closedform::CLOSEDFORM_SET
