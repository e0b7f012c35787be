#include <type_traits>

#include "cuda/runtime/cuda_runtime.cuh"
#include "cuda/surrogate/als_moments_driver.hpp"

namespace closedform::cuda {

std::unique_ptr<MomentRowSums> moment_sums(const FitRows& rows) {
    return rows.x.visit([&](const auto& x) -> std::unique_ptr<MomentRowSums> {
        using X = std::remove_cvref_t<decltype(x(0, 0))>;
        return std::make_unique<gpu::MomentRowsOn<X, gpu::CudaRuntime>>(rows, x);
    });
}

}  // namespace closedform::cuda
