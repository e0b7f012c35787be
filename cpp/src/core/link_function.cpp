#include "closedform/core/link_function.hpp"

#include <algorithm>
#include <cmath>

namespace closedform {

std::string_view name(Link link) {
    switch (link) {
        case Link::reciprocal:
            return "reciprocal";
        case Link::log:
            return "log";
        case Link::square:
            return "square";
        case Link::sqrt:
            return "sqrt";
        case Link::exp:
            return "exp";
        default:
            return "identity";
    }
}

double apply(Link link, double y) {
    switch (link) {
        case Link::reciprocal:
            return 1 / y;
        case Link::log:
            return std::log(y);
        case Link::square:
            return y * y;
        case Link::sqrt:
            return std::sqrt(y);
        case Link::exp:
            return std::exp(y);
        default:
            return y;
    }
}

double invert(Link link, double value) {
    switch (link) {
        case Link::reciprocal:
            return 1 / value;
        case Link::log:
            return std::exp(value);
        case Link::square:
            return std::sqrt(value);
        case Link::sqrt:
            return value >= 0 ? value * value : std::nan("");
        case Link::exp:
            return std::log(value);
        default:
            return value;
    }
}

double slope(Link link, double y) {
    switch (link) {
        case Link::reciprocal:
            return -1 / (y * y);
        case Link::log:
            return 1 / y;
        case Link::square:
            return 2 * y;
        case Link::sqrt:
            return 0.5 / std::sqrt(y);
        case Link::exp:
            return std::exp(y);
        default:
            return 1;
    }
}

bool usable(Link link, const std::vector<double>& y) {
    const auto [low, high] = std::minmax_element(y.begin(), y.end());
    const double size = std::max(std::abs(*low), std::abs(*high));
    switch (link) {
        case Link::reciprocal:  // one sign, away from zero
            return (*low > 1e-6 * size || *high < -1e-6 * size);
        case Link::log:
        case Link::sqrt:
        case Link::square:
            return *low > 1e-9 * size;
        case Link::exp:
            return size < 30;
        default:
            return true;
    }
}

}  // namespace closedform
