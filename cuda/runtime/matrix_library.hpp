#pragma once
// cuBLAS, where it is found at run time: nothing is linked with it, and without it our own tiles do
// the work. It is looked for among what the process has loaded already (by torch, CuPy or JAX),
// then in the folders of Python's packages, of the toolkit, and where the system's loader looks.

#include <cuda_runtime.h>

#include <string>
#include <utility>

#include "cuda/runtime/matrix_product.hpp"

namespace closedform::gpu {

/// One user of the library on the current device; several may be in use at the same time.
class MatrixHandle {
  public:
    MatrixHandle() = default;
    /// An empty one where there is no library that works here.
    static MatrixHandle borrow();
    MatrixHandle(MatrixHandle&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), device_(other.device_) {}
    MatrixHandle& operator=(MatrixHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        std::swap(device_, other.device_);
        return *this;
    }
    MatrixHandle(const MatrixHandle&) = delete;
    MatrixHandle& operator=(const MatrixHandle&) = delete;
    ~MatrixHandle();

    explicit operator bool() const { return handle_ != nullptr; }
    /// In the precision of Real itself: no TF32. With `workspace` of its own, the same numbers
    /// every time whatever other streams do.
    template <class Real>
    void multiply(const MatrixProduct<Real>& product, void* workspace, std::size_t workspace_bytes,
                  cudaStream_t stream) const;

  private:
    void* handle_ = nullptr;
    int device_ = 0;
};

}  // namespace closedform::gpu
