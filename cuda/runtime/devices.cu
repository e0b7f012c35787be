#include <string>

#include "cuda/runtime/cuda_runtime.cuh"

namespace closedform {
namespace {

cuda::DeviceProblem problem_of(cudaError_t status, int count) {
    int driver = 0;  // 0: none is installed, which the runtime calls too old as well
    cudaDriverGetVersion(&driver);
    if (driver == 0) {
        return {"no NVIDIA driver is installed", false};
    }
    const std::string version = std::to_string(CUDART_VERSION / 1000);
    if (status == cudaErrorInsufficientDriver) {
        return {"the NVIDIA driver is older than CUDA " + version + "; update it", true};
    }
    if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
        return {"the NVIDIA driver shows no device; see CUDA_VISIBLE_DEVICES and nvidia-smi", true};
    }
    return {status == cudaSuccess ? "" : cudaGetErrorString(status), status != cudaSuccess};
}

}  // namespace

namespace gpu {

void check(cudaError_t status, const char* action) {
    if (status == cudaSuccess) {
        return;
    }
    cudaGetLastError();
    if (status == cudaErrorMemoryAllocation) {
        throw DeviceError(std::string("too little memory while ") + action +
                          ": free some, or give fewer rows at a time");
    }
    if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
        throw DeviceError(
            "this build holds no code for this device; build with its architecture in "
            "CLOSEDFORM_CUDA_ARCHITECTURES");
    }
    throw DeviceError(std::string(cudaGetErrorString(status)) + ", while " + action);
}

CudaRuntime::CudaRuntime(const void* memory) {
    const std::string why = cuda::problem().text;
    if (!why.empty()) {
        throw DeviceError(why);
    }
    check(cudaGetDevice(&previous_), "looking for the device");
    device_ = previous_;
    if (memory != nullptr) {
        cudaPointerAttributes attributes{};
        check(cudaPointerGetAttributes(&attributes, memory), "looking where the rows lie");
        if (attributes.type != cudaMemoryTypeDevice && attributes.type != cudaMemoryTypeManaged) {
            throw DeviceError("the rows said to lie on a device do not");
        }
        device_ = attributes.device;
    }
    make_current();
    int bytes = 0;
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device_),
          "looking for shared memory");
    shared_memory_ = static_cast<std::size_t>(bytes);
    check(cudaDeviceSynchronize(), "waiting for earlier work");
}

CudaRuntime::~CudaRuntime() { cudaSetDevice(previous_); }

void CudaRuntime::make_current() const { check(cudaSetDevice(device_), "choosing the device"); }

std::size_t CudaRuntime::free_memory() const {
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    return free + kept_memory();
}

}  // namespace gpu

namespace cuda {

std::vector<DeviceInfo> devices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        cudaGetLastError();
        count = 0;
    }
    std::vector<DeviceInfo> found;
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties{};
        gpu::check(cudaGetDeviceProperties(&properties, i), "looking at a device");
        const auto attribute = [i](cudaDeviceAttr which) {
            int value = 0;
            gpu::check(cudaDeviceGetAttribute(&value, which, i), "looking at a device");
            return value;
        };
        // Clocks are given in kHz; memory transfers twice a clock; the bus's width is in bits.
        found.push_back({properties.name, properties.major, properties.minor,
                         properties.totalGlobalMem, properties.multiProcessorCount,
                         1e3 * attribute(cudaDevAttrClockRate),
                         2e3 * attribute(cudaDevAttrMemoryClockRate) *
                             attribute(cudaDevAttrGlobalMemoryBusWidth) / 8});
    }
    return found;
}

DeviceProblem problem() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    cudaGetLastError();
    return problem_of(status, count);
}

}  // namespace cuda
}  // namespace closedform
