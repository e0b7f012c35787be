#pragma once

#include <cstddef>

#include "cuda/runtime/block.hpp"

namespace closedform::gpu {

/// total[i] = the sum over parts of parts[p][i]: `count` numbers, read once. Of one number eight
/// threads add every eighth part, so that many reads are under way where there are few numbers;
/// then the eight are added in order.
template <class Real>
struct SumParts {
    static constexpr unsigned threads = 256;
    static constexpr unsigned resident = 4;
    static constexpr unsigned side_by_side = 32;
    static constexpr unsigned slices = threads / side_by_side;
    static constexpr std::size_t shared_bytes = threads * sizeof(double);
    const Real* parts;
    std::size_t part_count;
    std::size_t count;
    double* total;

    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const {
        return (count + side_by_side - 1) / side_by_side;
    }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        double* sums = reinterpret_cast<double*>(block.shared());
        for (std::size_t at = block.index(); at < blocks(); at += block.count()) {
            const std::size_t first = at * side_by_side;
            block.run([&](unsigned thread) {
                const std::size_t i = first + thread % side_by_side;
                double sum = 0;
                for (std::size_t p = thread / side_by_side; i < count && p < part_count;
                     p += slices) {
                    sum += static_cast<double>(parts[p * count + i]);
                }
                sums[thread] = sum;
            });
            block.run([&](unsigned thread) {
                if (thread < side_by_side && first + thread < count) {
                    double sum = sums[thread];
                    for (unsigned s = 1; s < slices; ++s) {
                        sum += sums[s * side_by_side + thread];
                    }
                    total[first + thread] = sum;
                }
            });
        }
    }
};

}  // namespace closedform::gpu
