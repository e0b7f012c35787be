#include "cuda/runtime/cuda_runtime.cuh"
#include "cuda/surrogate/tensor_surrogate_driver.hpp"

namespace closedform::cuda {

void derivatives(const TensorSurrogate& model, const DeviceRows& rows, double* value,
                 double* gradient, double* hessian) {
    if (model.outside() == Outside::error) {
        throw std::invalid_argument("tensor surrogate: a device does not look for rows outside");
    }
    rows.table.visit([&](const auto& x) {
        gpu::CudaRuntime runtime(rows.on_device ? x.data : nullptr);
        gpu::derivatives(runtime, model, x, rows.on_device, value, gradient, hessian);
    });
}

}  // namespace closedform::cuda
