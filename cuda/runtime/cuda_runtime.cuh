#pragma once
// CUDA as the drivers use it: buffers and streams that free themselves, errors as DeviceError, and
// one way to start a kernel. host_runtime.hpp is the same for the host. Memory and streams outlive
// their users (kept_blocks.hpp): the next call takes them over.

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

#include "closedform/gpu/device.hpp"
#include "cuda/runtime/cuda_block.cuh"
#include "cuda/runtime/kept_blocks.hpp"
#include "cuda/runtime/matrix_library.hpp"

namespace closedform::gpu {

/// Throws DeviceError for anything but success, and takes the error off CUDA's own record.
void check(cudaError_t status, const char* action);

/// Where memory comes from and goes to. What is given back must not be in use any more.
enum class MemoryKind { device, pinned };
KeptBlocks::Block take_memory(MemoryKind kind, std::size_t bytes);
void give_memory(MemoryKind kind, const KeptBlocks::Block& block);
/// Bytes of the current device that are kept for the next.
std::size_t kept_memory();
/// Of the current device.
cudaStream_t take_stream();
void give_stream(cudaStream_t stream);

class CudaRuntime {
  public:
    /// On the current device, or the one that `memory` belongs to (null: none). Waits for the work
    /// that others have given this device, for it may write the rows that are read here.
    /// Throws DeviceError where there is no device.
    explicit CudaRuntime(const void* memory = nullptr);
    ~CudaRuntime();
    CudaRuntime(const CudaRuntime&) = delete;
    CudaRuntime& operator=(const CudaRuntime&) = delete;

    /// For the calling thread, where it is not the one that made this.
    void make_current() const;
    std::size_t free_memory() const;
    std::size_t shared_memory() const { return shared_memory_; }

    template <class T, MemoryKind kind>
    class Memory {
      public:
        Memory() = default;
        Memory(CudaRuntime& /*runtime*/, std::size_t count) {
            if (count != 0) {
                block_ = take_memory(kind, count * sizeof(T));
            }
        }
        Memory(Memory&& other) noexcept : block_(std::exchange(other.block_, {})) {}
        Memory& operator=(Memory&& other) noexcept {
            std::swap(block_, other.block_);
            return *this;
        }
        Memory(const Memory&) = delete;
        Memory& operator=(const Memory&) = delete;
        ~Memory() { give_memory(kind, block_); }
        T* data() const { return static_cast<T*>(block_.address); }

      private:
        KeptBlocks::Block block_;
    };
    template <class T>
    using Buffer = Memory<T, MemoryKind::device>;
    template <class T>
    using Pinned = Memory<T, MemoryKind::pinned>;

    class Stream {
      public:
        explicit Stream(CudaRuntime& /*runtime*/) : stream_(take_stream()) {}
        Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;
        Stream& operator=(Stream&&) = delete;
        ~Stream() {
            if (stream_ != nullptr) {
                // What still runs reads buffers that die next.
                cudaStreamSynchronize(stream_);
                give_stream(stream_);
            }
        }
        void wait() const { check(cudaStreamSynchronize(stream_), "running on the device"); }
        cudaStream_t get() const { return stream_; }

      private:
        cudaStream_t stream_ = nullptr;
    };

    /// A library's products of matrices, for one stream at a time.
    class Products {
      public:
        Products() = default;
        explicit Products(CudaRuntime& runtime) : handle_(MatrixHandle::borrow()) {
            if (handle_) {
                workspace_ = {runtime, workspace_bytes};
            }
        }
        /// Whether there is a library.
        bool found() const { return static_cast<bool>(handle_); }
        template <class Real>
        void multiply(const MatrixProduct<Real>& product, Stream& stream) const {
            handle_.multiply(product, workspace_.data(), workspace_bytes, stream.get());
        }

      private:
        /// What cuBLAS's manual says that it uses on the largest GPUs.
        static constexpr std::size_t workspace_bytes = std::size_t{32} << 20U;
        MatrixHandle handle_;
        Buffer<std::byte> workspace_;
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
        // All there is, for the limit is that of all threads, which start it with other sizes.
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shared_memory_)),
              "asking for shared memory");
        kernel<<<static_cast<unsigned>(blocks), Body::threads, shared_bytes, stream.get()>>>(body);
        check(cudaGetLastError(), "starting a kernel");
    }

  private:
    int previous_ = 0;
    int device_ = 0;
    std::size_t shared_memory_ = 0;
};

}  // namespace closedform::gpu
