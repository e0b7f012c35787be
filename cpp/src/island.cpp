#include "closedform/island.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "closedform/reductions.hpp"

namespace closedform {
namespace {

constexpr std::size_t bin_capacity = 16;
constexpr std::uint64_t stagnation_passes = 400000;  // without improvement, start afresh
constexpr int terms_tried = 8;
constexpr std::size_t starts_per_constant = 5;

}  // namespace

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

Island::Island(const Problem& problem, std::uint64_t seed, std::uint64_t stream)
    : problem_(problem),
      random_(seed, stream),
      variation_(problem.operators, problem.inputs, problem.levels),
      archive_(problem.max_size),
      bins_(problem.max_size + 1),
      max_size_(problem.max_size) {}

void Island::seed_population() {
    consider({Node::constant(1.0)});
    for (const int input : problem_.inputs) {
        consider({Node::input(input)});
    }
    for (int i = 0; i < 40; ++i) {
        consider(variation_.grow(random_, 2 + random_.below(6)));
    }
}

void Island::restart() {
    for (auto& bin : bins_) {
        bin.clear();
    }
    visits_.clear();
    last_improvement_ = passes_;
    seed_population();
}

void Island::run(std::uint64_t passes, std::size_t max_size, const std::function<bool()>& stop) {
    max_size_ = std::min(max_size, problem_.max_size);
    stop_ = stop;
    const std::uint64_t end = passes_ + passes;
    if (visits_.empty()) {
        seed_population();
    }
    // A tiny space of structures can be exhausted: then nothing new is ever evaluated.
    std::uint64_t idle = 0;
    while (passes_ < end && idle < 10000) {
        if (stop()) {
            return;
        }
        if (passes_ - last_improvement_ > stagnation_passes) {
            restart();
        }
        const std::uint64_t before = passes_;
        Tape child = propose();
        consider(std::move(child));
        idle = passes_ == before ? idle + 1 : 0;
    }
    passes_ = std::max(passes_, end);
}

void Island::receive(const std::vector<Candidate>& migrants) {
    for (const Candidate& migrant : migrants) {
        keep(migrant);
    }
}

const Candidate& Island::choose(std::size_t largest) {
    // A random size first: small and large structures get the same attention, and a large one is
    // a parent only for being the best of its size. Half of the time only sizes that are worth
    // their nodes count: those with something better than every smaller one has.
    const bool worth = random_.chance(0.5);
    std::array<std::size_t, max_tape_size + 1> filled{};
    std::size_t count = 0;
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t size = 1; size < bins_.size() && (size <= largest || count == 0); ++size) {
        if (!bins_[size].empty() && (!worth || bins_[size].front().loss < best)) {
            filled[count++] = size;
            best = std::min(best, bins_[size].front().loss);
        }
    }
    const auto& bin = bins_[filled[random_.below(count)]];
    return bin[std::min(random_.below(bin.size()), random_.below(bin.size()))];
}

Tape Island::best_term(const Candidate& parent) {
    // Matching pursuit: of a few random terms, the one that explains most of what is left.
    const std::vector<double> residual = problem_.sample->residual(parent.tape, workspace_);
    ++passes_;
    Tape best = {Node::constant(1.0)};
    double best_share = 0.0;
    for (int i = 0; i < terms_tried; ++i) {
        const Tape term = variation_.grow(random_, 1 + random_.below(6));
        const double share = problem_.sample->explained(term, residual, workspace_);
        ++passes_;
        if (share > best_share) {
            best_share = share;
            best = term;
        }
    }
    return best;
}

Tape Island::propose() {
    const Candidate& parent = choose(max_size_);
    const double kind = random_.uniform();
    if (kind < 0.45) {
        Tape child = variation_.mutate(parent.tape, random_);
        if (random_.chance(0.3) && child.size() <= max_tape_size) {
            fix_sizes(child);
            child = variation_.mutate(child, random_);
        }
        return child;
    }
    if (kind < 0.7) {
        return variation_.crossover(parent.tape, choose(max_size_).tape, random_);
    }
    if (kind < 0.8) {
        const Tape term = random_.chance(0.5) ? best_term(parent) : choose(max_size_ / 2).tape;
        return variation_.add(parent.tape, term);
    }
    if (kind < 0.86) {
        const Tape factor = random_.chance(0.5) ? variation_.grow(random_, 1 + random_.below(5))
                                                : choose(max_size_ / 2).tape;
        return variation_.multiply(parent.tape, factor);
    }
    if (kind < 0.92) {
        return variation_.divide(parent.tape, variation_.grow(random_, 1 + random_.below(4)),
                                 random_);
    }
    return variation_.shake(parent.tape, random_);
}

