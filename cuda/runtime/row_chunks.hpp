#pragma once
// Rows through a device, a chunk at a time: while one chunk is worked on, the next is on its way
// there and the one before on its way back. Rows that lie on the device already stay where they
// are.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "closedform/core/matrix_view.hpp"
#include "closedform/gpu/device.hpp"
#include "cuda/runtime/team.hpp"

namespace closedform::gpu {

inline constexpr std::size_t slots = 2;  ///< chunks in flight

/// Numbers wanted of every row, and where they go on the host.
struct Output {
    double* to;
    std::size_t width;
};

/// Bytes of a chunk that go over the link: large enough that starting work on it (some 20 us) costs
/// little beside the transfer, small enough that the first and the last, whose transfers nothing
/// hides, do not count. More where fewer than `filling_rows` would leave multiprocessors idle (of
/// an H100 they take 67,584 threads of a kernel with 8 blocks of 64), as long as memory for it can
/// be kept pinned.
inline constexpr std::size_t chunk_bytes = std::size_t{8} << 20U;
inline constexpr std::size_t most_chunk_bytes = std::size_t{64} << 20U;
inline constexpr std::size_t filling_rows = std::size_t{1} << 16U;
/// Bytes of a chunk that stay on the device, as results between two kernels: enough rows to fill
/// it.
inline constexpr std::size_t kept_bytes = std::size_t{256} << 20U;

/// What a row takes on the device.
struct RowBytes {
    std::size_t moved = 0;  ///< to or from it
    std::size_t kept = 0;
};

/// Rows a chunk may have. Throws DeviceError where not even `least` rows find room.
inline std::size_t chunk_rows(std::size_t rows, const RowBytes& bytes, std::size_t free_memory,
                              std::size_t least) {
    const std::size_t row_bytes = std::max<std::size_t>(bytes.moved + bytes.kept, 1);
    const std::size_t room = free_memory / 10 * 8 / slots;  // the rest: other users, fragments
    const std::size_t fits = room / row_bytes;
    if (fits < std::min(least, rows)) {
        throw DeviceError("too little memory on the device: " + std::to_string(free_memory >> 20U) +
                          " MiB are free, " +
                          std::to_string((least * row_bytes * slots * 10 / 8 >> 20U) + 1) +
                          " MiB are needed");
    }
    const std::size_t moved = std::max<std::size_t>(bytes.moved, 1);
    const std::size_t linked =
        std::clamp(filling_rows, chunk_bytes / moved, most_chunk_bytes / moved);
    const std::size_t wanted = std::min(linked, kept_bytes / std::max<std::size_t>(bytes.kept, 1));
    return std::min({fits, std::max(wanted, least), rows});
}

/// Bytes of a piece of one thread: each has several to copy in a chunk.
inline constexpr std::size_t piece_bytes = std::size_t{256} << 10U;

/// to = from, another type perhaps.
template <class T>
void convert(Team& team, const T* from, std::size_t count, double* to) {
    team.in_pieces(count, piece_bytes / sizeof(double), [&](std::size_t first, std::size_t end) {
        std::copy(from + first, from + end, to + first);
    });
}

/// Rows of x, one after the other.
template <class X>
void gather(Team& team, MatrixView<const X> x, std::size_t from, std::size_t count, X* to) {
    const std::size_t piece =
        std::max<std::size_t>(piece_bytes / (sizeof(X) * std::max<std::size_t>(x.columns, 1)), 1);
    team.in_pieces(count, piece, [&](std::size_t first, std::size_t end) {
        if (x.row_stride == x.columns) {
            std::copy(x.row(from + first), x.row(from + end), to + first * x.columns);
            return;
        }
        for (std::size_t i = first; i < end; ++i) {
            std::copy(x.row(from + i), x.row(from + i) + x.columns, to + i * x.columns);
        }
    });
}

/// Calls work(slot, stream, rows on the device, how many, outputs on the device) for every chunk
/// of x and brings the outputs, of type Y on the device, to the host. `extra_bytes`: what work
/// itself keeps on the device for a row. prepare(rows of a chunk) is called once before.
template <class Y, class Runtime, class X, class Prepare, class Work>
void map_rows(Runtime& runtime, MatrixView<const X> x, bool on_device,
              std::span<const Output> outputs, std::size_t extra_bytes, const Prepare& prepare,
              const Work& work) {
    if (x.rows == 0) {
        return;
    }
    struct Slot {
        typename Runtime::template Pinned<X> pinned_in;
        typename Runtime::template Buffer<X> in;
        std::vector<typename Runtime::template Buffer<Y>> out;
        std::vector<typename Runtime::template Pinned<Y>> pinned_out;
        std::size_t first = 0;
        std::size_t count = 0;
        // Last, so that it dies first: a stream ends its work before the buffers go.
        std::optional<typename Runtime::Stream> stream;
    };
    RowBytes bytes = {on_device ? 0 : x.columns * sizeof(X), extra_bytes};
    for (const Output& output : outputs) {
        bytes.moved += output.width * sizeof(Y);
    }
    constexpr std::size_t least_rows = 256;
    const std::size_t chunk = chunk_rows(x.rows, bytes, runtime.free_memory(), least_rows);
    prepare(chunk);
    std::array<Slot, slots> slot;
    const std::size_t chunks = (x.rows + chunk - 1) / chunk;
    for (std::size_t s = 0; s < std::min(slots, chunks); ++s) {
        if (!on_device) {
            slot[s].pinned_in = {runtime, chunk * x.columns};
            slot[s].in = {runtime, chunk * x.columns};
        }
        for (const Output& output : outputs) {
            slot[s].out.emplace_back(runtime, chunk * output.width);
            slot[s].pinned_out.emplace_back(runtime, chunk * output.width);
        }
        slot[s].stream.emplace(runtime);
    }
    Team team;  // one core's copying is slower than the link
    const auto unload = [&](Slot& s) {
        s.stream->wait();
        for (std::size_t o = 0; o < outputs.size(); ++o) {
            const std::size_t width = outputs[o].width;
            convert(team, s.pinned_out[o].data(), s.count * width, outputs[o].to + s.first * width);
        }
        s.count = 0;
    };
    for (std::size_t c = 0; c < chunks; ++c) {
        Slot& s = slot[c % slots];
        if (s.count != 0) {
            unload(s);
        }
        s.first = c * chunk;
        s.count = std::min(chunk, x.rows - s.first);
        const X* rows = x.row(s.first);
        if (!on_device) {
            gather(team, x, s.first, s.count, s.pinned_in.data());
            runtime.copy(s.in.data(), s.pinned_in.data(), s.count * x.columns, *s.stream);
            rows = s.in.data();
        }
        std::vector<Y*> out;
        for (const auto& buffer : s.out) {
            out.push_back(buffer.data());
        }
        work(c % slots, *s.stream, rows, s.count, out.data());
        for (std::size_t o = 0; o < outputs.size(); ++o) {
            runtime.copy(s.pinned_out[o].data(), s.out[o].data(), s.count * outputs[o].width,
                         *s.stream);
        }
    }
    for (std::size_t c = chunks; c < chunks + slots; ++c) {  // in the order they were started
        if (slot[c % slots].count != 0) {
            unload(slot[c % slots]);
        }
    }
}

}  // namespace closedform::gpu
