#pragma once
// What cuda_runtime.cuh does on a GPU, done on the host: the drivers are templates over the two, so
// that tests run all of them but the calls of CUDA itself.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "closedform/gpu/device.hpp"
#include "cuda/runtime/block.hpp"
#include "cuda/runtime/matrix_product.hpp"

namespace closedform::gpu {

class HostRuntime {
  public:
    /// Limits in bytes, as a device would have them. has_products: whether there is a library of
    /// matrix products.
    HostRuntime(std::size_t memory, std::size_t shared_memory, bool has_products = false)
        : free_(memory), shared_memory_(shared_memory), has_products_(has_products) {}

    void make_current() const {}
    std::size_t free_memory() const { return free_; }
    std::size_t shared_memory() const { return shared_memory_; }
    std::size_t launches() const { return launches_; }

    template <class T>
    class Buffer {
      public:
        Buffer() = default;
        Buffer(HostRuntime& runtime, std::size_t count)
            : runtime_(&runtime), bytes_(count * sizeof(T)), values_(new T[count]) {
            if (bytes_ > runtime.free_) {
                throw DeviceError("out of device memory");
            }
            runtime.free_ -= bytes_;
        }
        Buffer(Buffer&& other) noexcept { *this = std::move(other); }
        Buffer& operator=(Buffer&& other) noexcept {
            std::swap(runtime_, other.runtime_);
            std::swap(bytes_, other.bytes_);
            std::swap(values_, other.values_);
            return *this;
        }
        Buffer(const Buffer&) = delete;
        Buffer& operator=(const Buffer&) = delete;
        ~Buffer() {
            if (runtime_ != nullptr) {
                runtime_->free_ += bytes_;
            }
        }
        T* data() const { return values_.get(); }

      private:
        HostRuntime* runtime_ = nullptr;
        std::size_t bytes_ = 0;
        std::unique_ptr<T[]> values_;
    };

    template <class T>
    class Pinned {
      public:
        Pinned() = default;
        Pinned(HostRuntime& /*runtime*/, std::size_t count) : values_(new T[count]) {}
        T* data() const { return values_.get(); }

      private:
        std::unique_ptr<T[]> values_;
    };

    class Stream {
      public:
        explicit Stream(HostRuntime& /*runtime*/) {}
        void wait() const {}
    };

    class Products {
      public:
        Products() = default;
        explicit Products(HostRuntime& runtime)
            : runtime_(runtime.has_products_ ? &runtime : nullptr) {}
        bool found() const { return runtime_ != nullptr; }
        template <class Real>
        void multiply(const MatrixProduct<Real>& p, Stream& /*stream*/) const {
            ++runtime_->launches_;
            for (std::size_t i = 0; i < p.rows; ++i) {
                for (std::size_t j = 0; j < p.columns; ++j) {
                    Real sum = 0;
                    for (std::size_t k = 0; k < p.inner; ++k) {
                        sum += p.a[i * p.inner + k] *
                               p.b[p.transposed ? j * p.inner + k : k * p.columns + j];
                    }
                    p.out[i * p.columns + j] = sum;
                }
            }
        }

      private:
        HostRuntime* runtime_ = nullptr;
    };

    template <class T>
    void copy(T* to, const T* from, std::size_t count, Stream& /*stream*/) {
        std::memcpy(to, from, count * sizeof(T));
    }
    template <class T>
    void clear(T* to, std::size_t count, Stream& /*stream*/) {
        std::memset(to, 0, count * sizeof(T));
    }

    template <class Body>
    void launch(const Body& body, std::size_t blocks, std::size_t shared_bytes,
                Stream& /*stream*/) {
        if (shared_bytes > shared_memory_) {
            throw DeviceError("too much shared memory asked for");
        }
        ++launches_;
        std::vector<std::byte> shared(shared_bytes);
        for (std::size_t index = 0; index < blocks; ++index) {
            HostBlock block(index, blocks, Body::threads, shared.data());
            body(block);
        }
    }

  private:
    std::size_t free_;
    std::size_t shared_memory_;
    bool has_products_;
    std::size_t launches_ = 0;
};

}  // namespace closedform::gpu
