#include "cuda/runtime/cuda_runtime.cuh"
#include "cuda/structure/pair_scores_driver.hpp"
#include "structure/pair_totals.hpp"

namespace closedform::cuda {

PairTotals pair_totals(const TensorSurrogate& model, const DeviceRows& rows, double c) {
    return rows.table.visit([&](const auto& x) {
        gpu::CudaRuntime runtime(rows.on_device ? x.data : nullptr);
        return gpu::pair_totals(runtime, model, x, rows.on_device, c);
    });
}

}  // namespace closedform::cuda
