#pragma once
// Targets of formulas with operators of a user's own: these are written out before any row is
// looked at, so that kernels have none of them; an operand that a definition has several times is
// one all the same, and its constants are fitted as one.

#include <memory>
#include <span>
#include <vector>

#include "closedform/expression/vocabulary.hpp"
#include "closedform/objective/full_data.hpp"
#include "closedform/objective/target.hpp"

namespace closedform {

/// The objective of written out expressions; the vocabulary must live as long.
std::unique_ptr<Objective> written_out(std::unique_ptr<Objective> objective,
                                       const Vocabulary& vocabulary);

class ExpandedTarget : public Target {
  public:
    /// Both must live as long.
    ExpandedTarget(const Target& target, const Vocabulary& vocabulary)
        : target_(target), vocabulary_(vocabulary) {}

    std::size_t rows() const override { return target_.rows(); }
    std::span<const double> weights() const override { return target_.weights(); }
    TargetArrays arrays() const override { return target_.arrays(); }
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;
    double mean_square() const override { return target_.mean_square(); }
    std::size_t sample_rows() const override { return target_.sample_rows(); }
    std::size_t first_epoch() const override { return target_.first_epoch(); }

  private:
    const Target& target_;
    const Vocabulary& vocabulary_;
};

/// Losses of written out expressions, from whoever has the rows.
class ExpandedLosses : public LossRowSums {
  public:
    /// Both must live as long.
    ExpandedLosses(LossRowSums& rows, const Vocabulary& vocabulary)
        : rows_(rows), vocabulary_(vocabulary) {}

    bool add(const LossQuestion& question, const StopToken& stop,
             std::vector<LossSums>& total) override;
    bool resident() const override { return rows_.resident(); }

  private:
    LossRowSums& rows_;
    const Vocabulary& vocabulary_;
};

}  // namespace closedform
