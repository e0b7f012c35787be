#pragma once
// The best expression found for every complexity, and the Pareto front among them.

#include <cstdint>
#include <limits>
#include <vector>

#include "closedform/expression/expression.hpp"

namespace closedform {

struct Candidate {
    Tape tape;
    double loss = 0.0;  ///< on the rows the archive compares on
    std::uint64_t skeleton = 0;
    /// On the islands' few rows, the constants fitted to these alone. Losses on few rows and on
    /// many differ by chance, noise more than formulas: each is only compared with its like.
    double sample_loss = std::numeric_limits<double>::infinity();

    std::size_t complexity() const { return tape.size(); }
};

class Archive {
  public:
    explicit Archive(std::size_t max_size) : best_(max_size + 1) {}

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

    std::vector<Candidate> best_;  ///< by size; an empty tape where none is known
};

}  // namespace closedform
