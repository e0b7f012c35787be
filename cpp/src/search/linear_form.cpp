#include "search/linear_form.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "expression/workspace.hpp"

namespace closedform {
namespace {

/// rest * exp(argument), as log(rest) + argument; nothing where the form is no such product.
std::optional<Form> logarithm_of(const Scaled& form) {
    if (form.form.kind != Form::Kind::product) {
        return {};
    }
    Form rest = form.form;
    Scaled argument;
    bool found = false;
    for (std::size_t i = 0; i < rest.parts.size(); ++i) {
        const Form& base = rest.parts[i].form;
        if (base.kind == Form::Kind::function && base.op == Op::exp) {
            argument = base.parts.front();
            argument.scale *= rest.exponents[i];
            const auto at = static_cast<std::ptrdiff_t>(i);
            rest.parts.erase(rest.parts.begin() + at);
            rest.exponents.erase(rest.exponents.begin() + at);
            found = true;
            break;
        }
    }
    if (!found || rest.parts.empty()) {
        return {};
    }
    if (rest.parts.size() == 1 && rest.exponents.front() == 1) {
        rest = Form(rest.parts.front().form);
    }
    Form sum;
    sum.kind = Form::Kind::sum;
    sum.parts.push_back({1.0, std::move(rest)});
    if (argument.form.kind == Form::Kind::sum) {
        for (Scaled& term : argument.form.parts) {
            sum.parts.push_back({argument.scale * term.scale, std::move(term.form)});
        }
    } else {
        sum.parts.push_back(std::move(argument));
    }
    return sum;
}

/// log(first) + rest as first * exp(rest): factors are relative to that of the logarithm.
Tape exponential(const LinearTape& sum) {
    const double unit = sum.tape[sum.linear.front()].value;
    Tape result = sum.tape;
    for (const std::size_t factor : sum.linear) {
        result[factor].value /= unit;
    }
    // The chain "first a + b + ..." becomes "first a b + ... exp *": the first addition, right
    // behind a, goes.
    std::size_t root = result.size() - 1;
    for (std::size_t k = sum.linear.size(); k-- > 2;) {
        root = operands(result, root).left;
    }
    result.erase(result.begin() + static_cast<std::ptrdiff_t>(root));
    result.push_back(Node::function(Op::exp));
    result.push_back(Node::function(Op::mul));
    fix_sizes(result);
    return result;
}

/// Sets constants that are neutral up to rounding to exactly that.
void snap_neutral(Tape& tape) {
    constexpr double rounding = 1e-9;
    for (Node& node : tape) {
        if (node.op != Op::constant) {
            continue;
        }
        if (std::abs(std::abs(node.value) - 1.0) < rounding) {
            node.value = std::copysign(1.0, node.value);
        } else if (std::abs(node.value) < 1e-11) {
            node.value = 0.0;
        }
    }
}

}  // namespace

Tape settled(Tape tape, const OpSet& operators, const Objective& objective) {
    snap_neutral(tape);
    return objective.simplest(std::move(tape), operators);
}

OpenForm open_form(const Tape& tape, const Scaled& form, const OpSet& operators,
                   const Objective& objective, bool constant_terms) {
    OpenForm result;
    const bool free = objective.scale_free();
    const bool can_sum = operators.has(Op::add) || (!free && operators.has(Op::sub));
    const std::optional<Form> logarithm =
        free && operators.has(Op::exp) ? logarithm_of(form) : std::nullopt;
    result.logarithm = logarithm.has_value();
    result.sum = emit_linear(logarithm ? Scaled{1.0, *logarithm} : form, operators,
                             !free && can_sum && constant_terms);
    if (result.sum.tape.empty() && uses_only(tape, operators)) {
        result = {{tape, {}}, false, 0};
    }
    result.inner = constant_positions(result.sum.tape).size() - result.sum.linear.size();
    return result;
}

FitResult fit_open_form(OpenForm form, const OpSet& operators, const Objective& objective,
                        Workspace& workspace, const FitOptions& options, Tape& tape) {
    Tape& open = form.sum.tape;
    FitResult fit;
    if (!objective.scale_free() || form.sum.linear.empty()) {
        fit = fit_constants(open, constant_positions(open), form.sum.linear, objective, workspace,
                            options);
        if (std::isfinite(fit.loss)) {
            tape = settled(std::move(open), operators, objective);
        }
        return fit;
    }
    fit.passes = objective.solve_sum(open, form.sum.linear, form.logarithm, workspace);
    const double unit = open[form.sum.linear.front()].value;
    // Where the logarithm's factor vanishes the product does not matter: no such expression.
    if (form.logarithm && !(std::abs(unit) > 1e-9)) {
        return fit;
    }
    tape = form.logarithm ? exponential(form.sum) : open;
    if (objective.falls(tape, workspace)) {
        tape.insert(tape.begin(), Node::constant(-1.0));
        tape.push_back(Node::function(Op::mul));
        fix_sizes(tape);
    }
    tape = objective.simplest(std::move(tape), operators);
    if (tape.empty() || std::any_of(tape.begin(), tape.end(), [&](const Node& node) {
            return !(std::abs(node.value) <= objective.largest_constant());
        })) {
        return fit;
    }
    // The representative has no constant that is free: all of its own take part.
    const auto positions = form.inner > 0 ? constant_positions(tape) : std::vector<std::size_t>{};
    const FitResult polished = fit_constants(tape, positions, {}, objective, workspace, options);
    fit.loss = polished.loss;
    fit.passes += polished.passes;
    if (std::isfinite(fit.loss)) {
        tape = settled(std::move(tape), operators, objective);
    }
    return fit;
}

}  // namespace closedform
