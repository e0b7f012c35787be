// What a GPU does at best, measured: the floor of every kernel. Compiled and called by
// gpu_machine.py. Each function gives 0 or CUDA's error, and writes the best of several runs.

#include <cuda_runtime.h>

#include <cstddef>

namespace {

constexpr int repeats = 7;
constexpr int chains = 8;  // of dependent multiply-adds a thread, so that none waits for another
constexpr int steps = 4096;

#define TRY(call)                     \
    do {                              \
        const cudaError_t e = (call); \
        if (e != cudaSuccess) {       \
            return e;                 \
        }                             \
    } while (false)

/// Seconds of the fastest of several runs of work(), which starts something on the default stream.
template <class Work>
cudaError_t best_of(const Work& work, double* seconds) {
    cudaEvent_t begin, end;
    TRY(cudaEventCreate(&begin));
    TRY(cudaEventCreate(&end));
    *seconds = 1e30;
    for (int run = 0; run < repeats; ++run) {
        TRY(cudaEventRecord(begin));
        TRY(work());
        TRY(cudaEventRecord(end));
        TRY(cudaEventSynchronize(end));
        float milliseconds = 0;
        TRY(cudaEventElapsedTime(&milliseconds, begin, end));
        if (1e-3 * milliseconds < *seconds) {
            *seconds = 1e-3 * milliseconds;
        }
    }
    TRY(cudaEventDestroy(begin));
    return cudaEventDestroy(end);
}

template <class Real>
__global__ void multiply_add(Real factor, Real* out) {
    Real sum[chains];
    for (int c = 0; c < chains; ++c) {
        sum[c] = static_cast<Real>(threadIdx.x + c);
    }
    for (int s = 0; s < steps; ++s) {
#pragma unroll
        for (int c = 0; c < chains; ++c) {
            sum[c] = sum[c] * factor + factor;
        }
    }
    Real all = 0;
    for (int c = 0; c < chains; ++c) {
        all += sum[c];
    }
    if (all == Real(-1)) {  // never, but the compiler does not know
        *out = all;
    }
}

template <class Real>
cudaError_t rate(double* operations) {
    int device = 0, processors = 0;
    TRY(cudaGetDevice(&device));
    TRY(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
    const int blocks = 32 * processors, threads = 256;
    Real* out = nullptr;
    TRY(cudaMalloc(&out, sizeof(Real)));
    double seconds = 0;
    TRY(best_of(
        [&] {
            multiply_add<Real><<<blocks, threads>>>(Real(0.999), out);
            return cudaGetLastError();
        },
        &seconds));
    *operations = 2.0 * blocks * threads * chains * steps / seconds;
    return cudaFree(out);
}

}  // namespace

extern "C" {

/// Bytes a second, read and written, of a copy within the device's memory.
int copy_rate(std::size_t bytes, double* rate) {
    void *from = nullptr, *to = nullptr;
    TRY(cudaMalloc(&from, bytes));
    TRY(cudaMalloc(&to, bytes));
    TRY(cudaMemset(from, 1, bytes));
    double seconds = 0;
    TRY(best_of([&] { return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice); },
                &seconds));
    *rate = 2.0 * bytes / seconds;
    TRY(cudaFree(from));
    return cudaFree(to);
}

/// Bytes a second between pinned memory of the host and the device.
int link_rate(std::size_t bytes, int to_device, double* rate) {
    void *here = nullptr, *there = nullptr;
    TRY(cudaMallocHost(&here, bytes));
    TRY(cudaMalloc(&there, bytes));
    TRY(cudaMemset(there, 1, bytes));
    double seconds = 0;
    TRY(best_of(
        [&] {
            return cudaMemcpyAsync(to_device ? there : here, to_device ? here : there, bytes,
                                   cudaMemcpyDefault);
        },
        &seconds));
    *rate = bytes / seconds;
    TRY(cudaFreeHost(here));
    return cudaFree(there);
}

/// Operations a second of multiply-adds on registers, two each.
int arithmetic_rate(int wide, double* operations) {
    return wide ? rate<double>(operations) : rate<float>(operations);
}

/// A copy of memory of the host's on the device.
int put(const void* from, std::size_t bytes, void** to) {
    TRY(cudaMalloc(to, bytes));
    return cudaMemcpy(*to, from, bytes, cudaMemcpyHostToDevice);
}

int drop(void* there) { return cudaFree(there); }

}  // extern "C"
