// Compiled once per instruction set; CLOSEDFORM_SET names the copy. No standard templates here.

#include "kernels/simd/pieces.hpp"

#include "kernels/activations.hpp"
#include "kernels/elementary.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

template <class F>
void at_rows(double k, const double* __restrict u, std::size_t rows, double* __restrict value,
             double* __restrict slope, F at) {
    for (std::size_t i = 0; i < rows; ++i) {
        const kernels::Response<double> one = at(k, u[i]);
        value[i] = one.value;
        slope[i] = one.slope;
    }
}

bool any_far(double k, const double* u, std::size_t rows) {
    kernels::Bits any = 0;  // as wide as what is compared: a bool would not become vector code
    for (std::size_t i = 0; i < rows; ++i) {
        any |= kernels::Bits{__builtin_fabs(k * u[i]) > CLOSEDFORM_SINCOS_LIMIT};
    }
    return any != 0;
}

kernels::SinCos<double> far_angle(double z) {
    const kernels::Response<double> both = kernels::far_sine(z);
    return {both.value, both.slope};
}

void waves(bool cosine, double k, const double* u, std::size_t rows, double* value, double* slope) {
    const auto sine_of = [](double x, kernels::SinCos<double> both) {
        return kernels::Response<double>{both.sin, x * both.cos};
    };
    const auto cosine_of = [](double x, kernels::SinCos<double> both) {
        return kernels::Response<double>{both.cos, -x * both.sin};
    };
    const auto all = [&](auto angle) {
        if (cosine) {
            at_rows(k, u, rows, value, slope,
                    [&](double c, double x) { return cosine_of(x, angle(c * x)); });
        } else {
            at_rows(k, u, rows, value, slope,
                    [&](double c, double x) { return sine_of(x, angle(c * x)); });
        }
    };
    if (any_far(k, u, rows)) {
        all([](double z) { return far_angle(z); });
    } else {
        all([](double z) { return kernels::sincos(z); });
    }
}

void evaluate(Shape shape, double k, const double* u, std::size_t rows, double* value,
              double* slope) {
    using Response = kernels::Response<double>;
    switch (shape) {
        case Shape::plain:
            for (std::size_t i = 0; i < rows; ++i) {
                value[i] = u[i];
            }
            return;
        case Shape::exp:
            return at_rows(k, u, rows, value, slope, [](double c, double x) {
                const double v = kernels::exp(c * x);
                return Response{v, x * v};
            });
        case Shape::sin:
            return waves(false, k, u, rows, value, slope);
        case Shape::cos:
            return waves(true, k, u, rows, value, slope);
        case Shape::inverse:
            return at_rows(k, u, rows, value, slope, [](double c, double x) {
                const double v = 1.0 / (1.0 + c * x);
                return Response{v, -x * (v * v)};
            });
        case Shape::saturated:
            return at_rows(k, u, rows, value, slope, [](double c, double x) {
                const double v = x / (1.0 + c * x);
                return Response{v, -(v * v)};
            });
        case Shape::log:
            return at_rows(k, u, rows, value, slope, [](double c, double x) {
                const double z = 1.0 + c * x;
                return Response{kernels::log(z), x / z};
            });
        case Shape::tanh:
            return at_rows(k, u, rows, value, slope, [](double c, double x) {
                const double v = kernels::tanh(c * x);
                return Response{v, x * (1.0 - v * v)};
            });
    }
}

}  // namespace

const PieceKernels* piece_kernels() {
    static constexpr PieceKernels table = {evaluate};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
