#pragma once
// Blocks of memory that are kept from one use to the next. Asking CUDA for pinned memory takes some
// 0.3 ms a megabyte, for memory of a device up to a millisecond and, to give it back, a wait for
// the whole device: more than the work of a call on a million rows. This only keeps the books;
// whoever uses it asks and frees.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <list>
#include <mutex>
#include <vector>

namespace closedform::gpu {

/// May be used by several threads at once.
class KeptBlocks {
  public:
    struct Block {
        void* address = nullptr;
        std::size_t bytes = 0;
        int device = 0;
    };

    /// most: bytes that are kept while nobody uses them.
    explicit KeptBlocks(std::size_t most) : most_(most) {}

    /// What to ask for instead of `bytes`, so that a block serves others of about its size.
    static std::size_t rounded(std::size_t bytes) {
        constexpr std::size_t step = std::size_t{2} << 20U;
        return bytes >= step ? (bytes + step - 1) / step * step
                             : std::bit_ceil(std::max<std::size_t>(bytes, 256));
    }

    /// The smallest block of at least `bytes` if it is not much larger, which is no longer kept
    /// then; else one whose address is null.
    Block take(int device, std::size_t bytes) {
        const std::scoped_lock lock(guard_);
        auto best = blocks_.end();
        for (auto at = blocks_.begin(); at != blocks_.end(); ++at) {
            if (at->device == device && at->bytes >= bytes && at->bytes <= bytes + bytes / 4 &&
                (best == blocks_.end() || at->bytes < best->bytes)) {
                best = at;
            }
        }
        if (best == blocks_.end()) {
            return {};
        }
        const Block found = *best;
        blocks_.erase(best);
        return found;
    }

    /// Keeps a block that nothing uses any more. Returns those that have lain longest and for which
    /// there is no room now, for the caller to free.
    [[nodiscard]] std::vector<Block> give(const Block& block) {
        const std::scoped_lock lock(guard_);
        blocks_.push_back(block);
        return drop_to(most_);
    }

    /// All of them, for the caller to free.
    [[nodiscard]] std::vector<Block> clear() {
        const std::scoped_lock lock(guard_);
        return drop_to(0);
    }

    std::size_t bytes(int device) const {
        const std::scoped_lock lock(guard_);
        std::size_t sum = 0;
        for (const Block& block : blocks_) {
            sum += block.device == device ? block.bytes : 0;
        }
        return sum;
    }

  private:
    std::vector<Block> drop_to(std::size_t most) {
        std::size_t sum = 0;
        for (const Block& block : blocks_) {
            sum += block.bytes;
        }
        std::vector<Block> dropped;
        while (sum > most) {
            sum -= blocks_.front().bytes;
            dropped.push_back(blocks_.front());
            blocks_.pop_front();
        }
        return dropped;
    }

    std::size_t most_;
    mutable std::mutex guard_;
    std::list<Block> blocks_;  ///< in the order in which they came
};

}  // namespace closedform::gpu
