#pragma once
// What a search is after, at the rows of its data: it makes the objective for any of them.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/expression/expression.hpp"
#include "closedform/expression/template.hpp"

namespace closedform {

class Objective;
class RowBlocks;

/// Powers of ten between the data and what the search works with: working value = unit * value.
struct Units {
    std::vector<double> x;  ///< by column
    double y = 1.0;
};

/// What the sign of a direction says: T is told from -T; one sign, the same for all rows, is free;
/// or every row's own is, for f = phi(T) whose phi rises here and falls there.
enum class Sign : std::uint8_t { kept, common, of_row };

/// What a target is made of, for whoever computes its losses elsewhere. Views of its arrays.
struct TargetArrays {
    enum class Kind { values, directions, labels };
    Kind kind = Kind::values;
    MatrixView<const double> targets;  ///< y or labels [rows x 1], or directions [rows x inputs]
    MatrixView<const double> scales;   ///< of directions, one a column; no rows: ones
    std::span<const double> weights;   ///< empty: ones
    Sign sign = Sign::kept;            ///< of directions
    bool framed = false;               ///< the scales are frames
};

class Target {
  public:
    virtual ~Target() = default;
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    virtual std::size_t rows() const = 0;

    /// One a row, or none for equal ones.
    virtual std::span<const double> weights() const = 0;

    virtual TargetArrays arrays() const = 0;

    /// The objective at the named rows of the data; `blocks` holds those rows in working units.
    virtual std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                          const Units& units) const = 0;

    /// Mean square of what expressions are to reproduce, for choosing units.y; 1 for none.
    virtual double mean_square() const { return 1.0; }

    /// Rows that candidates are judged on.
    virtual std::size_t sample_rows() const { return 512; }

    /// Passes over them of every island before the first exchange; later epochs get longer.
    virtual std::size_t first_epoch() const { return 2000; }
};

/// An array that would be gone before it is read: targets refer to their arrays, they own nothing.
template <class Array>
concept Temporary = std::same_as<Array, std::vector<double>>;

/// Values y, one a row; empty weights mean 1. Throws std::invalid_argument when the sizes differ.
class ValueTarget : public Target {
  public:
    ValueTarget(std::span<const double> y, std::span<const double> weights);
    template <Temporary Array>
    ValueTarget(Array&& y, std::span<const double> weights) = delete;
    template <Temporary Array>
    ValueTarget(std::span<const double> y, Array&& weights) = delete;
    std::size_t rows() const override { return y_.size(); }
    std::span<const double> weights() const override { return weights_; }
    TargetArrays arrays() const override;
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;
    double mean_square() const override;

  private:
    std::span<const double> y_;
    std::span<const double> weights_;
};

/// Another target whose groups of rows have constants of their own: see GroupObjective. `groups`:
/// which one each row is of, from 0; groups without rows that weigh anything do not count. Both
/// must live as long.
class GroupTarget : public Target {
  public:
    GroupTarget(const Target& target, std::span<const std::int64_t> groups);
    std::size_t rows() const override { return target_.rows(); }
    std::span<const double> weights() const override { return target_.weights(); }
    TargetArrays arrays() const override { return target_.arrays(); }
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;
    double mean_square() const override { return target_.mean_square(); }
    // A constant of its own needs its own rows: whoever asks chooses which there are.
    std::size_t sample_rows() const override { return rows(); }
    std::size_t first_epoch() const override { return target_.first_epoch(); }

  private:
    const Target& target_;
    std::span<const std::int64_t> groups_;
};

/// Another target through a template whose parts are searched: see TemplateObjective. Both must
/// live as long.
class TemplateTarget : public Target {
  public:
    TemplateTarget(const Target& target, const Template& form) : target_(target), form_(form) {}
    std::size_t rows() const override { return target_.rows(); }
    std::span<const double> weights() const override { return target_.weights(); }
    TargetArrays arrays() const override { return target_.arrays(); }
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;
    std::size_t sample_rows() const override { return target_.sample_rows(); }
    std::size_t first_epoch() const override { return target_.first_epoch(); }

  private:
    const Target& target_;
    const Template& form_;
};

/// Directions of the input gradient: see GradientObjective.
class DirectionTarget : public Target {
  public:
    DirectionTarget(MatrixView<const double> directions, MatrixView<const double> scales,
                    std::span<const double> weights, Sign sign);
    /// framed: `scales` are frames, a matrix of components x columns a row, by rows, which grad T
    /// is multiplied with before it is compared; directions then have as many components, or
    /// several times as many: the vectors of a span, with Sign::of_row.
    DirectionTarget(MatrixView<const double> directions, MatrixView<const double> scales,
                    bool framed, std::span<const double> weights, Sign sign);
    template <Temporary Array>
    DirectionTarget(MatrixView<const double> directions, MatrixView<const double> scales,
                    Array&& weights, Sign sign) = delete;
    std::size_t rows() const override { return directions_.rows; }
    std::span<const double> weights() const override { return weights_; }
    TargetArrays arrays() const override;
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;
    // Every row brings as many equations as inputs, and a pass is worth more: no factor, offset or
    // outer function has to be found.
    std::size_t sample_rows() const override { return 128; }
    std::size_t first_epoch() const override { return 500; }

  private:
    MatrixView<const double> directions_;
    MatrixView<const double> scales_;
    bool framed_ = false;
    std::span<const double> weights_;
    Sign sign_;
};

/// Labels 1 or -1, one a row: see MarginObjective.
class LabelTarget : public Target {
  public:
    LabelTarget(std::span<const double> labels, std::span<const double> weights);
    template <Temporary Array>
    LabelTarget(Array&& labels, std::span<const double> weights) = delete;
    template <Temporary Array>
    LabelTarget(std::span<const double> labels, Array&& weights) = delete;
    std::size_t rows() const override { return labels_.size(); }
    std::span<const double> weights() const override { return weights_; }
    TargetArrays arrays() const override;
    std::unique_ptr<Objective> at(RowBlocks blocks, std::span<const std::size_t> which,
                                  const Units& units) const override;

  private:
    std::span<const double> labels_;
    std::span<const double> weights_;
};

}  // namespace closedform
