#include "search/local_series.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include "closedform/expression/operator_table.hpp"

namespace closedform {
namespace {

constexpr double near_enough = 0.02;  // of the function's own change
constexpr double no_curvature = 1e-9;

/// c[0] + c[1]*t + c[2]*t^2, t from -1 to 1 between the ends.
struct Parabola {
    double middle;
    double half;
    std::array<double, 3> c;
};

std::optional<Parabola> parabola(Op op, double low, double high) {
    const auto f = [&](double t) {
        return facts(op).library(0.5 * (low + high) + 0.5 * (high - low) * t, 0.0);
    };
    const double left = f(-1.0);
    const double middle = f(0.0);
    const double right = f(1.0);
    const Parabola found = {0.5 * (low + high),
                            0.5 * (high - low),
                            {middle, 0.5 * (right - left), 0.5 * (right + left) - middle}};
    const double change = std::max({left, middle, right}) - std::min({left, middle, right});
    for (const double t : {-0.7, -0.3, 0.3, 0.7}) {
        const double off = f(t) - (found.c[0] + t * (found.c[1] + t * found.c[2]));
        if (!(std::abs(off) <= near_enough * change)) {  // a NaN is no value
            return {};
        }
    }
    return found;
}

void append(Tape& tape, double value, Op op) {
    tape.push_back(Node::constant(value));
    tape.push_back(Node::function(op));
}

Tape line(Tape argument, const Parabola& of) {
    append(argument, of.c[1] / of.half, Op::mul);
    append(argument, of.c[0] - of.c[1] * of.middle / of.half, Op::add);
    return argument;
}

/// Its square completed.
Tape square(Tape argument, const Parabola& of) {
    const double shift = of.half * of.c[1] / (2.0 * of.c[2]) - of.middle;
    append(argument, shift, Op::add);
    argument.push_back(Node::function(Op::square));
    append(argument, of.c[2] / (of.half * of.half), Op::mul);
    append(argument, of.c[0] - of.c[1] * of.c[1] / (4.0 * of.c[2]), Op::add);
    return argument;
}

}  // namespace

std::vector<Tape> local_series(const Tape& tape, const RowBlocks& rows, Workspace& workspace) {
    std::vector<Tape> found;
    for (std::size_t i = 1; i < tape.size(); ++i) {
        if (arity(tape[i].op) != 1 || facts(tape[i].op).power != 0 || tape[i].op >= first_own_op) {
            continue;
        }
        const Tape argument = subtree(tape, i - 1);
        if (inputs_needed(argument) == 0) {
            continue;
        }
        double low = std::numeric_limits<double>::infinity();
        double high = -low;
        for (std::size_t b = 0; b < rows.blocks(); ++b) {
            const double* values = workspace.forward(argument, rows.block(b));
            const std::size_t count = std::min(block_rows, rows.rows() - b * block_rows);
            const auto [least, most] = std::minmax_element(values, values + count);
            low = std::min(low, *least);
            high = std::max(high, *most);
        }
        if (!(low < high) || !std::isfinite(high - low)) {
            continue;
        }
        const auto of = parabola(tape[i].op, low, high);
        if (!of) {
            continue;
        }
        const auto offer = [&](const Tape& instead) {
            Tape replaced = replace_subtree(tape, i, instead);
            if (replaced.size() <= max_tape_size) {
                fix_sizes(replaced);
                found.push_back(std::move(replaced));
            }
        };
        if (std::abs(of->c[2]) > no_curvature * std::abs(of->c[1])) {
            offer(square(argument, *of));
        }
        if (std::abs(of->c[2]) < near_enough * std::abs(of->c[1])) {
            offer(line(argument, *of));
        }
    }
    return found;
}

}  // namespace closedform
