#include "search/round_constants.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "expression/reduced_forms.hpp"
#include "expression/workspace.hpp"
#include "objective/levenberg_marquardt.hpp"

namespace closedform {
namespace {

/// The value with `digits` significant decimal digits, as reading the decimal text gives it.
double rounded(double value, int digits) {
    std::array<char, 40> text{};
    const auto written = std::to_chars(text.data(), text.data() + text.size(), value,
                                       std::chars_format::scientific, digits - 1);
    double result = value;
    std::from_chars(text.data(), written.ptr, result);
    return result;
}

}  // namespace

double snap_constants(Tape& tape, const ConstantsLoss& objective, Workspace& workspace,
                      double allowed, const StopToken& stop) {
    std::vector<std::size_t> open = constant_positions(tape);
    double loss = objective.loss(tape, workspace);
    FitOptions options;
    options.max_iterations = 6;
    options.tolerance = 1e-4;
    options.floor = allowed * 1e-6;
    options.stop = stop;
    while (!open.empty() && !stop.stopped()) {
        // The constant that rounds with the least relative change goes first.
        const auto change = [&](std::size_t position) {
            const double value = tape[position].value;
            return std::abs(rounded(value, 2) - value) / std::abs(value);
        };
        const auto next =
            std::min_element(open.begin(), open.end(),
                             [&](std::size_t a, std::size_t b) { return change(a) < change(b); });
        const std::size_t position = *next;
        open.erase(next);
        const double value = tape[position].value;
        for (int digits = 1; digits <= 12; ++digits) {
            Tape trial = tape;
            trial[position].value = rounded(value, digits);
            if (trial[position].value == value) {
                break;
            }
            double trial_loss = objective.loss(trial, workspace);
            if (!(trial_loss <= allowed) && !open.empty() && tape.size() <= reduced_fully) {
                trial_loss = fit_constants(trial, open, {}, objective, workspace, options).loss;
            }
            if (trial_loss <= allowed) {
                tape = std::move(trial);
                loss = trial_loss;
                break;
            }
        }
    }
    return loss;
}

}  // namespace closedform
