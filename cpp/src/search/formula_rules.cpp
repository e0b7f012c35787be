#include "closedform/search/formula_rules.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/evaluate.hpp"

namespace closedform {
namespace {

/// For every node, the most of an operator on a way from it down to a leaf, itself included.
std::vector<std::size_t> deepest(const Tape& tape, bool (*counts)(const Node&, Op), Op op) {
    std::vector<std::size_t> most(tape.size());
    for (std::size_t i = 0; i < tape.size(); ++i) {
        std::size_t below = 0;
        if (arity(tape[i].op) == 1) {
            below = most[i - 1];
        } else if (arity(tape[i].op) == 2) {
            below = std::max(most[operands(tape, i).left], most[i - 1]);
        }
        most[i] = below + (counts(tape[i], op) ? 1 : 0);
    }
    return most;
}

bool nests_too_deep(const Tape& tape, const FormulaRules::Nesting& nesting) {
    const auto most =
        deepest(tape, [](const Node& node, Op op) { return node.op == op; }, nesting.inner);
    for (std::size_t i = 0; i < tape.size(); ++i) {
        const std::size_t own = nesting.inner == nesting.outer ? 1 : 0;
        if (tape[i].op == nesting.outer && most[i] - own > nesting.most) {
            return true;
        }
    }
    return false;
}

bool operands_too_large(const Tape& tape, const FormulaRules::Operands& limit) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op != limit.op) {
            continue;
        }
        const bool binary = arity(limit.op) == 2;
        const std::size_t left = binary ? operands(tape, i).left : i - 1;
        if (tape[left].size > limit.most_left || (binary && tape[i - 1].size > limit.most_right)) {
            return true;
        }
    }
    return false;
}

bool reads_forbidden(const std::vector<Tape>& parts, const FormulaRules::Forbidden& pair) {
    const Tape& tape = parts[pair.part];
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op == pair.op) {
            const auto begin = tape.begin() + static_cast<std::ptrdiff_t>(subtree_begin(tape, i));
            const auto end = tape.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::any_of(begin, end, [&](const Node& node) {
                    return node.op == Op::variable && node.variable == pair.input;
                })) {
                return true;
            }
        }
    }
    return false;
}

/// Whether an operator of the user's own is one of numbers alone, which is a number.
bool own_of_numbers(const Tape& tape) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
        if (tape[i].op >= first_own_op) {
            const auto begin = tape.begin() + static_cast<std::ptrdiff_t>(subtree_begin(tape, i));
            const auto end = tape.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::none_of(begin, end,
                             [](const Node& node) { return node.op == Op::variable; })) {
                return true;
            }
        }
    }
    return false;
}

bool breaks_shape(const Tape& tape, const FormulaRules::Shape& shape) {
    using Of = FormulaRules::Shape::Of;
    const std::size_t columns = shape.columns;
    const std::size_t rows = shape.points->size() / columns;
    const MatrixView<const double> points(shape.points->data(), rows, columns);
    const bool slope = shape.of == Of::slope;
    const bool curvature = shape.of == Of::curvature;
    std::vector<double> value(rows);
    std::vector<double> gradient(slope ? rows * columns : 0);
    std::vector<double> hessian(curvature ? rows * columns * columns : 0);
    evaluate_derivatives(tape, points, value.data(), slope ? gradient.data() : nullptr,
                         curvature ? hessian.data() : nullptr, 1);
    const auto input = static_cast<std::size_t>(shape.input);
    const auto outside = [&](double x) { return !(x >= shape.low && x <= shape.high); };
    double largest = 0.0;
    for (const double x : value) {
        largest = std::max(largest, std::abs(x));
    }
    for (std::size_t i = 0; i < rows; ++i) {
        if (!std::isfinite(value[i]) || (shape.of == Of::value && outside(value[i])) ||
            (slope && outside(gradient[i * columns + input])) ||
            (curvature && outside(hessian[(i * columns + input) * columns + input]))) {
            return true;
        }
        const std::size_t half = rows / 2;
        if (shape.of == Of::difference && i < half && largest > 0.0 &&
            outside((value[i] - value[half + i]) / largest)) {
            return true;
        }
    }
    return false;
}

template <class Rule>
bool any_broken(const Tape& tape, const std::vector<Rule>& rules,
                bool (*breaks)(const Tape&, const Rule&)) {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const Rule& rule) { return breaks(tape, rule); });
}

}  // namespace

bool FormulaRules::in_their_places(const Tape& tape) const {
    const auto reads = [&] {
        const std::vector<Tape> parts = parts_of(tape);
        return std::any_of(forbidden.begin(), forbidden.end(),
                           [&](const Forbidden& pair) { return reads_forbidden(parts, pair); });
    };
    return !any_broken(tape, nestings, nests_too_deep) && (forbidden.empty() || !reads()) &&
           !(has_own() && own_of_numbers(tape));
}

bool FormulaRules::within_limits(const Tape& tape) const {
    if (most_constants < max_tape_size && constant_positions(tape).size() > most_constants) {
        return false;
    }
    if (most_depth == max_tape_size || tape.empty()) {
        return true;
    }
    const auto depths = deepest(tape, [](const Node&, Op) { return true; }, Op::constant);
    return *std::max_element(depths.begin(), depths.end()) <= most_depth;
}

FormulaRules FormulaRules::of_parts(const Template& form) const {
    FormulaRules result = *this;
    result.whole = &form;
    result.forbidden.clear();
    for (const Forbidden& pair : forbidden) {
        for (const Template::Call& call : form.calls) {
            for (std::size_t k = 0; k < call.arguments.size(); ++k) {
                if (form.reads(call.arguments[k], static_cast<std::size_t>(pair.input))) {
                    result.forbidden.push_back({pair.op, static_cast<int>(k), call.unknown});
                }
            }
        }
    }
    return result;
}

bool FormulaRules::allow(const Tape& tape) const {
    if (!in_their_places(tape) || any_broken(tape, operand_sizes, operands_too_large) ||
        !within_limits(tape)) {
        return false;
    }
    if (!dimensions && !has_own() && shapes.empty()) {
        return true;
    }
    const Tape plain = written_out(tape);
    return !plain.empty() && (!dimensions || meets_target(plain, *dimensions)) &&
           !any_broken(plain, shapes, breaks_shape);
}

FormulaRules FormulaRules::in_units(std::span<const double> of_inputs, double of_value) const {
    FormulaRules result = *this;
    for (Shape& shape : result.shapes) {
        std::vector<double> points = *shape.points;
        for (std::size_t i = 0; i < points.size(); ++i) {
            points[i] *= of_inputs[i % shape.columns];
        }
        shape.points = std::make_shared<const std::vector<double>>(std::move(points));
        double factor = shape.of == Shape::Of::difference ? 1.0 : of_value;
        const double unit = of_inputs[static_cast<std::size_t>(shape.input)];
        factor /= shape.of == Shape::Of::slope ? unit : 1.0;
        factor /= shape.of == Shape::Of::curvature ? unit * unit : 1.0;
        shape.low *= factor;
        shape.high *= factor;
    }
    return result;
}

bool FormulaRules::conceivable(const Tape& tape) const {
    if (!in_their_places(tape)) {
        return false;
    }
    const Tape plain = dimensions ? written_out(tape) : Tape{};
    return !dimensions || (!plain.empty() && consistent(plain, *dimensions));
}

bool FormulaRules::constant_terms() const {
    return !dimensions || dimensions->free_constants() || !dimensions->target ||
           meets_target({Node::constant(1.0), Node::constant(1.0), {Op::add, 3, -1, 0.0}},
                        *dimensions);
}

}  // namespace closedform
