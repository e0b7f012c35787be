#include "cuda_runtime.cuh"
#include "drivers/moments.hpp"

namespace closedform::cuda {

std::unique_ptr<MomentRows> moments_of(const FitRows& rows) {
    return std::make_unique<gpu::MomentRowsOn<gpu::CudaRuntime>>(rows);
}

}  // namespace closedform::cuda
