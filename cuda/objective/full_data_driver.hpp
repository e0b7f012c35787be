#pragma once
// Losses of batches of expressions on a device.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "closedform/objective/full_data.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "closedform/objective/target.hpp"
#include "cuda/objective/full_data_body.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/row_store.hpp"
#include "cuda/runtime/sum_parts.hpp"
#include "cuda/runtime/upload.hpp"

namespace closedform::gpu {

/// Rows of one part; a part is a block's work, and the unit in which a device's sums are rounded.
inline constexpr std::size_t tape_part_rows = 2048;
/// Parts of a chunk: of more rows they are larger, for one thread adds them up.
inline constexpr std::size_t most_parts = std::size_t{1} << 16U;
/// Of the sums of all parts: expressions beyond wait for the next launch.
inline constexpr std::size_t most_part_bytes = std::size_t{64} << 20U;

template <class X, class Runtime>
class TapeScorer : public LossRowSums {
  public:
    /// Copies the rows to the device where they find room, else with every batch; the arrays must
    /// live as long as this does. The runtime is `arguments`' own. Throws std::invalid_argument
    /// where sizes differ, and for directions with a sign of every row's own.
    template <class... Arguments>
    TapeScorer(MatrixView<const X> x, const TargetArrays& target, std::size_t part_rows,
               const Arguments&... arguments)
        : runtime_(arguments...),
          x_(x),
          target_(checked(target, x)),
          part_rows_(part_rows),
          store_(runtime_,
                 {x.rows, x.columns, target.targets.columns + scale_columns() + 1, part_rows},
                 Order::by_columns, packer()) {
        part_rows_ *= 1 + store_.most_rows() / (part_rows * most_parts);
        for (std::size_t i = 0; i < x.rows; ++i) {
            total_weight_ += weight(i);
        }
    }

    /// To the end, whatever the token says: a device is soon through.
    bool add(const LossQuestion& question, const StopToken& /*stop*/,
             std::vector<LossSums>& total) override {
        const std::vector<LossSums> found =
            question.rough ? sums<X>(question.tapes) : sums<double>(question.tapes);
        for (std::size_t e = 0; e < found.size(); ++e) {
            total[e] += found[e];
        }
        return true;
    }

    bool resident() const override { return store_.resident(); }

    /// As Objective::sums on the same rows, in the arithmetic named.
    template <class Real>
    std::vector<LossSums> sums(std::span<const Tape> tapes) {
        const std::size_t parts = (store_.most_rows() + part_rows_ - 1) / part_rows_;
        const std::size_t most =
            std::max<std::size_t>(most_part_bytes / (2 * sizeof(Real) * (parts + 1)), 1);
        std::vector<LossSums> result;
        for (std::size_t first = 0; first < tapes.size(); first += most) {
            const auto batch = tapes.subspan(first, std::min(most, tapes.size() - first));
            const std::vector<LossSums> found =
                target_.kind == TargetArrays::Kind::values
                    ? run<Real, OfValues<SquaredError>>(batch, parts)
                : target_.kind == TargetArrays::Kind::labels
                    ? run<Real, OfValues<Hinge>>(batch, parts)
                    : run<Real, DirectionDifferences>(batch, parts);
            result.insert(result.end(), found.begin(), found.end());
        }
        return result;
    }

    const Runtime& runtime() const { return runtime_; }

  private:
    static const TargetArrays& checked(const TargetArrays& target, MatrixView<const X> x) {
        if (target.targets.rows != x.rows ||
            (!target.weights.empty() && target.weights.size() != x.rows)) {
            throw std::invalid_argument("X: needs as many rows as there are targets");
        }
        if (target.kind == TargetArrays::Kind::directions && target.targets.columns != x.columns) {
            throw std::invalid_argument("gradients: need one component for each column of X");
        }
        if (target.sign == Sign::of_row || target.framed) {
            throw std::invalid_argument("gradients: axes and frames are compared on the CPU alone");
        }
        return target;
    }

    double weight(std::size_t i) const {
        return target_.weights.empty() ? 1.0 : target_.weights[i];
    }
    std::size_t scale_columns() const {
        return target_.scales.rows == 0 ? 0 : target_.scales.columns;
    }

    /// Columns of X; and of the targets, of the scales, and last the weight (its root for values).
    auto packer() const {
        return [this](Team& team, std::size_t first, std::size_t count, X* inputs, double* others) {
            for_rows(team, count, [&](std::size_t i) {
                const std::size_t row = first + i;
                for (std::size_t j = 0; j < x_.columns; ++j) {
                    inputs[j * count + i] = x_(row, j);
                }
                double* to = others + i;
                for (std::size_t j = 0; j < target_.targets.columns; ++j, to += count) {
                    *to = target_.targets(row, j);
                }
                for (std::size_t j = 0; j < scale_columns(); ++j, to += count) {
                    *to = target_.scales(row, j);
                }
                const double w = weight(row);
                *to = target_.kind == TargetArrays::Kind::values ? std::sqrt(w) : w;
            });
        };
    }

