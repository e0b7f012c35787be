#pragma once

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

}  // namespace closedform::gpu
