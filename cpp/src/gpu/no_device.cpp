// The CUDA functions of a library built without CUDA; cuda/ holds the others.

#include "closedform/gpu/device.hpp"

namespace closedform::cuda {
namespace {

constexpr const char* why =
    "this closedform was built without CUDA; build it where nvcc is installed";

}  // namespace

std::vector<DeviceInfo> devices() { return {}; }

DeviceProblem problem() { return {why, false}; }

void derivatives(const TensorSurrogate& /*model*/, const DeviceRows& /*rows*/, double* /*value*/,
                 double* /*gradient*/, double* /*hessian*/) {
    throw DeviceError(why);
}

std::unique_ptr<PairRowSums> pair_sums(const TensorSurrogate& /*model*/,
                                       const DeviceRows& /*rows*/) {
    throw DeviceError(why);
}

std::unique_ptr<MomentRowSums> moment_sums(const FitRows& /*rows*/) { throw DeviceError(why); }

std::string matrix_library() { return ""; }

void look_for_libraries_in(const std::vector<std::string>& /*folders*/) {}

void release_memory() {}

template <class T>
void evaluate(const Network<T>& /*network*/, const DeviceRows& /*rows*/, const Head& /*head*/,
              double* /*value*/, double* /*gradient*/, Products /*products*/) {
    throw DeviceError(why);
}

template void evaluate(const Network<float>&, const DeviceRows&, const Head&, double*, double*,
                       Products);
template void evaluate(const Network<double>&, const DeviceRows&, const Head&, double*, double*,
                       Products);

std::unique_ptr<LossRowSums> loss_sums(const Table& /*x*/, const Target& /*target*/) {
    throw DeviceError(why);
}

std::unique_ptr<EquationRowSums> equation_sums(MatrixView<const double> /*x*/,
                                               const Target& /*target*/) {
    throw DeviceError(why);
}

}  // namespace closedform::cuda
