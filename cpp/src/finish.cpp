#include "closedform/finish.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "closedform/constants.hpp"
#include "closedform/parallel.hpp"
#include "closedform/reductions.hpp"
#include "closedform/simplify.hpp"
#include "closedform/snap.hpp"

namespace closedform {
namespace {

/// One expression at a time, one thread each.
class Finisher {
  public:
    Finisher(const Objective& few, const OpSet& operators, const Deadline& deadline)
        : few_(few), operators_(operators), deadline_(deadline), exact_(few.exact_loss()) {}

    /// The expression and what it can be reduced to, each smaller than the one before.
    std::vector<Candidate> reduced(Tape tape) {
        FitOptions options;
        options.max_iterations = 50;
        options.tolerance = 1e-10;
        options.floor = exact_ * 1e-4;
        options.deadline = deadline_;
        std::vector<Candidate> steps;
        std::vector<Tape> queue = {std::move(tape)};
        // Depth first, never back to a size already reached: at most the tape's size steps.
        while (!queue.empty() && (steps.empty() || !deadline_.passed())) {
            Tape next = std::move(queue.back());
            queue.pop_back();
            const double loss =
                fit_constants(next, constant_positions(next), {}, few_, workspace_, options).loss;
            const double parent = steps.empty() ? loss : steps.back().loss;
            // A reduction is followed while it costs no more than noise can explain.
            const double bearable =
                std::max(exact_, parent * (1.0 + 10.0 / static_cast<double>(few_.rows().rows())));
            if (!(loss <= bearable) ||
                (!steps.empty() && next.size() >= steps.back().complexity())) {
                continue;
            }
            steps.push_back({next, loss, 0});
            if (next.size() > reduced_fully) {
                continue;
            }
            for (const Tape& reduction : reductions(next, operators_)) {
                if (Tape smaller = simplest(reduction); !smaller.empty()) {
                    queue.push_back(std::move(smaller));
                }
            }
        }
        return steps;
    }

    /// Rounds constants within half a standard error of what the data say about one constant.
    void make_simple(Candidate& candidate) {
        const double rows = static_cast<double>(few_.rows().rows());
        for (;;) {
            snap_constants(candidate.tape, few_, workspace_,
                           std::max(exact_, candidate.loss * (1.0 + 0.5 / rows)), deadline_);
            Tape simpler = simplest(candidate.tape);
            // Simplifying multiplies constants and so undoes their rounding: only for a gain.
            if (simpler.empty() || simpler.size() >= candidate.tape.size()) {
                return;
            }
            candidate.tape = std::move(simpler);
        }
    }

    /// Where the sign is free: so that the link on top of the expression increases.
    void orient(Tape& tape) {
        const LossSums sums = few_.sums(tape, workspace_);
        if (!(sums.negated < sums.as_is)) {
            return;
        }
        Scaled form = canonical(tape);
        form.scale = -form.scale;
        if (Tape turned = emit(form, operators_); !turned.empty()) {
            tape = std::move(turned);
        }
    }

  private:
    /// The shortest expression that the objective cannot tell from the tape; empty for none.
    Tape simplest(const Tape& tape) const {
        return emit(few_.representative(canonical(tape)), operators_);
    }

    const Objective& few_;
    const OpSet& operators_;
    const Deadline& deadline_;
    double exact_;
    Workspace workspace_;
};

/// The shortest description of the data first: half the rows times the log of the loss, and the
/// log of the number of symbols for every node (Rissanen 1978).
std::vector<Tape> by_worth(std::vector<Tape> found, const Objective& few) {
    Workspace workspace;
    const double half_rows = 0.5 * static_cast<double>(few.rows().rows());
    const double node = std::log(static_cast<double>(few.rows().columns() + op_count));
    std::vector<std::pair<double, Tape>> ordered;
    for (Tape& tape : found) {
        const double loss = few.loss(tape, workspace);
        const double length = half_rows * std::log(loss + std::numeric_limits<double>::min()) +
                              node * static_cast<double>(tape.size());
        ordered.emplace_back(length, std::move(tape));
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(ordered.begin(), ordered.end(), found.begin(),
                   [](auto& entry) { return std::move(entry.second); });
    return found;
}

}  // namespace

template <class T>
std::vector<Candidate> finish(std::vector<Tape> found, MatrixView<const T> x, const Goal& goal,
                              const Objective& few, const OpSet& operators, unsigned threads,
                              const Deadline& deadline) {
    found = by_worth(std::move(found), few);
    std::vector<std::vector<Candidate>> finished(found.size());
    parallel_for(found.size(), threads, [&](std::size_t i, unsigned) {
        Finisher finisher(few, operators, deadline);
        finished[i] = finisher.reduced(std::move(found[i]));
        for (Candidate& candidate : finished[i]) {
            finisher.make_simple(candidate);
            finisher.orient(candidate.tape);
            candidate.loss = loss_on_all_rows(candidate.tape, x, goal, 1);
        }
    });
    Archive archive(max_tape_size);
    for (const auto& candidates : finished) {
        for (const Candidate& candidate : candidates) {
            archive.offer(candidate);
        }
    }
    return archive.front();
}

template std::vector<Candidate> finish(std::vector<Tape>, MatrixView<const double>, const Goal&,
                                       const Objective&, const OpSet&, unsigned, const Deadline&);
template std::vector<Candidate> finish(std::vector<Tape>, MatrixView<const float>, const Goal&,
                                       const Objective&, const OpSet&, unsigned, const Deadline&);

}  // namespace closedform
