#include "closedform/expression/template.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "expression/derivative.hpp"

namespace closedform {
namespace {

/// One candidate being put in.
class Expansion {
  public:
    Expansion(const Template& form, std::vector<Tape> parts)
        : form_(form), parts_(std::move(parts)), done_(form.calls.size()) {}

    /// Nothing where it is too long.
    std::optional<Tape> of(const Tape& tape) {
        Tape result;
        for (const Node& node : tape) {
            const auto call = static_cast<std::size_t>(node.variable) - form_.inputs;
            if (node.op != Op::variable || static_cast<std::size_t>(node.variable) < form_.inputs) {
                result.push_back(node);
            } else if (const Tape* own = value(call)) {
                result.insert(result.end(), own->begin(), own->end());
            } else {
                return std::nullopt;
            }
            if (result.size() > max_tape_size) {
                return std::nullopt;
            }
        }
        return result;
    }

  private:
    const Tape* value(std::size_t at) {
        std::optional<Tape>& done = done_[at];
        if (!done) {
            done = called(form_.calls[at]);
        }
        return done->empty() ? nullptr : &*done;
    }

    /// Empty where it is too long.
    Tape called(const Template::Call& call) {
        Tape part = parts_[call.unknown];
        for (const std::size_t by : call.by) {
            part = derivative(part, static_cast<int>(by));
            if (part.empty()) {
                return {};
            }
        }
        std::vector<Tape> arguments;
        for (const Tape& argument : call.arguments) {
            std::optional<Tape> own = of(argument);
            if (!own) {
                return {};
            }
            arguments.push_back(std::move(*own));
        }
        Tape result;
        for (const Node& node : part) {
            if (node.op == Op::variable) {
                const Tape& own = arguments[static_cast<std::size_t>(node.variable)];
                result.insert(result.end(), own.begin(), own.end());
            } else {
                result.push_back(node);
            }
            if (result.size() > max_tape_size) {
                return {};
            }
        }
        return result;
    }

    const Template& form_;
    std::vector<Tape> parts_;
    std::vector<std::optional<Tape>> done_;
};

}  // namespace

Tape Template::expand(const Tape& candidate) const {
    std::vector<Tape> parts = parts_of(candidate);
    if (!takes(parts)) {
        return {};
    }
    std::int32_t position = 0;
    for (Tape& part : parts) {
        for (Node& node : part) {
            if (node.op == Op::constant) {
                node.variable = position;
            }
            ++position;
        }
    }
    std::optional<Tape> whole = Expansion(*this, std::move(parts)).of(tape);
    if (!whole) {
        return {};
    }
    fix_sizes(*whole);
    return std::move(*whole);
}

bool Template::takes(std::span<const Tape> parts) const {
    return std::equal(parts.begin(), parts.end(), unknowns.begin(), unknowns.end(),
                      [](const Tape& part, const Unknown& unknown) {
                          return static_cast<std::size_t>(inputs_needed(part)) <= unknown.arguments;
                      });
}

bool Template::reads(const Tape& expression, std::size_t input) const {
    return std::any_of(expression.begin(), expression.end(), [&](const Node& node) {
        const auto at = static_cast<std::size_t>(node.variable);
        if (node.op != Op::variable || at < inputs) {
            return node.op == Op::variable && at == input;
        }
        const auto& arguments = calls[at - inputs].arguments;
        return std::any_of(arguments.begin(), arguments.end(),
                           [&](const Tape& own) { return reads(own, input); });
    });
}

}  // namespace closedform