    template <class Real, class Loss>
    std::vector<LossSums> run(std::span<const Tape> tapes, std::size_t parts) {
        std::vector<Node> nodes;
        std::vector<unsigned> begin = {0};
        unsigned most_nodes = 1;
        for (const Tape& tape : tapes) {
            if (static_cast<std::size_t>(inputs_needed(tape)) > x_.columns) {
                throw std::invalid_argument("X: has fewer columns than the expression reads");
            }
            nodes.insert(nodes.end(), tape.begin(), tape.end());
            begin.push_back(static_cast<unsigned>(nodes.size()));
            most_nodes = std::max(most_nodes, static_cast<unsigned>(tape.size()));
        }
        const auto nodes_there = upload(runtime_, nodes, store_.stream(0));
        const auto begin_there = upload(runtime_, begin, store_.stream(0));
        store_.stream(0).wait();
        const std::size_t numbers = 2 * tapes.size();
        std::array<Partial<Real>, slots> partial;
        for (std::size_t s = 0; s < store_.used_slots(); ++s) {
            partial[s].sums = {runtime_, parts * numbers};
            partial[s].total = {runtime_, numbers};
            partial[s].here = {runtime_, numbers};
        }
        std::vector<LossSums> result(tapes.size());
        for (LossSums& sum : result) {
            sum.negated = 0.0;
        }
        const auto collect = [&](Partial<Real>& from) {
            for (std::size_t e = 0; from.under_way && e < tapes.size(); ++e) {
                result[e].as_is += from.here.data()[2 * e];
                result[e].negated += from.here.data()[2 * e + 1];
            }
            from.under_way = false;
        };
        TapeSums<X, Real, Loss> body{};
        body.batch = {nodes_there.data(), begin_there.data(), static_cast<unsigned>(tapes.size()),
                      most_nodes};
        body.rows.inputs = static_cast<unsigned>(x_.columns);
        body.rows.part_rows = static_cast<unsigned>(part_rows_);
        // Blocks without tables to copy begin at once, and some expressions take longer than
        // others: as many as there is work.
        Placement<Runtime> placement(runtime_, body.space_bytes(), 0,
                                     std::max<std::size_t>(parts * tapes.size(), 1));
        std::size_t next = 0;
        store_.pass(packer(), [&](std::size_t slot, const auto& chunk) {
            Partial<Real>& to = partial[slot];
            collect(to);
            aim(body.rows, chunk);
            body.sums = to.sums.data();
            auto& stream = store_.stream(slot);
            placement.launch(body, body.rows.parts() * tapes.size(), slot, stream);
            const SumParts<Real> add = {to.sums.data(), body.rows.parts(), numbers,
                                        to.total.data()};
            runtime_.launch(add, add.blocks(), add.shared_bytes, stream);
            runtime_.copy(to.here.data(), to.total.data(), numbers, stream);
            to.under_way = true;
            next = (slot + 1) % slots;
        });
        for (std::size_t s = 0; s < slots; ++s) {  // in the order they were started
            collect(partial[(next + s) % slots]);
        }
        for (LossSums& sum : result) {
            sum.weight = total_weight_;
            if (target_.kind != TargetArrays::Kind::directions || target_.sign == Sign::kept) {
                sum.negated = std::numeric_limits<double>::infinity();
            }
        }
        return result;
    }

    template <class Real>
    struct Partial {
        typename Runtime::template Buffer<Real> sums;
        typename Runtime::template Buffer<double> total;
        typename Runtime::template Pinned<double> here;
        bool under_way = false;
    };

    void aim(TapeRows<X>& rows, const typename RowStore<X, Runtime>::Chunk& chunk) const {
        rows.x = chunk.inputs;
        rows.rows = chunk.rows;
        rows.targets = chunk.others;
        const double* after = chunk.others + target_.targets.columns * chunk.rows;
        rows.scales = scale_columns() == 0 ? nullptr : after;
        rows.weights = after + scale_columns() * chunk.rows;
    }

    Runtime runtime_;
    MatrixView<const X> x_;
    TargetArrays target_;
    std::size_t part_rows_;
    RowStore<X, Runtime> store_;
    double total_weight_ = 0.0;
};

}  // namespace closedform::gpu
