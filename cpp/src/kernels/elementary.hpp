#pragma once
// exp, log, sin, cos, tan, tanh as straight-line arithmetic without branches, so that a loop over
// rows becomes vector code. Errors stay within 2 units in the last place, tanh's within 4 (tested
// against libm).
// Series are Taylor's: the reduced arguments are small, and no table of fitted coefficients has to
// be trusted. sin and cos hold for |x| <= sincos_limit; callers use libm beyond.

#include <math.h>

#include "kernels/host_device.hpp"

namespace closedform::kernels {

using Bits = unsigned long long;

CLOSEDFORM_HOST_DEVICE Bits bits_of(double x) { return __builtin_bit_cast(Bits, x); }
CLOSEDFORM_HOST_DEVICE double from_bits(Bits b) { return __builtin_bit_cast(double, b); }

// Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits: the conversion that every
// instruction set can do in vectors.
#define CLOSEDFORM_ROUND_SHIFT 6755399441055744.0

CLOSEDFORM_HOST_DEVICE double exp_series(double r) {
    // |r| <= ln(2)/2: r^14/14! < 5e-18
    double s = 1.0 / 6227020800.0;
    s = s * r + 1.0 / 479001600.0;
    s = s * r + 1.0 / 39916800.0;
    s = s * r + 1.0 / 3628800.0;
    s = s * r + 1.0 / 362880.0;
    s = s * r + 1.0 / 40320.0;
    s = s * r + 1.0 / 5040.0;
    s = s * r + 1.0 / 720.0;
    s = s * r + 1.0 / 120.0;
    s = s * r + 1.0 / 24.0;
    s = s * r + 1.0 / 6.0;
    s = s * r + 0.5;
    return s;  // e^r = 1 + r + r^2 s
}

CLOSEDFORM_HOST_DEVICE double exp(double x) {
    // Clamped where the answer is inf or 0 anyway; NaN fails both comparisons and passes through.
    const double clamped = x > 720.0 ? 720.0 : (x < -760.0 ? -760.0 : x);
    const double shifted = clamped * 1.4426950408889634 + CLOSEDFORM_ROUND_SHIFT;
    const double n = shifted - CLOSEDFORM_ROUND_SHIFT;
    // ln 2 in two parts (Cody and Waite): the first has trailing zeros, so n * first is exact.
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const double series = 1.0 + (r + r * r * exp_series(r));
    // 2^n in two factors: n reaches 1038 and -1096, beyond one exponent field.
    const Bits k = bits_of(shifted) - bits_of(CLOSEDFORM_ROUND_SHIFT);
    const Bits half = ((k + 4096) >> 1U) - 2048;
    const Bits rest = k - half;
    return series * from_bits((half + 1023) << 52U) * from_bits((rest + 1023) << 52U);
}

CLOSEDFORM_HOST_DEVICE double log(double x) {
    const bool tiny = x < 2.2250738585072014e-308;
    const double y = tiny ? x * 18014398509481984.0 : x;  // 2^54: subnormal numbers become normal
    const Bits b = bits_of(y);
    // Exponent and mantissa so that the mantissa lies in [sqrt(1/2), sqrt(2)).
    const Bits shifted = b + (0x3ff0000000000000ULL - 0x3fe6a09e667f3bcdULL);
    const Bits mantissa = (shifted & 0x000fffffffffffffULL) + 0x3fe6a09e667f3bcdULL;
    const double e = from_bits((shifted >> 52U) + bits_of(CLOSEDFORM_ROUND_SHIFT)) -
                     CLOSEDFORM_ROUND_SHIFT - (tiny ? 1077.0 : 1023.0);
    const double f = from_bits(mantissa) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;  // <= 0.0295: z^11 * 2/25 < 2e-18
    double t = 2.0 / 23.0;
    t = t * z + 2.0 / 21.0;
    t = t * z + 2.0 / 19.0;
    t = t * z + 2.0 / 17.0;
    t = t * z + 2.0 / 15.0;
    t = t * z + 2.0 / 13.0;
    t = t * z + 2.0 / 11.0;
    t = t * z + 2.0 / 9.0;
    t = t * z + 2.0 / 7.0;
    t = t * z + 2.0 / 5.0;
    t = t * z + 2.0 / 3.0;
    // log(1 + f) = f - f^2/2 + s (f^2/2 + z t): the large part f is exact.
    const double half_square = 0.5 * f * f;
    const double result =
        e * 0.693147180369123816490 +
        (f - (half_square - (s * (half_square + z * t) + e * 1.90821492927058770002e-10)));
    const double infinity = __builtin_inf();
    const double special = x == 0.0 ? -infinity : (x < 0.0 ? __builtin_nan("") : x);
    return x > 0.0 && x < infinity ? result : special;
}

template <class T>
struct SinCos {
    T sin;
    T cos;
};

#define CLOSEDFORM_SINCOS_LIMIT 1.0e6

// Not one series for both, though it is shorter: 1 - cos(x) wants cos right to half a unit near 1.
CLOSEDFORM_HOST_DEVICE SinCos<double> sincos(double x) {
    const double shifted = x * 0.63661977236758134308 + CLOSEDFORM_ROUND_SHIFT;
    const double n = shifted - CLOSEDFORM_ROUND_SHIFT;
    // pi/2 in three parts of 33 bits: n * part is exact for n < 2^20.
    const double r = ((x - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) -
                     n * 2.02226624879595063154e-21;
    const double z = r * r;  // |r| <= pi/4
    double s = 1.0 / 355687428096000.0;
    s = s * z - 1.0 / 1307674368000.0;
    s = s * z + 1.0 / 6227020800.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    const double sine = r + r * (z * s);
    double c = 1.0 / 20922789888000.0;
    c = c * z - 1.0 / 87178291200.0;
    c = c * z + 1.0 / 479001600.0;
    c = c * z - 1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    const double cosine = 1.0 - (0.5 * z - z * z * c);
    const Bits quadrant = bits_of(shifted);
    const bool swap = (quadrant & 1U) != 0;
    const Bits sine_sign = (quadrant & 2U) << 62U;
    const Bits cosine_sign = ((quadrant + 1) & 2U) << 62U;
    return {from_bits(bits_of(swap ? cosine : sine) ^ sine_sign),
            from_bits(bits_of(swap ? sine : cosine) ^ cosine_sign)};
}

/// e^x - 1 without cancellation, 2^n (e^r - 1) + (2^n - 1), exact where n is 0; for x <= 700.
CLOSEDFORM_HOST_DEVICE double exp_minus_one(double x) {
    const double clamped = x < -40.0 ? -40.0 : x;
    const double shifted = clamped * 1.4426950408889634 + CLOSEDFORM_ROUND_SHIFT;
    const double n = shifted - CLOSEDFORM_ROUND_SHIFT;
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const double power =
        from_bits((bits_of(shifted) - bits_of(CLOSEDFORM_ROUND_SHIFT) + 1023) << 52U);
    return power * (r + r * r * exp_series(r)) + (power - 1.0);
}

/// The same in float32, twice the lanes and half the terms; for x <= 88.
CLOSEDFORM_HOST_DEVICE float exp_minus_one(float x) {
    const float shift = 12582912.0F;  // 1.5 * 2^23
    const float clamped = x < -20.0F ? -20.0F : x;
    const float shifted = clamped * 1.44269504F + shift;
    const float n = shifted - shift;
    const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
    float s = 1.0F / 5040.0F;  // |r| <= ln(2)/2: r^8/8! < 6e-9
    s = s * r + 1.0F / 720.0F;
    s = s * r + 1.0F / 120.0F;
    s = s * r + 1.0F / 24.0F;
    s = s * r + 1.0F / 6.0F;
    s = s * r + 0.5F;
    const unsigned k = __builtin_bit_cast(unsigned, shifted) - __builtin_bit_cast(unsigned, shift);
    const float power = __builtin_bit_cast(float, (k + 127U) << 23U);
    return power * (r + r * r * s) + (power - 1.0F);
}

CLOSEDFORM_HOST_DEVICE double tanh(double x) {
    const double magnitude = x < 0.0 ? -x : x;
    const double e = exp_minus_one(magnitude > 20.0 ? 40.0 : 2.0 * magnitude);
    const double result = e / (e + 2.0);
    return x < 0.0 ? -result : result;
}

CLOSEDFORM_HOST_DEVICE double square_root(double x) { return __builtin_sqrt(x); }
CLOSEDFORM_HOST_DEVICE double magnitude(double x) { return __builtin_fabs(x); }

// float32, for GPUs, whose own library is fast there; the CPU widens to float64 instead.
CLOSEDFORM_HOST_DEVICE float exp(float x) { return ::expf(x); }
CLOSEDFORM_HOST_DEVICE float log(float x) { return ::logf(x); }
CLOSEDFORM_HOST_DEVICE float tanh(float x) { return ::tanhf(x); }
CLOSEDFORM_HOST_DEVICE SinCos<float> sincos(float x) { return {::sinf(x), ::cosf(x)}; }
CLOSEDFORM_HOST_DEVICE float square_root(float x) { return ::sqrtf(x); }
CLOSEDFORM_HOST_DEVICE float magnitude(float x) { return ::fabsf(x); }

}  // namespace closedform::kernels
