#include "cuda/objective/equations_driver.hpp"
#include "cuda/runtime/cuda_runtime.cuh"

namespace closedform::cuda {

std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const double> x, const Target& target) {
    return std::make_unique<gpu::EquationScorer<double, gpu::CudaRuntime>>(x, target.arrays(),
                                                                           gpu::tape_part_rows);
}

}  // namespace closedform::cuda
