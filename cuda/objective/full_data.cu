#include <type_traits>

#include "cuda/objective/full_data_driver.hpp"
#include "cuda/runtime/cuda_runtime.cuh"

namespace closedform::cuda {

std::unique_ptr<LossRowSums> loss_sums(const Table& x, const Target& target) {
    return x.visit([&](const auto& view) -> std::unique_ptr<LossRowSums> {
        using X = std::remove_cvref_t<decltype(view(0, 0))>;
        return std::make_unique<gpu::TapeScorer<X, gpu::CudaRuntime>>(view, target.arrays(),
                                                                      gpu::tape_part_rows);
    });
}

}  // namespace closedform::cuda
