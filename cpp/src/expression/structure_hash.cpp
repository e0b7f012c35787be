#include "expression/structure_hash.hpp"

#include <cmath>

namespace closedform {
namespace {

using Kind = Form::Kind;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6U) + (hash >> 2U);
    hash *= 0xff51afd7ed558ccdULL;
    return hash ^ (hash >> 33U);
}

/// A constant is open: only whether it is there counts.
std::uint64_t open(double value, double absent) { return value == absent ? 1 : 2; }

std::uint64_t structure(const Form& form) {
    std::uint64_t hash =
        mix(static_cast<std::uint64_t>(form.kind),
            mix(static_cast<std::uint64_t>(form.op),
                static_cast<std::uint64_t>(static_cast<std::int64_t>(form.column))));
    if (form.kind == Kind::sum) {
        // A term's place in the sum depends on the values of inner constants: add, do not chain.
        std::uint64_t total = open(form.offset, 0.0);
        for (const Scaled& term : form.parts) {
            total += mix(structure(term.form), open(std::abs(term.scale), 1.0));
        }
        return mix(hash, total);
    }
    if (form.kind == Kind::product) {
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < form.parts.size(); ++i) {
            total += mix(structure(form.parts[i].form),
                         static_cast<std::uint64_t>(static_cast<std::int64_t>(form.exponents[i])));
        }
        return mix(hash, total);
    }
    for (const Scaled& operand : form.parts) {
        hash = mix(hash, mix(structure(operand.form), open(std::abs(operand.scale), 1.0)));
    }
    return hash;
}

}  // namespace

std::uint64_t skeleton(const Scaled& expression) {
    if (expression.form.kind != Kind::sum) {
        return mix(0, structure(expression.form));
    }
    std::uint64_t total = 0;
    for (const Scaled& term : expression.form.parts) {
        total += mix(0, structure(term.form));
    }
    return total;
}

std::uint64_t skeleton(const Tape& tape) {
    if (tape.back().size == tape.size()) {
        return skeleton(canonical(tape));
    }
    std::uint64_t hash = 0;
    for (const Tape& part : parts_of(tape)) {
        hash = mix(hash, skeleton(canonical(part)));
    }
    return hash;
}

}  // namespace closedform
