#pragma once
// Objectives of batches of expressions on a device: the rows go there once if they fit, else a
// chunk at a time with every batch.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bodies/tapes.hpp"
#include "closedform/cuda.hpp"
#include "placement.hpp"

namespace closedform::gpu {

/// Rows of one part; a part is a block's work, and the unit in which a device's sums are rounded.
inline constexpr std::size_t tape_part_rows = 2048;

template <class Real, class Runtime>
class TapeScorer {
  public:
    /// X where it lies, targets in the host's memory; copies what it needs. part_rows: for tests.
    TapeScorer(Runtime& runtime, MatrixView<const Real> x, bool on_device,
               const BatchTargets& targets, std::size_t part_rows = tape_part_rows)
        : runtime_(runtime),
          x_(x),
          on_device_(on_device),
          targets_(targets),
          part_rows_(part_rows),
          width_(1 + targets.targets.columns + targets.scales.columns +
                 (on_device ? 0 : x.columns)) {
        if (targets.targets.rows != x.rows ||
            (!targets.weights.empty() && targets.weights.size() != x.rows) ||
            (targets.directions && targets.targets.columns != x.columns)) {
            throw std::invalid_argument(
                "objective: targets and weights need one row for each of X");
        }
        for (std::size_t i = 0; i < x.rows; ++i) {
            total_weight_ += weight(i);
        }
        const std::size_t free = runtime.free_memory();
        resident_ = x.rows * width_ * sizeof(Real) <= free / 2;
        chunk_ = resident_ ? x.rows
                           : chunk_rows(x.rows, width_ * sizeof(Real), free, part_rows) /
                                 part_rows * part_rows;
        for (std::size_t s = 0; s < (resident_ ? 1 : slots); ++s) {
            slot_[s].data = {runtime, chunk_ * width_};
            slot_[s].pinned = {runtime, chunk_ * width_};
            slot_[s].stream.emplace(runtime);
        }
        if (resident_) {
            load(slot_[0], 0, x.rows);
            slot_[0].stream->wait();
            slot_[0].pinned = {};
        }
    }

    std::vector<LossSums> sums(std::span<const Tape> tapes) {
        std::vector<LossSums> result(tapes.size());
        if (tapes.empty()) {
            return result;
        }
        std::vector<Node> nodes;
        std::vector<unsigned> begin = {0};
        std::size_t most_nodes = 1;
        for (const Tape& tape : tapes) {
            if (static_cast<std::size_t>(inputs_needed(tape)) > x_.columns) {
                throw std::invalid_argument("X: has fewer columns than the expression reads");
            }
            nodes.insert(nodes.end(), tape.begin(), tape.end());
            begin.push_back(static_cast<unsigned>(nodes.size()));
            most_nodes = std::max(most_nodes, tape.size());
        }
        typename Runtime::template Buffer<Node> nodes_there(runtime_, nodes.size());
        typename Runtime::template Buffer<unsigned> begin_there(runtime_, begin.size());
        runtime_.copy(nodes_there.data(), nodes.data(), nodes.size(), *slot_[0].stream);
        runtime_.copy(begin_there.data(), begin.data(), begin.size(), *slot_[0].stream);
        slot_[0].stream->wait();
        const TapeBatch batch = {nodes_there.data(), begin_there.data(),
                                 static_cast<unsigned>(tapes.size())};
        const auto most = static_cast<unsigned>(most_nodes);
        if (targets_.directions) {
            TapeDirectionSums<Real> body{};
            body.rows.columns = static_cast<unsigned>(x_.columns);
            run(body, batch, most, result);
        } else {
            run(TapeValueSums<Real>{}, batch, most, result);
        }
        for (LossSums& sum : result) {
            sum.weight = total_weight_;
            if (!targets_.directions || targets_.is_signed) {
                sum.negated = std::numeric_limits<double>::infinity();
            }
        }
        return result;
    }

  private:
    struct Slot {
        typename Runtime::template Pinned<Real> pinned;
        typename Runtime::template Buffer<Real> data;
        typename Runtime::template Buffer<Real> sums;
        typename Runtime::template Pinned<Real> pinned_sums;
        std::size_t parts = 0;  ///< under way
        std::size_t first = 0;
        std::size_t count = 0;
        std::optional<typename Runtime::Stream> stream;
    };

    double weight(std::size_t i) const {
        return targets_.weights.empty() ? 1.0 : targets_.weights[i];
    }

