#pragma once
// Chooses merges of inputs, one after the other, on a sample of the rows: symmetries.hpp says why.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "closedform/core/stop.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/symmetry/merged_input.hpp"
#include "symmetry/noise_test.hpp"
#include "symmetry/pair_symmetry.hpp"

namespace closedform {

/// Up to this statistic a symmetry holds to rounding.
inline constexpr double exact_statistic = 1e-7;

/// A problem in merged inputs on some rows, with the rows' weights, which sum to 1.
struct MergeProblem {
    std::vector<MergedInput> inputs;
    std::vector<double> weights;
};

/// Weighted mean of |values|.
double mean_absolute_value(std::span<const double> values, std::span<const double> weights);

/// Puts the merged input in the place of the earlier of the two.
void replace_pair(std::vector<MergedInput>& inputs, std::size_t i, std::size_t j,
                  MergedInput merged);

/// Places of the inputs at the time of the merge, what was done and how noisy it looked. Of unused
/// the first input is left out.
struct MergeStep {
    MergeKind kind = MergeKind::unused;
    std::size_t first = 0;
    std::size_t second = 0;
    Combination how;
    Tape tape;
    double statistic = 0;
    double noise = 0;
};

class MergeChooser {
  public:
    /// Stopped, it takes what it has seen of the pairs for all there is.
    MergeChooser(MergeProblem sample, const OpSet& allowed, const StopToken& stop);

    /// Makes all merges that are certain; with `tentative` also those that are small.
    void run(bool tentative);

    const std::vector<MergeStep>& steps() const { return steps_; }
    /// A merge held to rounding.
    bool exact_data() const { return exact_data_; }

  private:
    /// A merge that may be made: of one input that is unused, or of a pair.
    struct Proposal {
        std::size_t first = 0;  ///< names of inputs, which stay while others merge
        std::size_t second = 0;
        MergeKind kind = MergeKind::unused;
        PairSymmetry pair;
        double statistic = 0;
        double square = 0;
        std::optional<ResidualStructure> structure;  ///< once tested for noise
    };

    double largest() const;
    double most_noise() const;
    void propose_unused(std::size_t k);
    void propose_pair(std::size_t i, std::size_t j);
    void sort(auto&& key);
    bool merge_exact();
    bool merge_noisy();
    bool merge_small();
    ResidualStructure structure(const Proposal& p);
    std::size_t place(std::size_t name) const;
    bool make(std::size_t which, const Tolerance& tolerance);

    MergeProblem sample_;
    OpSet allowed_;
    StopToken stop_;
    std::vector<std::vector<double>> original_;
    std::vector<std::size_t> names_;  ///< of the inputs in their present places
    std::size_t next_name_ = 0;
    std::vector<std::vector<double>> ranks_;  ///< by name, made when first needed
    std::vector<Proposal> proposals_;
    std::vector<MergeStep> steps_;
    std::shared_ptr<const ResidualTest> test_;  ///< made when first needed, shared by copies
    bool exact_data_ = false;
};

}  // namespace closedform
