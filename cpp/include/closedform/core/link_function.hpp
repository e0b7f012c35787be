#pragma once
// Functions of one number that a target may stand behind: y = L(u).

#include <string_view>
#include <vector>

namespace closedform {

enum class Link { identity, reciprocal, log, square, sqrt, exp };

std::string_view name(Link link);
double apply(Link link, double y);
/// NaN where the link has no inverse.
double invert(Link link, double value);
double slope(Link link, double y);
/// Whether the link is finite, steep and one-to-one over these values.
bool usable(Link link, const std::vector<double>& y);

}  // namespace closedform
