#pragma once
// What an update of alternating least squares needs from the rows: moments, cell by cell (als.hpp).

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "closedform/surrogate/tensor_surrogate.hpp"
#include "kernels/moments.hpp"

namespace closedform {

/// Sums over rows for the update of one input; modes are those whose factor of it is free.
struct CellMoments {
    AlignedDoubles pairs;  ///< [cells][modes][9][padded]: w g_m g_n t^k, n <= m at least
    AlignedDoubles right;  ///< [cells][5][padded]: w g_m r t^k
    double square = 0;     ///< sum of w r^2

    void clear(std::size_t cells, std::size_t modes, std::size_t padded) {
        pairs.assign(cells * modes * moment_count * padded, 0.0);
        right.assign(cells * shape_count * padded, 0.0);
        square = 0;
    }
    /// Whether a cell holds rows that matter to any of the modes.
    bool any(std::size_t cell, std::size_t modes, std::size_t padded) const {
        const double* at = pairs.data() + cell * modes * moment_count * padded;
        for (std::size_t m = 0; m < modes; ++m) {
            if (at[m * moment_count * padded + m] != 0) {
                return true;
            }
        }
        return false;
    }
    /// Turns the right-hand sides of t^k into those of the basis: by_node [nodes][modes] += them.
    void add_by_node(const GridBasis& basis, std::size_t modes, std::size_t padded,
                     double* by_node) const {
        for (std::size_t c = 0; c < basis.cells(); ++c) {
            double* to = by_node + basis.first_node(c) * modes;
            for (std::size_t i = 0; i < basis.width(); ++i) {
                for (std::size_t m = 0; m < modes; ++m) {
                    double sum = 0;
                    for (std::size_t k = 0; k < shape_count; ++k) {
                        sum += basis.shape(c, i)[k] * right[(c * shape_count + k) * padded + m];
                    }
                    to[i * modes + m] += sum;
                }
            }
        }
    }
    void add(const CellMoments& other) {
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            pairs[i] += other.pairs[i];
        }
        for (std::size_t i = 0; i < right.size(); ++i) {
            right[i] += other.right[i];
        }
        square += other.square;
    }
};

/// The moments of input `input` for the `chosen` of `modes` modes, padded to `padded`; the others
/// stay as they are. Sums are cleared for that input and those modes before the first rows.
struct MomentQuestion {
    std::size_t input;
    std::span<const FactorTable> tables;
    std::span<const std::size_t> chosen;
    std::size_t modes;
    double offset;
    std::size_t padded;
};

}  // namespace closedform
