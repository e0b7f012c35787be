#pragma once
// Losses of batches of expressions on a device.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "closedform/objective/full_data.hpp"
#include "closedform/objective/loss_sums.hpp"
#include "closedform/objective/target.hpp"
#include "cuda/objective/full_data_body.hpp"
#include "cuda/objective/target_rows.hpp"
#include "cuda/runtime/bundle.hpp"
#include "cuda/runtime/chunk_sums.hpp"
#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/row_store.hpp"

namespace closedform::gpu {

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
          rows_(x, target),
          store_(runtime_, rows_.template sizes<RowStore<X, Runtime>>(part_rows), Order::by_columns,
                 rows_.packer()),
          part_rows_(part_rows * (1 + store_.most_rows() / (part_rows * most_parts))) {}

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
                rows_.target().kind == TargetArrays::Kind::values
                    ? run<Real, OfValues<SquaredError>>(batch, parts)
                : rows_.target().kind == TargetArrays::Kind::labels
                    ? run<Real, OfValues<Hinge>>(batch, parts)
                    : run<Real, DirectionDifferences>(batch, parts);
            result.insert(result.end(), found.begin(), found.end());
        }
        return result;
    }

    const Runtime& runtime() const { return runtime_; }

  private:
    template <class Real, class Loss>
    std::vector<LossSums> run(std::span<const Tape> tapes, std::size_t parts) {
        std::vector<Node> nodes;
        std::vector<unsigned> begin = {0};
        unsigned most_nodes = 1;
        for (const Tape& tape : tapes) {
            rows_.check(tape);
            nodes.insert(nodes.end(), tape.begin(), tape.end());
            begin.push_back(static_cast<unsigned>(nodes.size()));
            most_nodes = std::max(most_nodes, static_cast<unsigned>(tape.size()));
        }
        const std::size_t nodes_at = bundle_.add(runtime_, std::span<const Node>(nodes));
        const std::size_t begin_at = bundle_.add(runtime_, std::span<const unsigned>(begin));
        bundle_.send(runtime_, store_.stream(0));
        store_.after_first();
        TapeSums<X, Real, Loss> body{};
        body.batch = {bundle_.template at<Node>(nodes_at), bundle_.template at<unsigned>(begin_at),
                      static_cast<unsigned>(tapes.size()), most_nodes};
        body.rows.inputs = static_cast<unsigned>(rows_.inputs());
        body.rows.part_rows = static_cast<unsigned>(part_rows_);
        // Blocks without tables to copy begin at once, and some expressions take longer than
        // others: as many as there is work.
        Placement<Runtime> placement(runtime_, body.space_bytes(), 0,
                                     std::max<std::size_t>(parts * tapes.size(), 1));
        ChunkSums<Real, Runtime> sums(runtime_, store_.used_slots(), parts, 2 * tapes.size());
        store_.pass(rows_.packer(), [&](std::size_t slot, const auto& chunk) {
            rows_.aim(body.rows, chunk);
            sums.start(body, body.rows.parts() * tapes.size(), slot, placement,
                       store_.stream(slot));
        });
        const std::vector<double>& totals = sums.totals();
        const TargetArrays& target = rows_.target();
        const bool has_negated =
            target.kind == TargetArrays::Kind::directions && target.sign != Sign::kept;
        std::vector<LossSums> result(tapes.size());
        for (std::size_t e = 0; e < tapes.size(); ++e) {
            result[e].as_is = totals[2 * e];
            result[e].weight = rows_.total_weight();
            if (has_negated) {
                result[e].negated = totals[2 * e + 1];
            }
        }
        return result;
    }

    Runtime runtime_;
    TargetRows<X> rows_;
    Bundle<Runtime> bundle_;
    // After what its streams read, so that it dies before.
    RowStore<X, Runtime> store_;
    std::size_t part_rows_;
};

}  // namespace closedform::gpu
