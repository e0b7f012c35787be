#pragma once
// The one way a search evaluates: a batch of candidates, scored on some of the rows. The evolution
// sees rows through this alone, so where they lie (here, on a device, on other machines) is a
// matter of who implements it. Today's islands hand over batches of one.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "closedform/expression/expression.hpp"
#include "expression/workspace.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/objective.hpp"
#include "search/linear_form.hpp"

namespace closedform {

/// Rows that candidates are judged on, and those that members of an archive are compared on.
enum class ScoreRows { sample, archive };

/// A candidate: a tape, or a structure laid open (then `tape` is empty).
struct ScoreTask {
    Tape tape;
    OpenForm form;
    std::optional<FitOptions> fit;  ///< of its constants, before it is scored; a form needs it
};

struct Score {
    Tape tape;  ///< with the constants fitted; of a form its simplest, empty when too long
    double loss = 0.0;
    int passes = 0;  ///< over the rows, the measure of work
};

class Scorer {
  public:
    virtual ~Scorer() = default;
    Scorer() = default;
    Scorer(const Scorer&) = delete;
    Scorer& operator=(const Scorer&) = delete;

    /// One score a task, in their order; tasks are used up.
    virtual std::vector<Score> score(std::span<ScoreTask> batch, ScoreRows rows) = 0;

    /// As Objective::shares, on the sample.
    virtual std::vector<double> shares(const Tape& parent, std::span<const Tape> terms,
                                       Joint joint) = 0;

    /// Values of nodes at rows computed so far.
    virtual std::uint64_t node_evaluations() const = 0;
};

/// On the caller's thread, a candidate after another.
class HostScorer final : public Scorer {
  public:
    /// Both must live as long; they may be the same.
    HostScorer(const Objective& sample, const Objective& archive, const OpSet& operators)
        : sample_(sample), archive_(archive), operators_(operators) {}

    std::vector<Score> score(std::span<ScoreTask> batch, ScoreRows rows) override;
    std::vector<double> shares(const Tape& parent, std::span<const Tape> terms,
                               Joint joint) override;
    std::uint64_t node_evaluations() const override { return workspace_.node_evaluations(); }

  private:
    const Objective& sample_;
    const Objective& archive_;
    OpSet operators_;
    Workspace workspace_;
};

}  // namespace closedform
