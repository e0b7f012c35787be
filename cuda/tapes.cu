#include <variant>

#include "cuda_runtime.cuh"
#include "drivers/tapes.hpp"

namespace closedform::cuda {

struct BatchObjective::Scorer {
    template <class Real>
    using Of = gpu::TapeScorer<Real, gpu::CudaRuntime>;

    Scorer(const DeviceRows& x, const BatchTargets& targets)
        : runtime(x.table.visit(
              [&](const auto& view) -> const void* { return x.on_device ? view.data : nullptr; })) {
        x.table.visit([&](const auto& view) { make(view, x.on_device, targets); });
    }
    template <class Real>
    void make(MatrixView<const Real> view, bool on_device, const BatchTargets& targets) {
        scorer.emplace<std::unique_ptr<Of<Real>>>(
            std::make_unique<Of<Real>>(runtime, view, on_device, targets));
    }

    gpu::CudaRuntime runtime;
    std::variant<std::unique_ptr<Of<double>>, std::unique_ptr<Of<float>>> scorer;
};

BatchObjective::BatchObjective(const DeviceRows& x, const BatchTargets& targets)
    : scorer_(std::make_unique<Scorer>(x, targets)) {}

BatchObjective::~BatchObjective() = default;

std::vector<LossSums> BatchObjective::sums(std::span<const Tape> tapes) {
    return std::visit([&](auto& scorer) { return scorer->sums(tapes); }, scorer_->scorer);
}

}  // namespace closedform::cuda
