#pragma once

#include <cstddef>

namespace closedform::gpu {

/// out [rows x columns] = a [rows x inner] times b, which is [inner x columns] or, if `transposed`,
/// [columns x inner]. Neighbours in a row are neighbours in memory.
template <class Real>
struct MatrixProduct {
    const Real* a;
    const Real* b;
    Real* out;
    std::size_t rows;
    unsigned columns;
    unsigned inner;
    bool transposed;
};

}  // namespace closedform::gpu
