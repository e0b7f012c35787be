#pragma once
// CUDA as the drivers use it: buffers and streams that free themselves, errors as DeviceError, and
// one way to start a kernel. host_runtime.hpp is the same for the host.

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

#include "cuda/runtime/cuda_block.cuh"
#include "gpu/device.hpp"

namespace closedform::gpu {

/// Throws DeviceError for anything but success, and takes the error off CUDA's own record.
void check(cudaError_t status, const char* action);

class CudaRuntime {
  public:
    /// On the current device, or the one that `memory` belongs to (null: none). Waits for the work
    /// that others have given this device, for it may write the rows that are read here.
    /// Throws DeviceError where there is no device.
    explicit CudaRuntime(const void* memory = nullptr);
    ~CudaRuntime();
    CudaRuntime(const CudaRuntime&) = delete;
    CudaRuntime& operator=(const CudaRuntime&) = delete;

    std::size_t free_memory() const;
    std::size_t shared_memory() const { return shared_memory_; }

    template <class T, cudaError_t (*Free)(void*)>
    class Memory {
      public:
        Memory() = default;
        Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
        Memory& operator=(Memory&& other) noexcept {
            std::swap(data_, other.data_);
            return *this;
        }
        Memory(const Memory&) = delete;
        Memory& operator=(const Memory&) = delete;
        ~Memory() { Free(data_); }  // an error here has been reported by the work before
        T* data() const { return static_cast<T*>(data_); }

      protected:
        void* data_ = nullptr;
    };

    template <class T>
    class Buffer : public Memory<T, cudaFree> {
      public:
        Buffer() = default;
        Buffer(CudaRuntime& /*runtime*/, std::size_t count) {
            if (count != 0) {
                check(cudaMalloc(&this->data_, count * sizeof(T)), "allocating device memory");
            }
        }
    };

    template <class T>
    class Pinned : public Memory<T, cudaFreeHost> {
      public:
        Pinned() = default;
        Pinned(CudaRuntime& /*runtime*/, std::size_t count) {
            if (count != 0) {
                check(cudaMallocHost(&this->data_, count * sizeof(T)), "allocating pinned memory");
            }
        }
    };

    class Stream {
      public:
        explicit Stream(CudaRuntime& /*runtime*/) {
            check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
        }
        Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;
        Stream& operator=(Stream&&) = delete;
        ~Stream() {
            if (stream_ != nullptr) {
                // What still runs reads buffers that die next.
                cudaStreamSynchronize(stream_);
                cudaStreamDestroy(stream_);
            }
        }
        void wait() const { check(cudaStreamSynchronize(stream_), "running on the device"); }
        cudaStream_t get() const { return stream_; }

      private:
        cudaStream_t stream_ = nullptr;
    };

    /// In either direction; CUDA knows whose memory is whose.
    template <class T>
    void copy(T* to, const T* from, std::size_t count, Stream& stream) {
        if (count == 0) {
            return;
        }
        check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDefault, stream.get()),
              "copying");
    }
    template <class T>
    void clear(T* to, std::size_t count, Stream& stream) {
        check(cudaMemsetAsync(to, 0, count * sizeof(T), stream.get()), "clearing memory");
    }

    template <class Body>
    void launch(const Body& body, std::size_t blocks, std::size_t shared_bytes, Stream& stream) {
        if (blocks == 0) {
            return;
        }
        const auto kernel = run_body<Body>;
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shared_bytes)),
              "asking for shared memory");
        kernel<<<static_cast<unsigned>(blocks), Body::threads, shared_bytes, stream.get()>>>(body);
        check(cudaGetLastError(), "starting a kernel");
    }

  private:
    int previous_ = 0;
    std::size_t shared_memory_ = 0;
};

}  // namespace closedform::gpu
