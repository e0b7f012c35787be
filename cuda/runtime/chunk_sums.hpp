#pragma once
// Sums over rows that a body takes a part at a time: of every chunk of a store's rows, added on the
// device and brought here, added up in the order of the chunks.

#include <array>
#include <cstddef>
#include <vector>

#include "cuda/runtime/placement.hpp"
#include "cuda/runtime/row_store.hpp"
#include "cuda/runtime/sum_parts.hpp"

namespace closedform::gpu {

/// `numbers` sums of type Real, by a body that leaves in `sums` those of every part.
template <class Real, class Runtime>
class ChunkSums {
  public:
    /// used_slots: chunks that are worked on at the same time; parts: of a chunk, at most.
    ChunkSums(Runtime& runtime, std::size_t used_slots, std::size_t parts, std::size_t numbers)
        : runtime_(runtime), numbers_(numbers), totals_(numbers, 0.0) {
        for (std::size_t s = 0; s < used_slots; ++s) {
            slot_[s].sums = {runtime, parts * numbers};
            slot_[s].total = {runtime, numbers};
            slot_[s].here = {runtime, numbers};
        }
    }

    /// Starts the body on a chunk, once what this slot had before is complete.
    template <class Body>
    void start(Body& body, std::size_t items, std::size_t slot, Placement<Runtime>& placement,
               typename Runtime::Stream& stream) {
        Slot& to = slot_[slot];
        collect(to);
        body.sums = to.sums.data();
        placement.launch(body, items, slot, stream);
        const SumParts<Real> add = {to.sums.data(), body.rows.parts(), numbers_, to.total.data()};
        runtime_.launch(add, add.blocks(), add.shared_bytes, stream);
        runtime_.copy(to.here.data(), to.total.data(), numbers_, stream);
        to.under_way = true;
        next_ = (slot + 1) % slots;
    }

    /// When all of it is complete: zeros where nothing was started.
    const std::vector<double>& totals() {
        for (std::size_t s = 0; s < slots; ++s) {  // in the order they were started
            collect(slot_[(next_ + s) % slots]);
        }
        return totals_;
    }

  private:
    struct Slot {
        typename Runtime::template Buffer<Real> sums;
        typename Runtime::template Buffer<double> total;
        typename Runtime::template Pinned<double> here;
        bool under_way = false;
    };

    void collect(Slot& from) {
        for (std::size_t i = 0; from.under_way && i < numbers_; ++i) {
            totals_[i] += from.here.data()[i];
        }
        from.under_way = false;
    }

    Runtime& runtime_;
    std::size_t numbers_;
    std::vector<double> totals_;
    std::array<Slot, slots> slot_;
    std::size_t next_ = 0;
};

}  // namespace closedform::gpu
