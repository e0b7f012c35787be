#pragma once
// A block of threads on a GPU; see block.hpp. All kernels of the library are this one: a body, run.

#include <cstddef>

#include "cuda/runtime/block.hpp"

namespace closedform::gpu {

class CudaBlock {
  public:
    __device__ explicit CudaBlock(std::byte* shared) : shared_(shared) {}

    __device__ __forceinline__ std::size_t index() const { return blockIdx.x; }
    __device__ __forceinline__ std::size_t count() const { return gridDim.x; }
    __device__ __forceinline__ std::byte* shared() const { return shared_; }

    template <class Phase>
    __device__ __forceinline__ void run(const Phase& phase) {
        phase(threadIdx.x);
        __syncthreads();
    }

    /// In registers.
    template <class T>
    class PerThread {
      public:
        __device__ explicit PerThread(const CudaBlock& /*block*/) {}
        __device__ __forceinline__ T& operator[](unsigned /*thread*/) { return value_; }

      private:
        T value_{};
    };

    __device__ __forceinline__ static void increment(unsigned* counter) { atomicAdd(counter, 1U); }

  private:
    std::byte* shared_;
};

template <class Body>
__global__ void __launch_bounds__(Body::threads, Body::resident)
    run_body(const __grid_constant__ Body body) {
    extern __shared__ __align__(16) std::byte shared[];
    CudaBlock block(shared);
    body(block);
}

}  // namespace closedform::gpu
