// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "kernels/simd/direction.hpp"

#include "kernels/direction.hpp"
#include "kernels/simd/lanes.hpp"
#include "kernels/simd/tape.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t rows = block_rows;

void add_scaled(const double* adjoint, const double* scale, bool first, double* out) {
    if (first) {
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] = adjoint[i] * scale[i];
        }
    } else {
        for (std::size_t i = 0; i < rows; ++i) {
            out[i] += adjoint[i] * scale[i];
        }
    }
}

void divide(double* g, const double* f) {
    for (std::size_t i = 0; i < rows; ++i) {
        g[i] /= f[i];
    }
}

void inverse_norms(const double* const* g, std::size_t count, const double* f, double* inverse) {
    double squares[rows] = {};
    for (std::size_t j = 0; j < count; ++j) {
        const double* component = g[j];
        for (std::size_t i = 0; i < rows; ++i) {
            squares[i] += component[i] * component[i];
        }
    }
    for (std::size_t i = 0; i < rows; ++i) {
        inverse[i] = kernels::inverse_norm(squares[i], f[i]);
    }
}

void differences(const double* g, const double* inverse, const double* u, const double* weight,
                 double* minus, double* plus) {
    double minus_lane[lanes] = {};
    double plus_lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            kernels::add_differences(u[i + j], g[i + j] * inverse[i + j], weight[i + j],
                                     minus_lane[j], plus_lane[j]);
        }
    }
    *minus += total(minus_lane);
    *plus += total(plus_lane);
}

double squares(const double* u, const double* weight) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += weight[i + j] * u[i + j] * u[i + j];
        }
    }
    return total(lane);
}

void turn(const double* const* g, const double* inverse, double* const* tangent,
          std::size_t count) {
    double along[rows] = {};
    for (std::size_t j = 0; j < count; ++j) {
        for (std::size_t i = 0; i < rows; ++i) {
            along[i] += g[j][i] * tangent[j][i];
        }
    }
    for (std::size_t i = 0; i < rows; ++i) {
        along[i] *= inverse[i] * inverse[i];
    }
    for (std::size_t j = 0; j < count; ++j) {
        const double* component = g[j];
        double* t = tangent[j];
        for (std::size_t i = 0; i < rows; ++i) {
            t[i] = (t[i] - component[i] * along[i]) * inverse[i];
        }
    }
}

double dot3(const double* a, const double* b, const double* c) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += a[i + j] * b[i + j] * c[i + j];
        }
    }
    return total(lane);
}

}  // namespace

const DirectionKernels* direction_kernels() {
    static constexpr DirectionKernels table = {add_scaled, divide, inverse_norms, differences,
                                               squares,    turn,   dot3};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
