#pragma once
// Rows that are gone through many times: on the device for good where half of its free memory holds
// them, else brought there with every pass, a chunk at a time, while the one before is worked on.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "cuda/runtime/row_chunks.hpp"

namespace closedform::gpu {

/// Which numbers of a chunk are neighbours: those of a row, or those of a column.
enum class Order { by_rows, by_columns };

/// X: type of the inputs, which are not widened on the way; the other numbers of a row are float64.
template <class X, class Runtime>
class RowStore {
  public:
    using Stream = typename Runtime::Stream;
    struct Sizes {
        std::size_t rows;
        std::size_t inputs;
        std::size_t others;  ///< float64 numbers of a row besides its inputs
        std::size_t unit;    ///< a chunk is a multiple of so many rows, if it is not all of them
    };
    /// A chunk on the device. With Order::by_columns, column j begins at j * rows.
    struct Chunk {
        const X* inputs;
        const double* others;
        std::size_t rows;
    };

    /// pack(team, first, count, inputs, others) writes rows in the order given, with the team's
    /// help; every pass gets the same.
    template <class Pack>
    RowStore(Runtime& runtime, const Sizes& sizes, Order order, const Pack& pack)
        : runtime_(runtime), sizes_(sizes), order_(order) {
        const RowBytes bytes = {sizes.inputs * sizeof(X) + sizes.others * sizeof(double), 0};
        const std::size_t free = runtime.free_memory();
        resident_ = sizes.rows * bytes.moved <= free / 2;
        chunk_ = chunk_rows(sizes.rows, bytes, free / 2, sizes.unit);
        if (chunk_ < sizes.rows) {
            chunk_ = chunk_ / sizes.unit * sizes.unit;
        }
        if (!resident_) {
            make_slots(chunk_);
            return;
        }
        // As pieces, for pinned memory is dear: what is packed next waits for the piece before
        // last.
        make_slots(0);
        slot_[0].inputs = {runtime, sizes.rows * sizes.inputs};
        slot_[0].others = {runtime, sizes.rows * sizes.others};
        for (std::size_t first = 0; first < sizes.rows; first += chunk_) {
            Slot& piece = slot_[first / chunk_ % slots];
            piece.stream->wait();
            load(piece, slot_[0], first, std::min(chunk_, sizes.rows - first), sizes.rows, pack);
        }
        for (Slot& slot : slot_) {
            slot.stream->wait();
            slot.pinned_inputs = {};
            slot.pinned_others = {};
        }
        team_.dismiss();
    }

    bool resident() const { return resident_; }
    /// Rows of the largest chunk.
    std::size_t most_rows() const { return resident_ ? sizes_.rows : chunk_; }
    /// Chunks that are worked on at the same time.
    std::size_t used_slots() const { return resident_ || sizes_.rows <= chunk_ ? 1 : slots; }
    Stream& stream(std::size_t slot) { return *slot_[slot].stream; }

    /// What stream(0) was given so far is done before what other slots are given next.
    void after_first() {
        if (used_slots() > 1) {
            slot_[0].stream->wait();
        }
    }

    /// Calls work(slot, chunk) for all rows, in order. What work has started on stream(slot) before
    /// is complete when that slot comes again, and all of it at the end.
    template <class Pack, class Work>
    void pass(const Pack& pack, const Work& work) {
        const std::size_t step = std::max<std::size_t>(most_rows(), 1);
        for (std::size_t first = 0; first < sizes_.rows; first += step) {
            const std::size_t s = first / step % slots;
            Slot& slot = slot_[s];
            const std::size_t count = std::min(step, sizes_.rows - first);
            if (first / step >= slots) {
                slot.stream->wait();
            }
            if (!resident_) {
                load(slot, slot, first, count, count, pack);
            }
            work(s, Chunk{slot.inputs.data(), slot.others.data(), count});
        }
        for (std::size_t s = 0; s < used_slots(); ++s) {
            slot_[s].stream->wait();
        }
    }

  private:
    struct Slot {
        typename Runtime::template Pinned<X> pinned_inputs;
        typename Runtime::template Pinned<double> pinned_others;
        typename Runtime::template Buffer<X> inputs;
        typename Runtime::template Buffer<double> others;
        // Last, so that it dies first: a stream ends its work before the buffers go.
        std::optional<Stream> stream;
    };

    void make_slots(std::size_t rows_there) {
        for (Slot& slot : slot_) {
            slot.pinned_inputs = {runtime_, chunk_ * sizes_.inputs};
            slot.pinned_others = {runtime_, chunk_ * sizes_.others};
            slot.inputs = {runtime_, rows_there * sizes_.inputs};
            slot.others = {runtime_, rows_there * sizes_.others};
            slot.stream.emplace(runtime_);
        }
    }

    /// Through the pinned memory of one slot to the `rows` rows of another, whose first is the
    /// store's row 0 where it is resident.
    template <class Pack>
    void load(Slot& from, Slot& to, std::size_t first, std::size_t count, std::size_t rows,
              const Pack& pack) {
        pack(team_, first, count, from.pinned_inputs.data(), from.pinned_others.data());
        const std::size_t at = resident_ ? first : 0;
        const auto copy = [&](auto* there, const auto* here, std::size_t width) {
            if (order_ == Order::by_rows) {
                runtime_.copy(there + at * width, here, count * width, *from.stream);
                return;
            }
            for (std::size_t j = 0; j < width; ++j) {
                runtime_.copy(there + j * rows + at, here + j * count, count, *from.stream);
            }
        };
        copy(to.inputs.data(), from.pinned_inputs.data(), sizes_.inputs);
        copy(to.others.data(), from.pinned_others.data(), sizes_.others);
    }

    Runtime& runtime_;
    Sizes sizes_;
    Order order_;
    std::size_t chunk_ = 0;
    bool resident_ = false;
    Team team_;
    std::array<Slot, slots> slot_;
};

/// Calls work(i) for a chunk's rows, i below count, on all cores.
template <class Work>
void for_rows(Team& team, std::size_t count, const Work& work) {
    team.in_pieces(count, 2048, [&](std::size_t first, std::size_t end) {
        for (std::size_t i = first; i < end; ++i) {
            work(i);
        }
    });
}

}  // namespace closedform::gpu
