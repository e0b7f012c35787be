#pragma once
// Arrays that go to a device together: a copy costs some 5 us however little it brings, and one
// from memory that is not pinned waits for the stream before it begins.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace closedform::gpu {

template <class Runtime>
class Bundle {
  public:
    /// Where the array will lie, for `at`; empties what was sent before when it is the first.
    template <class T>
    std::size_t add(Runtime& runtime, std::span<const T> values) {
        size_ = sent_ ? 0 : size_;
        sent_ = false;
        const std::size_t place = (size_ + alignment - 1) / alignment * alignment;
        const std::size_t end = place + values.size_bytes();
        if (end > room_) {
            const std::size_t room = std::max(end, 2 * room_);
            typename Runtime::template Pinned<std::byte> larger(runtime, room);
            if (size_ > 0) {
                std::memcpy(larger.data(), here_.data(), size_);
            }
            here_ = std::move(larger);
            room_ = room;
        }
        if (!values.empty()) {
            std::memcpy(here_.data() + place, values.data(), values.size_bytes());
        }
        size_ = end;
        return place;
    }

    /// Starts the copy; until it is complete nothing may be added.
    void send(Runtime& runtime, typename Runtime::Stream& stream) {
        if (room_ > room_there_) {
            there_ = {};  // first, so that both need not find room
            there_ = {runtime, room_};
            room_there_ = room_;
        }
        runtime.copy(there_.data(), here_.data(), size_, stream);
        sent_ = true;
    }

    /// An array on the device, once it is sent.
    template <class T>
    const T* at(std::size_t place) const {
        return reinterpret_cast<const T*>(there_.data() + place);
    }

  private:
    static constexpr std::size_t alignment = 16;
    typename Runtime::template Pinned<std::byte> here_;
    typename Runtime::template Buffer<std::byte> there_;
    std::size_t room_ = 0;
    std::size_t room_there_ = 0;
    std::size_t size_ = 0;
    bool sent_ = false;
};

}  // namespace closedform::gpu
