#include "search/variation.hpp"

#include <cmath>
#include <utility>

namespace closedform {
namespace {

std::size_t pick_node(const Tape& tape, Random& random) { return random.below(tape.size()); }

}  // namespace

Variation::Variation(const OpSet& operators, std::vector<int> inputs,
                     std::vector<double> column_values, const VariationOptions& options)
    : options_(options),
      operators_(operators),
      inputs_(std::move(inputs)),
      column_values_(std::move(column_values)),
      unary_(operators.of_arity(1)),
      binary_(operators.of_arity(2)),
      powers_(operators.has(Op::pow) && binary_.size() > 1) {
    if (powers_) {  // has cubes
        std::erase(unary_, Op::cube);
    }
    // exp(b*log(a)) says the same as pow(a, b).
    options_.varying_exponent *= operators.has(Op::exp) && operators.has(Op::log) ? 1.0 : 5.0;
}

double Variation::constant(Random& random) const {
    // A peak, a pole or a kink lies where the data are: x - c with c one of their values. Otherwise
    // most laws' constants are of order one, once columns are scaled.
    const bool level = !column_values_.empty() && random.chance(options_.constant_from_data);
    const double magnitude =
        level ? column_values_[random.below(column_values_.size())] : std::exp(random.normal());
    return random.chance(1.0 - options_.negative_constant) ? magnitude : -magnitude;
}

double Variation::exponent(Random& random) const {
    const bool negative = random.chance(options_.negative_exponent);
    double size = std::abs(options_.exponent_size * random.normal());
    if (random.chance(options_.whole_exponent)) {
        size = 2.0 + std::floor(size);
        if (random.chance(options_.half_exponent)) {
            size -= 0.5;
        }
    }
    return negative ? -size : size;
}

Op Variation::binary(Random& random) const {
    // pow of two trees is seldom what laws are made of: most of its share is not drawn.
    for (;;) {
        const Op op = binary_[random.below(binary_.size())];
        if (op != Op::pow || !powers_ || random.chance(options_.varying_exponent)) {
            return op;
        }
    }
}

Tape Variation::wrap(Tape inner, Random& random) const {
    if (powers_ && (unary_.empty() || random.chance(options_.power_when_wrapping))) {
        inner.push_back(Node::constant(exponent(random)));
        inner.push_back(Node::function(Op::pow));
    } else {
        inner.push_back(Node::function(unary_[random.below(unary_.size())]));
    }
    return inner;
}

Tape Variation::leaf(Random& random) const {
    if (inputs_.empty() || random.chance(options_.constant_leaf)) {
        return {Node::constant(constant(random))};
    }
    return {Node::input(inputs_[random.below(inputs_.size())])};
}

Tape Variation::combine(const Tape& left, const Tape& right, Op op) const {
    Tape result = left;
    result.insert(result.end(), right.begin(), right.end());
    result.push_back(Node::function(op));
    return result;
}

Tape Variation::grow(Random& random, std::size_t size) const {
    const bool joins = size >= 3 && !binary_.empty() &&
                       (unary_.empty() || random.chance(options_.binary_when_growing));
    if (joins) {
        const std::size_t left = 1 + random.below(size - 2);
        const Op op = binary(random);
        const Tape a = grow(random, left);
        const Tape b = grow(random, size - 1 - left);
        Tape result = combine(a, b, op);
        fix_sizes(result);
        return result;
    }
    if (size >= 2 && (powers_ || !unary_.empty())) {
        Tape result = wrap(grow(random, size - 1), random);
        fix_sizes(result);
        return result;
    }
    return leaf(random);
}

Tape Variation::point(const Tape& parent, Random& random) const {
    Tape child = parent;
    const std::size_t at = pick_node(child, random);
    const int operand_count = arity(child[at].op);
    if (operand_count == 0) {
        const bool raises = powers_ && at + 1 < child.size() && child[at + 1].op == Op::pow;
        child[at] = raises && !random.chance(options_.varying_exponent)
                        ? Node::constant(exponent(random))
                        : leaf(random)[0];
    } else if (operand_count == 2) {  // there are others, the parent's own
        child[at].op = binary(random);
    } else if (!unary_.empty()) {
        child[at].op = unary_[random.below(unary_.size())];
    }
    return child;
}

Tape Variation::insert(const Tape& parent, Random& random) const {
    const std::size_t at = pick_node(parent, random);
    Tape inner = subtree(parent, at);
    const bool wraps = powers_ || !unary_.empty();
    if (wraps && (binary_.empty() || random.chance(options_.unary_when_inserting))) {
        inner = wrap(std::move(inner), random);
    } else if (!binary_.empty()) {
        const Op op = binary(random);
        const Tape other = random.chance(options_.leaf_when_inserting)
                               ? leaf(random)
                               : grow(random, options_.inserted_tree);
        inner = random.chance(0.5) ? combine(inner, other, op) : combine(other, inner, op);
    }
    return replace_subtree(parent, at, inner);
}

Tape Variation::remove(const Tape& parent, Random& random) const {
    const std::size_t at = pick_node(parent, random);
    switch (arity(parent[at].op)) {
        case 0:
            return parent;
        case 1:
            return replace_subtree(parent, at, subtree(parent, at - 1));
        default: {
            const auto [left, right] = operands(parent, at);
            return replace_subtree(parent, at, subtree(parent, random.chance(0.5) ? left : right));
        }
    }
}

Tape Variation::parametrise(const Tape& parent, Random& random) const {
    // x -> c*x or x + c, mostly with c near the neutral value: the fit starts where the parent
    // stood.
    const std::size_t at = pick_node(parent, random);
    const bool can_add = operators_.has(Op::add);
    const bool can_multiply = operators_.has(Op::mul);
    if (!can_add && !can_multiply) {
        return point(parent, random);
    }
    const bool scale = can_multiply && (!can_add || random.chance(0.5));
    const double size = random.chance(options_.small_step) ? options_.small_step_size : 1.0;
    const double near = (scale ? 1.0 : 0.0) + size * random.normal();
    const double value = random.chance(options_.new_value_of_constant) ? constant(random) : near;
    return replace_subtree(
        parent, at,
        combine({Node::constant(value)}, subtree(parent, at), scale ? Op::mul : Op::add));
}

Tape Variation::mutate(const Tape& parent, Random& random) const {
    Tape child;
    const double kind = random.uniform();
    const double replacing = options_.point + options_.replace;
    const double inserting = replacing + options_.insert;
    if (kind < options_.point) {
        child = point(parent, random);
    } else if (kind < replacing) {
        child = replace_subtree(parent, pick_node(parent, random),
                                grow(random, 1 + random.below(options_.replacing_tree)));
    } else if (kind < inserting) {
        child = insert(parent, random);
    } else if (kind < inserting + options_.remove) {
        child = remove(parent, random);
    } else {
        child = parametrise(parent, random);
    }
    return child;
}

Tape Variation::crossover(const Tape& parent, const Tape& donor, Random& random) const {
    return replace_subtree(parent, pick_node(parent, random),
                           subtree(donor, pick_node(donor, random)));
}

Tape Variation::join(const Tape& parent, Tape term, Joint joint) const {
    Op op = Op::mul;
    if (joint == Joint::sum) {
        op = Op::add;
    } else if (joint == Joint::quotient) {
        op = Op::div;
    } else if (joint == Joint::exponent) {
        if (!operators_.has(Op::exp)) {
            return parent;
        }
        term.push_back(Node::function(Op::exp));
    }
    return operators_.has(op) ? combine(parent, term, op) : parent;
}

Tape Variation::divide(const Tape& parent, const Tape& by, Random& random) const {
    if (!operators_.has(Op::div) || !operators_.has(Op::add)) {
        return parent;
    }
    return combine(parent, combine(by, {Node::constant(constant(random))}, Op::add), Op::div);
}

std::vector<Tape> Variation::neighbours(const Tape& parent) const {
    std::vector<Tape> result;
    for (std::size_t at = 0; at < parent.size(); ++at) {
        const Tape inner = subtree(parent, at);
        const auto put = [&](const Tape& with) {
            result.push_back(replace_subtree(parent, at, with));
        };
        for (const Op op : unary_) {
            Tape wrapped = inner;
            wrapped.push_back(Node::function(op));
            put(wrapped);
        }
        for (const Op op : binary_) {
            for (const int input : inputs_) {
                put(combine(inner, {Node::input(input)}, op));
                if (op == Op::sub || op == Op::div || op == Op::greater) {
                    put(combine({Node::input(input)}, inner, op));
                }
            }
        }
        Tape changed = parent;
        switch (arity(parent[at].op)) {
            case 0:
                for (const int input : inputs_) {
                    put({Node::input(input)});
                }
                break;
            case 1:
                put(subtree(parent, at - 1));
                for (const Op op : unary_) {
                    changed[at].op = op;
                    result.push_back(changed);
                }
                break;
            default:
                put(subtree(parent, operands(parent, at).left));
                put(subtree(parent, operands(parent, at).right));
                for (const Op op : binary_) {
                    changed[at].op = op;
                    result.push_back(changed);
                }
        }
    }
    return result;
}

Tape Variation::shake(const Tape& parent, Random& random) const {
    Tape child = parent;
    for (const std::size_t at : constant_positions(child)) {
        double& value = child[at].value;
        value = random.chance(options_.new_value_of_constant)
                    ? constant(random)
                    : value * std::exp(options_.shake_size * random.normal());
    }
    return child;
}

}  // namespace closedform
