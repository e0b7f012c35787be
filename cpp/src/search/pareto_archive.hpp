#pragma once
// The best expression found for every complexity, and the Pareto front among them.

#include <cstddef>
#include <vector>

#include "closedform/search/candidate.hpp"

namespace closedform {

/// Every front is made by one: what has more nodes or other operators than it was made for is never
/// kept, whatever wrote it.
class Archive {
  public:
    Archive(std::size_t max_size, const OpSet& operators)
        : operators_(operators), best_(max_size + 1) {}

    /// True when nothing of the same or a smaller size is at least as good.
    bool would_improve(std::size_t size, double loss) const;

    /// The same on the islands' few rows: whether the many are worth asking.
    bool might_improve(std::size_t size, double sample_loss) const;

    /// Keeps the candidate if it improves its size; says whether it did.
    bool offer(const Candidate& candidate);

    /// Members no smaller member is as good as, by complexity.
    std::vector<Candidate> front() const;

  private:
    bool improves(std::size_t size, double loss, double Candidate::* kind) const;

    OpSet operators_;
    std::vector<Candidate> best_;  ///< by size; an empty tape where none is known
};

}  // namespace closedform
