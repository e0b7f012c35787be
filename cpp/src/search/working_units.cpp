#include "search/working_units.hpp"

#include <algorithm>
#include <cmath>

namespace closedform {

double decade(double mean_square, double most) {
    const double size = std::sqrt(mean_square);
    if (!(size > 0.0) || (size >= 1.0 / most && size <= most)) {
        return 1.0;
    }
    return std::pow(10.0, -std::round(std::log10(size)));
}

Tape restore(const Tape& tape, const Units& units) {
    const auto is_one = [](double unit) { return unit == 1.0; };
    if (units.y == 1.0 && std::all_of(units.x.begin(), units.x.end(), is_one)) {
        return tape;
    }
    Tape result;
    for (const Node& node : tape) {
        const bool scaled =
            node.op == Op::variable && units.x[static_cast<std::size_t>(node.variable)] != 1.0;
        if (scaled) {
            result.push_back(Node::constant(units.x[static_cast<std::size_t>(node.variable)]));
        }
        result.push_back(node);
        if (scaled) {
            result.push_back(Node::function(Op::mul));
        }
    }
    if (units.y != 1.0) {
        result.insert(result.begin(), Node::constant(1.0 / units.y));
        result.push_back(Node::function(Op::mul));
    }
    if (result.size() > max_tape_size) {
        return {};
    }
    fix_sizes(result);
    return result;
}

}  // namespace closedform