void Island::consider(Tape tape) {
    if (tape.size() > max_tape_size) {
        return;
    }
    fix_sizes(tape);
    const Scaled form = canonical(tape);
    if (!std::isfinite(form.scale)) {
        return;
    }
    const std::uint64_t structure = skeleton(form);
    LinearTape linear = emit_linear(form, problem_.operators);
    if (linear.tape.empty() || linear.tape.size() > max_size_ + 4 * linear.linear.size()) {
        return;
    }
    // A fit of linear constants alone has one answer. One of nonlinear constants may end in the
    // wrong valley: such a structure may come back, with other constants, a few times.
    const auto positions = constant_positions(linear.tape);
    const std::size_t starts = 1 + starts_per_constant * (positions.size() - linear.linear.size());
    std::uint32_t& visits = visits_[structure];
    if (visits >= starts) {
        return;
    }
    ++visits;
    FitOptions options;
    options.max_iterations = 20;
    options.tolerance = 1e-3;
    options.floor = problem_.exact_loss * 1e-3;
    // What is worse than the worst of its size after a few steps is not worth more.
    const auto& rivals = bins_[std::min(linear.tape.size(), bins_.size() - 1)];
    if (rivals.size() == bin_capacity) {
        options.give_up_above = rivals.back().loss;
    }
    const FitResult fit =
        fit_constants(linear.tape, positions, linear.linear, *problem_.sample, workspace_, options);
    passes_ += static_cast<std::uint64_t>(fit.passes);
    if (!std::isfinite(fit.loss)) {
        return;
    }
    snap_neutral(linear.tape);
    Candidate candidate{emit(canonical(linear.tape), problem_.operators), fit.loss, structure};
    if (candidate.tape.empty() || candidate.complexity() > max_size_) {
        return;
    }
    if (archive_.would_improve(candidate.complexity(), candidate.loss)) {
        promote(candidate);
    }
    keep(std::move(candidate));
}

void Island::promote(const Candidate& candidate) {
    // Constants to convergence, on all rows of the archive's objective.
    Candidate refined = candidate;
    const auto positions = constant_positions(refined.tape);
    FitOptions options;
    options.max_iterations = 60;
    options.tolerance = 1e-8;
    options.floor = problem_.exact_loss * 1e-3;
    const FitResult fit =
        fit_constants(refined.tape, positions, {}, *problem_.full, workspace_, options);
    passes_ += static_cast<std::uint64_t>(fit.passes);
    if (!std::isfinite(fit.loss)) {
        return;
    }
    snap_neutral(refined.tape);
    refined.tape = simplify(refined.tape, problem_.operators);
    refined.loss = problem_.full->loss(refined.tape, workspace_);
    ++passes_;
    if (archive_.offer(refined)) {
        last_improvement_ = passes_;
        reduce(refined);
        keep(std::move(refined));
    }
}

void Island::reduce(const Candidate& candidate) {
    // The archive decides whether a smaller expression is worth having, and then its own
    // reductions are tried.
    const bool fully = candidate.complexity() <= reduced_fully;
    for (Tape& tape : reductions(candidate.tape, problem_.operators)) {
        if (stop_()) {
            return;
        }
        FitOptions options;
        options.max_iterations = fully ? 20 : 4;
        options.tolerance = 1e-6;
        options.floor = problem_.exact_loss * 1e-3;
        const FitResult fit =
            fit_constants(tape, constant_positions(tape), {}, *problem_.full, workspace_, options);
        passes_ += static_cast<std::uint64_t>(fit.passes);
        Candidate smaller{std::move(tape), fit.loss, 0};
        smaller.skeleton = skeleton(canonical(smaller.tape));
        if (archive_.offer(smaller)) {
            if (fully) {
                reduce(smaller);
            }
            keep(std::move(smaller));
        }
    }
}

void Island::keep(Candidate candidate) {
    auto& bin = bins_[candidate.complexity()];
    const auto same = std::find_if(bin.begin(), bin.end(), [&](const Candidate& member) {
        return member.skeleton == candidate.skeleton;
    });
    if (same != bin.end()) {
        if (same->loss <= candidate.loss) {
            return;
        }
        bin.erase(same);
    } else if (bin.size() == bin_capacity) {
        if (bin.back().loss <= candidate.loss) {
            return;
        }
        bin.pop_back();
    }
    const auto place =
        std::upper_bound(bin.begin(), bin.end(), candidate.loss,
                         [](double loss, const Candidate& member) { return loss < member.loss; });
    bin.insert(place, std::move(candidate));
}

}  // namespace closedform
