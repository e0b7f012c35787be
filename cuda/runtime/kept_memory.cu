#include <algorithm>
#include <exception>
#include <mutex>
#include <vector>

#include "cuda/runtime/cuda_runtime.cuh"

namespace closedform {
namespace gpu {
namespace {

// Enough for two chunks of a network's layers and their gradients, and for the pinned memory of two
// chunks of Hessians.
constexpr std::size_t most_device_bytes = std::size_t{768} << 20U;
constexpr std::size_t most_pinned_bytes = std::size_t{256} << 20U;

// Never destroyed: at the process's end CUDA may be gone before, and takes all of it with it.
KeptBlocks& kept(MemoryKind kind) {
    static auto* device = new KeptBlocks(most_device_bytes);
    static auto* pinned = new KeptBlocks(most_pinned_bytes);
    return kind == MemoryKind::device ? *device : *pinned;
}

struct IdleStream {
    cudaStream_t stream;
    int device;
};
struct IdleStreams {
    std::mutex guard;
    std::vector<IdleStream> streams;
};
IdleStreams& idle() {
    static auto* streams = new IdleStreams;
    return *streams;
}

int current_device() {
    int device = 0;
    check(cudaGetDevice(&device), "looking for the device");
    return device;
}

// An error here has been reported by the work before.
void release(MemoryKind kind, const KeptBlocks::Block& block) {
    if (kind == MemoryKind::device) {
        cudaFree(block.address);
    } else {
        cudaFreeHost(block.address);
    }
}

void release_all() {
    for (const MemoryKind kind : {MemoryKind::device, MemoryKind::pinned}) {
        for (const KeptBlocks::Block& block : kept(kind).clear()) {
            release(kind, block);
        }
    }
}

cudaError_t ask(MemoryKind kind, KeptBlocks::Block& block) {
    return kind == MemoryKind::device ? cudaMalloc(&block.address, block.bytes)
                                      : cudaMallocHost(&block.address, block.bytes);
}

}  // namespace

KeptBlocks::Block take_memory(MemoryKind kind, std::size_t bytes) {
    KeptBlocks::Block block{nullptr, KeptBlocks::rounded(bytes), current_device()};
    const KeptBlocks::Block found = kept(kind).take(block.device, block.bytes);
    if (found.address != nullptr) {
        return found;
    }
    cudaError_t status = ask(kind, block);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        release_all();
        status = ask(kind, block);
    }
    check(status,
          kind == MemoryKind::device ? "allocating device memory" : "allocating pinned memory");
    return block;
}

void give_memory(MemoryKind kind, const KeptBlocks::Block& block) {
    if (block.address == nullptr) {
        return;
    }
    if (std::uncaught_exceptions() != 0) {
        release(kind, block);  // which waits for what may still be using it
        return;
    }
    for (const KeptBlocks::Block& dropped : kept(kind).give(block)) {
        release(kind, dropped);
    }
}

std::size_t kept_memory() { return kept(MemoryKind::device).bytes(current_device()); }

cudaStream_t take_stream() {
    const int device = current_device();
    {
        const std::scoped_lock lock(idle().guard);
        auto& streams = idle().streams;
        const auto found = std::find_if(streams.begin(), streams.end(),
                                        [device](const auto& s) { return s.device == device; });
        if (found != streams.end()) {
            cudaStream_t stream = found->stream;
            streams.erase(found);
            return stream;
        }
    }
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
    return stream;
}

void give_stream(cudaStream_t stream) {
    int device = 0;
    if (std::uncaught_exceptions() != 0 || cudaGetDevice(&device) != cudaSuccess) {
        cudaStreamDestroy(stream);
        return;
    }
    const std::scoped_lock lock(idle().guard);
    idle().streams.push_back({stream, device});
}

}  // namespace gpu

namespace cuda {

void release_memory() { gpu::release_all(); }

}  // namespace cuda
}  // namespace closedform
