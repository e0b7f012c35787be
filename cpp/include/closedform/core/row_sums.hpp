#pragma once
// Sums over all rows of the data, the one way they are asked for: losses, normal equations,
// moments, slopes and scores are made of nothing else. Who asks does not know where the rows lie,
// whether in this machine's memory (core/fold_parts.hpp) or on a device; rows in parts elsewhere
// answer one after another, in the order of the parts, into the same total.

namespace closedform {

class StopToken;

/// Rows that answer a kind of question by sums over all of them.
template <class Question, class Sums>
class RowSums {
  public:
    virtual ~RowSums() = default;
    RowSums() = default;
    RowSums(const RowSums&) = delete;
    RowSums& operator=(const RowSums&) = delete;

    /// Adds what all rows have to `total`, which has the question's sizes and is zero or has what
    /// other rows gave. False where the token stopped it before the end: `total` is of no use then.
    virtual bool add(const Question& question, const StopToken& stop, Sums& total) = 0;

    /// Whether the rows are for good where the sums are taken, so that asking costs arithmetic
    /// alone.
    virtual bool resident() const { return true; }
};

}  // namespace closedform
