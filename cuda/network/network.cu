#include "cuda/network/network_driver.hpp"
#include "cuda/runtime/cuda_runtime.cuh"

namespace closedform::cuda {

template <class T>
void evaluate(const Network<T>& network, const DeviceRows& rows, const Head& head, double* value,
              double* gradient, Products products) {
    rows.table.visit([&](const auto& x) {
        gpu::CudaRuntime runtime(rows.on_device ? x.data : nullptr);
        gpu::HeadOnDevice<T, gpu::CudaRuntime>(runtime, network, head, products)
            .evaluate(x, rows.on_device, value, gradient);
    });
}

template void evaluate(const Network<float>&, const DeviceRows&, const Head&, double*, double*,
                       Products);
template void evaluate(const Network<double>&, const DeviceRows&, const Head&, double*, double*,
                       Products);

}  // namespace closedform::cuda
