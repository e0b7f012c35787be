#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "closedform/gpu/device.hpp"
#include "cuda/runtime/matrix_library.hpp"

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

namespace closedform {
namespace gpu {
namespace {

// As cuBLAS declares them (cublas_api.h); all return its status, 0 for success.
using Create = int (*)(void** handle);
using Property = int (*)(int type, int* value);
using SetStream = int (*)(void* handle, cudaStream_t stream);
using SetWorkspace = int (*)(void* handle, void* workspace, std::size_t bytes);
template <class Real>
using Multiply = int (*)(void* handle, int transpose_a, int transpose_b, int m, int n, int k,
                         const Real* alpha, const Real* a, int a_stride, const Real* b,
                         int b_stride, const Real* beta, Real* c, int c_stride);
constexpr int as_it_is = 0;  // CUBLAS_OP_N
constexpr int transposed = 1;

struct Library {
    Create create = nullptr;
    Property property = nullptr;
    SetStream set_stream = nullptr;
    SetWorkspace set_workspace = nullptr;
    Multiply<float> single_product = nullptr;
    Multiply<double> double_product = nullptr;

    bool complete() const {
        return create != nullptr && property != nullptr && set_stream != nullptr &&
               set_workspace != nullptr && single_product != nullptr && double_product != nullptr;
    }
};

std::mutex guard;                       // of what follows
std::vector<std::string> more_folders;  // NOLINT(cert-err58-cpp)

#if __has_include(<dlfcn.h>)

constexpr const char* names[] = {"libcublas.so.13", "libcublas.so.12"};

Library functions_of(void* library) {
    Library found;
    const auto find = [library](auto& function, const char* name) {
        function =
            reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    };
    find(found.create, "cublasCreate_v2");
    find(found.property, "cublasGetProperty");
    find(found.set_stream, "cublasSetStream_v2");
    find(found.set_workspace, "cublasSetWorkspace_v2");
    find(found.single_product, "cublasSgemm_v2");
    find(found.double_product, "cublasDgemm_v2");
    return found;
}

void* opened() {
    for (const char* name : names) {
        if (void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD)) {
            return library;
        }
    }
    std::vector<std::string> folders = more_folders;
    for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
        if (const char* toolkit = std::getenv(variable)) {
            folders.push_back(std::string(toolkit) + "/lib64");
        }
    }
    folders.emplace_back("/usr/local/cuda/lib64");
    for (const std::string& folder : folders) {
        for (const char* name : names) {
            const std::filesystem::path path = std::filesystem::path(folder) / name;
            std::error_code ignored;
            if (!std::filesystem::exists(path, ignored)) {
                continue;
            }
            if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
                return library;
            }
        }
    }
    for (const char* name : names) {
        if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
            return library;
        }
    }
    return nullptr;
}

#endif

/// Looked for once; it stays loaded.
const Library& library() {
    static const Library found = [] {
#if __has_include(<dlfcn.h>)
        const std::scoped_lock lock(guard);
        if (void* handle = opened()) {
            return functions_of(handle);
        }
#endif
        return Library();
    }();
    return found;
}

struct Idle {
    void* handle;
    int device;
};

/// Making a handle takes milliseconds: they are kept. Never destroyed, for at the process's end
/// CUDA may be gone before.
std::vector<Idle>& idle() {
    static auto* handles = new std::vector<Idle>;
    return *handles;
}

/// A row's neighbours are neighbours: to cuBLAS, whose columns' are, all matrices are transposed,
/// and out^T = b^T a^T.
template <class Real>
int call(const MatrixProduct<Real>& p, Multiply<Real> function, void* handle) {
    const Real one = 1;
    const Real zero = 0;
    const int columns = static_cast<int>(p.columns);
    const int inner = static_cast<int>(p.inner);
    return function(handle, p.transposed ? transposed : as_it_is, as_it_is, columns,
                    static_cast<int>(p.rows), inner, &one, p.b, p.transposed ? inner : columns, p.a,
                    inner, &zero, p.out, columns);
}

void check_library(int status) {
    if (status != 0) {
        throw DeviceError("cuBLAS's error " + std::to_string(status) + ", while multiplying");
    }
}

}  // namespace

MatrixHandle MatrixHandle::borrow() {
    MatrixHandle result;
    if (!library().complete() || cudaGetDevice(&result.device_) != cudaSuccess) {
        return result;
    }
    {
        const std::scoped_lock lock(guard);
        for (auto at = idle().begin(); at != idle().end(); ++at) {
            if (at->device == result.device_) {
                result.handle_ = at->handle;
                idle().erase(at);
                return result;
            }
        }
    }
    void* handle = nullptr;
    if (library().create(&handle) == 0) {
        result.handle_ = handle;
    }
    cudaGetLastError();  // an old driver's, say: then our own tiles do the work
    return result;
}

MatrixHandle::~MatrixHandle() {
    if (handle_ != nullptr) {
        const std::scoped_lock lock(guard);
        idle().push_back({handle_, device_});
    }
}

template <class Real>
void MatrixHandle::multiply(const MatrixProduct<Real>& product, void* workspace,
                            std::size_t workspace_bytes, cudaStream_t stream) const {
    check_library(library().set_stream(handle_, stream));  // which forgets the workspace
    check_library(library().set_workspace(handle_, workspace, workspace_bytes));
    if constexpr (std::is_same_v<Real, float>) {
        check_library(call(product, library().single_product, handle_));
    } else {
        check_library(call(product, library().double_product, handle_));
    }
}

template void MatrixHandle::multiply(const MatrixProduct<float>&, void*, std::size_t,
                                     cudaStream_t) const;
template void MatrixHandle::multiply(const MatrixProduct<double>&, void*, std::size_t,
                                     cudaStream_t) const;

}  // namespace gpu

namespace cuda {

void look_for_libraries_in(const std::vector<std::string>& folders) {
    const std::scoped_lock lock(gpu::guard);
    gpu::more_folders = folders;
}

std::string matrix_library() {
    const gpu::Library& library = gpu::library();
    int major = 0;
    int minor = 0;
    if (!library.complete() || library.property(0, &major) != 0 ||
        library.property(1, &minor) != 0) {
        return "";
    }
    return "cuBLAS " + std::to_string(major) + "." + std::to_string(minor);
}

}  // namespace cuda
}  // namespace closedform
