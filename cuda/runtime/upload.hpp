#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace closedform::gpu {

/// A copy of `values` in the device's memory, complete when the stream has been waited for.
template <class T, class Runtime>
typename Runtime::template Buffer<T> upload(Runtime& runtime, const std::vector<T>& values,
                                            typename Runtime::Stream& stream) {
    typename Runtime::template Buffer<T> buffer(runtime, values.size());
    runtime.copy(buffer.data(), values.data(), values.size(), stream);
    return buffer;
}

/// Memory, a runtime's Buffer or Pinned, that is used again and again: taking some of a device's
/// makes all of it wait.
template <class Memory>
class Room {
  public:
    /// At least `count` numbers, which nothing may be using still.
    template <class Runtime>
    auto take(Runtime& runtime, std::size_t count) {
        if (count > size_) {
            memory_ = {};  // first, so that both need not find room
            memory_ = {runtime, count};
            size_ = count;
        }
        return memory_.data();
    }

  private:
    Memory memory_;
    std::size_t size_ = 0;
};

}  // namespace closedform::gpu
