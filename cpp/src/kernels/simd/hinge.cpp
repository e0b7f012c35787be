// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "kernels/simd/hinge.hpp"

#include "kernels/elementary.hpp"
#include "kernels/hinge.hpp"
#include "kernels/simd/lanes.hpp"
#include "kernels/simd/tape.hpp"
#include "kernels/tensor_row.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

constexpr std::size_t rows = block_rows;

// The quadratic above the hinge gets steeper without bound towards the margin itself.
constexpr double nearest_margin = 1e-3;

double loss(const double* f, const double* label, const double* weight) {
    double lane[lanes] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
            lane[j] += kernels::hinge(f[i + j], label[i + j], weight[i + j]);
        }
    }
    return total(lane);
}

double squares_above(const double* f, const double* label, const double* weight, double* target,
                     double* scale) {
    for (std::size_t i = 0; i < rows; ++i) {
        // (m + a)^2 / (4 a) with a = |m|: the target is where m = -a.
        const double size = __builtin_fabs(kernels::margin(f[i], label[i]));
        const double distance = size < nearest_margin ? nearest_margin : size;
        target[i] = label[i] * (1.0 + distance);
        scale[i] = kernels::square_root(weight[i] / (4.0 * distance));
    }
    return loss(f, label, weight);
}

void pull(const double* f, const double* label, double* out) {
    for (std::size_t i = 0; i < rows; ++i) {
        out[i] = label[i] * f[i] < 1.0 ? label[i] : 0.0;
    }
}

void products(const double* f, const double* r, const double* weight, double* sums) {
    constexpr std::size_t packs = lanes / pack_width;
    Pack sum[3][packs] = {};
    for (std::size_t i = 0; i < rows; i += lanes) {
        for (std::size_t part = 0; part < packs; ++part) {
            const std::size_t at = i + part * pack_width;
            const Pack value = kernels::load_lanes<Pack>(f + at);
            const Pack weighted = kernels::load_lanes<Pack>(weight + at) * value;
            sum[0][part] += weighted;
            sum[1][part] += weighted * value;
            sum[2][part] += weighted * kernels::load_lanes<Pack>(r + at);
        }
    }
    for (std::size_t k = 0; k < 3; ++k) {
        double lane[lanes];
        for (std::size_t part = 0; part < packs; ++part) {
            kernels::store_lanes(lane + part * pack_width, sum[k][part]);
        }
        sums[k] += total(lane);
    }
}

}  // namespace

const HingeKernels* hinge_kernels() {
    static constexpr HingeKernels table = {loss, squares_above, pull, products};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
