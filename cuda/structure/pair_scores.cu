#include <type_traits>

#include "cuda/runtime/cuda_runtime.cuh"
#include "cuda/structure/pair_scores_driver.hpp"

namespace closedform::cuda {

std::unique_ptr<PairRowSums> pair_sums(const TensorSurrogate& model, const DeviceRows& rows) {
    return rows.table.visit([&](const auto& x) -> std::unique_ptr<PairRowSums> {
        using X = std::remove_cvref_t<decltype(x(0, 0))>;
        return std::make_unique<gpu::PairRowsOn<X, gpu::CudaRuntime>>(
            model, x, rows.on_device, rows.on_device ? x.data : nullptr);
    });
}

}  // namespace closedform::cuda
