#pragma once

#include <cstddef>

#include "cuda/runtime/block.hpp"

namespace closedform::gpu {

/// total[i] = the sum over parts of parts[p][i], in order: `count` numbers, read once.
template <class Real>
struct SumParts {
    static constexpr unsigned threads = 256;
    static constexpr unsigned resident = 4;
    const Real* parts;
    std::size_t part_count;
    std::size_t count;
    double* total;

    CLOSEDFORM_HOST_DEVICE std::size_t blocks() const { return (count + threads - 1) / threads; }
    template <class Block>
    CLOSEDFORM_HOST_DEVICE void operator()(Block& block) const {
        block.run([&](unsigned thread) {
            for (std::size_t i = block.index() * threads + thread; i < count;
                 i += block.count() * threads) {
                double sum = 0;
                for (std::size_t p = 0; p < part_count; ++p) {
                    sum += static_cast<double>(parts[p * count + i]);
                }
                total[i] = sum;
            }
        });
    }
};

}  // namespace closedform::gpu