    /// Columns one after the other: of X unless it is there, of the targets, of the scales, and
    /// last the weight (its root for values).
    void load(Slot& slot, std::size_t first, std::size_t count) {
        slot.first = first;
        slot.count = count;
        Real* to = slot.pinned.data();
        const auto columns = [&](const auto& view) {
            for (std::size_t j = 0; j < view.columns; ++j) {
                for (std::size_t i = 0; i < count; ++i) {
                    *to++ = static_cast<Real>(view(first + i, j));
                }
            }
        };
        if (!on_device_) {
            columns(x_);
        }
        columns(targets_.targets);
        columns(targets_.scales);
        for (std::size_t i = 0; i < count; ++i) {
            const double w = weight(first + i);
            *to++ = static_cast<Real>(targets_.directions ? w : std::sqrt(w));
        }
        runtime_.copy(slot.data.data(), slot.pinned.data(), count * width_, *slot.stream);
    }

    /// Where the slot's columns lie, in the order of load.
    template <class Body>
    void aim(Body& body, const Slot& slot) const {
        const std::size_t n = slot.count;
        const Real* at = slot.data.data();
        if (on_device_) {
            body.rows = columns_at(x_.row(slot.first), n);
            body.rows.row_step = x_.row_stride;
            body.rows.column_step = 1;
        } else {
            body.rows = columns_at(at, n);
            at += n * x_.columns;
        }
        aim_targets(body, at, n);
    }
    void aim_targets(TapeValueSums<Real>& body, const Real* at, std::size_t n) const {
        body.y = at;
        body.scale = at + n;
    }
    void aim_targets(TapeDirectionSums<Real>& body, const Real* at, std::size_t n) const {
        const std::size_t columns = n * x_.columns;
        body.directions = columns_at(at, n);
        body.scales = columns_at(targets_.scales.columns == 0 ? nullptr : at + columns, n);
        body.weight = at + columns + n * targets_.scales.columns;
    }
    TapeRows<Real> columns_at(const Real* at, std::size_t rows) const {
        return {at,
                1,
                rows,
                rows,
                static_cast<unsigned>(x_.columns),
                static_cast<unsigned>(part_rows_)};
    }

    template <class Body>
    void run(Body body, const TapeBatch& batch, unsigned most_nodes,
             std::vector<LossSums>& result) {
        body.batch = batch;
        body.most_nodes = most_nodes;
        for (LossSums& sum : result) {
            sum.negated = 0.0;
        }
        Placement<Runtime> placement(runtime_, body.space_bytes(), 0);
        const std::size_t rows = x_.rows;
        const std::size_t chunks = rows == 0 ? 0 : (rows + chunk_ - 1) / chunk_;
        const auto collect = [&](Slot& slot) {
            slot.stream->wait();
            for (std::size_t e = 0; e < result.size(); ++e) {
                for (std::size_t p = 0; p < slot.parts; ++p) {
                    const Real* sum = slot.pinned_sums.data() + (e * slot.parts + p) * 2;
                    result[e].as_is += static_cast<double>(sum[0]);
                    result[e].negated += static_cast<double>(sum[1]);
                }
            }
            slot.parts = 0;
        };
        for (std::size_t c = 0; c < chunks; ++c) {
            Slot& slot = slot_[c % slots];
            if (slot.parts != 0) {
                collect(slot);
            }
            if (!resident_) {
                load(slot, c * chunk_, std::min(chunk_, rows - c * chunk_));
            }
            aim(body, slot);
            slot.parts = body.rows.parts();
            const std::size_t items = slot.parts * result.size();
            slot.sums = {runtime_, 2 * items};
            slot.pinned_sums = {runtime_, 2 * items};
            body.sums = slot.sums.data();
            placement.launch(body, items, c % slots, *slot.stream);
            runtime_.copy(slot.pinned_sums.data(), slot.sums.data(), 2 * items, *slot.stream);
        }
        for (std::size_t c = chunks; c < chunks + slots; ++c) {
            if (slot_[c % slots].parts != 0) {
                collect(slot_[c % slots]);
            }
        }
    }

    Runtime& runtime_;
    MatrixView<const Real> x_;
    bool on_device_;
    BatchTargets targets_;
    std::size_t part_rows_;
    std::size_t width_;
    std::size_t chunk_ = 0;
    bool resident_ = false;
    double total_weight_ = 0.0;
    std::array<Slot, slots> slot_;
};

}  // namespace closedform::gpu
