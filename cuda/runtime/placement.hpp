#pragma once
// Where the space and the tables of a body lie: shared memory where they fit, else the device's.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "cuda/runtime/row_chunks.hpp"

namespace closedform::gpu {

/// Blocks of one launch: enough for any device, few enough that copying tables costs nothing.
inline constexpr std::size_t most_blocks = 2048;
inline constexpr std::size_t most_blocks_with_scratch = 512;
/// Scratch takes at most one part in so many of the free memory.
inline constexpr std::size_t scratch_share = 8;

/// Starts bodies that have space_bytes(), scratch and staged; keeps their scratch.
template <class Runtime>
class Placement {
  public:
    /// table_bytes: 0 for a body without tables. blocks: the most of a launch.
    Placement(Runtime& runtime, std::size_t space_bytes, std::size_t table_bytes,
              std::size_t blocks = most_blocks)
        : runtime_(runtime), blocks_(blocks) {
        const std::size_t most = runtime.shared_memory();
        scratch_ = space_bytes > most;
        const std::size_t rest = scratch_ ? 0 : space_bytes;
        // A block that takes more than half has the multiprocessor for itself alone: then tables
        // are better read through its cache.
        staged_ = table_bytes > 0 && rest + table_bytes <= most / 2;
        shared_bytes_ = rest + (staged_ ? table_bytes : 0);
        if (scratch_) {
            blocks_ = std::min({blocks, most_blocks_with_scratch,
                                runtime.free_memory() / scratch_share / slots / space_bytes});
            if (blocks_ == 0) {
                throw DeviceError("too little memory on the device: its kernel needs " +
                                  std::to_string((space_bytes * scratch_share * slots >> 20U) + 1) +
                                  " MiB");
            }
            for (auto& buffer : buffers_) {
                buffer = {runtime, blocks_ * space_bytes};
            }
        }
    }

    /// As many as a launch has at most.
    std::size_t blocks() const { return blocks_; }

    template <class Body>
    void launch(Body body, std::size_t items, std::size_t slot, typename Runtime::Stream& stream) {
        body.scratch = buffers_[slot].data();
        body.staged = staged_;
        runtime_.launch(body, std::min(items, blocks_), shared_bytes_, stream);
    }

  private:
    Runtime& runtime_;
    std::size_t blocks_;
    std::size_t shared_bytes_ = 0;
    bool scratch_ = false;
    bool staged_ = false;
    std::array<typename Runtime::template Buffer<std::byte>, slots> buffers_;
};

}  // namespace closedform::gpu
