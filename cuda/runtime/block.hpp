#pragma once
// How a kernel is written here: as the program of one block of threads, in phases. Within a phase
// every thread works alone; between two phases all wait for one another. So a block runs on the
// host as loops over its threads, one loop a phase, and on a GPU as threads with barriers
// (cuda_block.cuh): the same body, tested on the one, used on the other.
//
//   struct Body {
//       static constexpr unsigned threads = ...;   // a power of two
//       static constexpr unsigned resident = ...;  // blocks that a multiprocessor is to hold: more
//                                                  // of them hide more waiting, but have fewer
//                                                  // registers each
//       template <class Block> void operator()(Block& block) const;
//   };
//
// A block has:
//   index(), count()       which block of how many
//   run(phase)             calls phase(thread) for every thread, then all wait
//   shared()               memory of the block; its size was said at the launch
//   PerThread<T> name(block)  one T a thread, name[thread], which lives from phase to phase
//   increment(counter)     adds one to a counter that other blocks increment too

#include <cstddef>
#include <vector>

#include "kernels/host_device.hpp"

/// Before a loop over an array of a thread, which stays in registers only if every index is known.
#if defined(__CUDA_ARCH__)
#define CLOSEDFORM_UNROLL _Pragma("unroll")
#else
#define CLOSEDFORM_UNROLL
#endif

namespace closedform::gpu {

class HostBlock {
  public:
    HostBlock(std::size_t index, std::size_t count, unsigned threads, std::byte* shared)
        : index_(index), count_(count), threads_(threads), shared_(shared) {}

    std::size_t index() const { return index_; }
    std::size_t count() const { return count_; }
    std::byte* shared() const { return shared_; }

    template <class Phase>
    void run(const Phase& phase) {
        for (unsigned thread = 0; thread < threads_; ++thread) {
            phase(thread);
        }
    }

    template <class T>
    class PerThread {
      public:
        explicit PerThread(const HostBlock& block) : values_(block.threads_) {}
        T& operator[](unsigned thread) { return values_[thread]; }

      private:
        std::vector<T> values_;
    };

    static void increment(unsigned* counter) { ++*counter; }

  private:
    std::size_t index_;
    std::size_t count_;
    unsigned threads_;
    std::byte* shared_;
};

/// The space of a body that has space_bytes() and scratch: shared memory, or where that is too
/// small (scratch is not null) the block's part of the scratch.
template <class Block, class Body>
CLOSEDFORM_HOST_DEVICE std::byte* space_of(const Block& block, const Body& body) {
    return body.scratch == nullptr ? block.shared()
                                   : body.scratch + block.index() * body.space_bytes();
}

/// The block reduction: every one of `count` columns of `Threads` numbers, column k at
/// columns + k * stride, is summed into its first number, pairwise, so that rounding grows with the
/// logarithm of Threads and host and GPU add in the same order.
template <unsigned Threads, class Block, class Real>
CLOSEDFORM_HOST_DEVICE void sum_columns(Block& block, Real* columns, std::size_t count,
                                        std::size_t stride) {
    static_assert((Threads & (Threads - 1)) == 0, "pairs need a power of two");
    for (unsigned half = Threads / 2; half > 0; half /= 2) {
        block.run([&](unsigned thread) {
            for (std::size_t item = thread; item < count * half; item += Threads) {
                Real* column = columns + item / half * stride + item % half;
                column[0] += column[half];
            }
        });
    }
}

}  // namespace closedform::gpu
