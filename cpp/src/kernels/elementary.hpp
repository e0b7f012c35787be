#pragma once
// The functions of tapes as straight-line arithmetic without branches, so that a loop over rows
// becomes vector code. Errors in units of the last place are in core/operator_list.hpp, tested
// against libm.
// Series are Taylor's: the reduced arguments are small, and no table of fitted coefficients has to
// be trusted; erf's tail alone has one. sin and cos hold for |x| <= sincos_limit; callers use libm
// beyond.

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

/// e^x / 2^halvings, with no overflow but the result's own.
CLOSEDFORM_HOST_DEVICE double exp_halved(double x, Bits halvings) {
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
    return series * from_bits((half + 1023) << 52U) * from_bits((rest + 1023 - halvings) << 52U);
}

CLOSEDFORM_HOST_DEVICE double exp(double x) { return exp_halved(x, 0); }

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

CLOSEDFORM_HOST_DEVICE double log10(double x) { return log(x) * 0.43429448190325182765; }

CLOSEDFORM_HOST_DEVICE double cosh(double x) {
    const double half = exp_halved(x < 0.0 ? -x : x, 1);
    return half + 0.25 / half;
}

CLOSEDFORM_HOST_DEVICE double sinh(double x) {
    const double magnitude = x < 0.0 ? -x : x;
    const double half = exp_halved(magnitude, 1);
    const double z = x * x;  // up to 1: 1/21! < 2e-20
    double s = 1.0 / 121645100408832000.0;
    s = s * z + 1.0 / 355687428096000.0;
    s = s * z + 1.0 / 1307674368000.0;
    s = s * z + 1.0 / 6227020800.0;
    s = s * z + 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z + 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z + 1.0 / 6.0;
    return magnitude < 1.0 ? x + x * (z * s) : __builtin_copysign(half - 0.25 / half, x);
}

/// The angle of slope n/d, both at least 0 and not both 0: the larger of them is the base, the
/// nearest angle of slope 0, 1/4, 1/2, 3/4 or 1 is taken off, and the rest has a short series.
CLOSEDFORM_HOST_DEVICE double arc(double n, double d) {
    const bool steep = n > d;
    const double rise = steep ? d : n;
    const double base = steep ? n : d;
    // One selection after the other: nested ones would not become vector code.
    double slope = rise > 0.125 * base ? 0.25 : 0.0;
    double angle = rise > 0.125 * base ? 0.24497866312686415417 : 0.0;
    double rest = rise > 0.125 * base ? 1.0698755618734451e-17 : 0.0;  // what `angle` leaves off
    slope = rise > 0.375 * base ? 0.5 : slope;
    angle = rise > 0.375 * base ? 0.46364760900080611621 : angle;
    rest = rise > 0.375 * base ? 2.2698777452961687e-17 : rest;
    slope = rise > 0.625 * base ? 0.75 : slope;
    angle = rise > 0.625 * base ? 0.64350110879328438680 : angle;
    rest = rise > 0.625 * base ? 1.5834785051444286e-17 : rest;
    slope = rise > 0.875 * base ? 1.0 : slope;
    angle = rise > 0.875 * base ? 0.78539816339744830962 : angle;
    rest = rise > 0.875 * base ? 3.061616997868383e-17 : rest;
    const double t = (rise - slope * base) / (base + slope * rise);
    const double z = t * t;  // |t| <= 1/8: z^9/19 < 3e-18
    double s = 1.0 / 17.0;
    s = 1.0 / 15.0 - s * z;
    s = 1.0 / 13.0 - s * z;
    s = 1.0 / 11.0 - s * z;
    s = 1.0 / 9.0 - s * z;
    s = 1.0 / 7.0 - s * z;
    s = 1.0 / 5.0 - s * z;
    s = 1.0 / 3.0 - s * z;
    const double near = angle - ((t * (z * s) - rest) - t);
    return steep ? 1.57079632679489661923 - (near - 6.123233995736766e-17) : near;
}

CLOSEDFORM_HOST_DEVICE double atan(double x) {
    const double magnitude = x < 0.0 ? -x : x;
    return __builtin_copysign(arc(magnitude > 1e18 ? 1e18 : magnitude, 1.0), x);
}

CLOSEDFORM_HOST_DEVICE double asin(double x) {
    const double magnitude = x < 0.0 ? -x : x;
    const double other = __builtin_sqrt((1.0 - magnitude) * (1.0 + magnitude));
    return __builtin_copysign(arc(magnitude, other), x);
}

CLOSEDFORM_HOST_DEVICE double acos(double x) {
    const double magnitude = x < 0.0 ? -x : x;
    const double other = __builtin_sqrt((1.0 - magnitude) * (1.0 + magnitude));
    const double near = arc(other, magnitude);
    return x < 0.0 ? 3.14159265358979323846 - (near - 1.2246467991473532e-16) : near;
}

/// e^(x^2) erfc(x) for 1 <= x <= 6, where what it is taken for, erf, needs fewer digits of it the
/// larger x is: the polynomial of degree 14 in (x - 2.5)/(x + 2.5), a variable as in Shepherd and
/// Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc(x), Math. Comp. 36 (1981), that
/// agrees with it at the 15 Chebyshev points of the interval (computed with 40 digits). It leaves
/// an error below 3e-18 of erf.
CLOSEDFORM_HOST_DEVICE double scaled_erfc(double x) {
    const double t = (x - 2.5) / (x + 2.5);
    double s = -1.587633893127344e-06;
    s = s * t - 2.2328516517555215e-06;
    s = s * t + 7.499735050763299e-06;
    s = s * t + 1.8596747731144528e-05;
    s = s * t - 3.4175718896856294e-05;
    s = s * t - 0.00012887483134837842;
    s = s * t + 0.0002283799633257643;
    s = s * t + 0.0008759152875774328;
    s = s * t - 0.0026423659518134547;
    s = s * t - 0.003993701160123029;
    s = s * t + 0.03992253907546523;
    s = s * t - 0.12503305237891782;
    s = s * t + 0.2517131932174488;
    s = s * t - 0.37173673394897294;
    s = s * t + 0.2108063640611436;
    return s;
}

CLOSEDFORM_HOST_DEVICE double erf(double x) {
    constexpr double factor = 1.12837916709551257390;  // 2/sqrt(pi)
    const double magnitude = x < 0.0 ? -x : x;
    const double z = x * x;
    // factor z^n / (n! (2n + 1)), Abramowitz and Stegun 7.1.5; up to 1: 1/(18! 37) < 5e-18
    double s = -factor / (355687428096000.0 * 35.0);
    s = s * z + factor / (20922789888000.0 * 33.0);
    s = s * z - factor / (1307674368000.0 * 31.0);
    s = s * z + factor / (87178291200.0 * 29.0);
    s = s * z - factor / (6227020800.0 * 27.0);
    s = s * z + factor / (479001600.0 * 25.0);
    s = s * z - factor / (39916800.0 * 23.0);
    s = s * z + factor / (3628800.0 * 21.0);
    s = s * z - factor / (362880.0 * 19.0);
    s = s * z + factor / (40320.0 * 17.0);
    s = s * z - factor / (5040.0 * 15.0);
    s = s * z + factor / (720.0 * 13.0);
    s = s * z - factor / (120.0 * 11.0);
    s = s * z + factor / (24.0 * 9.0);
    s = s * z - factor / (6.0 * 7.0);
    s = s * z + factor / (2.0 * 5.0);
    s = s * z - factor / 3.0;
    const double series = x + x * (0.12837916709551257390 + z * s);
    const double far = magnitude > 6.0 ? 6.0 : magnitude;  // erf(6) rounds to 1
    const double tail = exp(-far * far) * scaled_erfc(far);
    return magnitude < 1.0 ? series : __builtin_copysign(1.0 - tail, x);
}

CLOSEDFORM_HOST_DEVICE double square_root(double x) { return __builtin_sqrt(x); }
CLOSEDFORM_HOST_DEVICE double magnitude(double x) { return __builtin_fabs(x); }

// float32, for GPUs, whose own library is fast there; the CPU widens to float64 instead.
CLOSEDFORM_HOST_DEVICE float exp(float x) { return ::expf(x); }
CLOSEDFORM_HOST_DEVICE float log(float x) { return ::logf(x); }
CLOSEDFORM_HOST_DEVICE float log10(float x) { return ::log10f(x); }
CLOSEDFORM_HOST_DEVICE float tanh(float x) { return ::tanhf(x); }
CLOSEDFORM_HOST_DEVICE float sinh(float x) { return ::sinhf(x); }
CLOSEDFORM_HOST_DEVICE float cosh(float x) { return ::coshf(x); }
CLOSEDFORM_HOST_DEVICE float atan(float x) { return ::atanf(x); }
CLOSEDFORM_HOST_DEVICE float asin(float x) { return ::asinf(x); }
CLOSEDFORM_HOST_DEVICE float acos(float x) { return ::acosf(x); }
CLOSEDFORM_HOST_DEVICE float erf(float x) { return ::erff(x); }
CLOSEDFORM_HOST_DEVICE SinCos<float> sincos(float x) { return {::sinf(x), ::cosf(x)}; }
CLOSEDFORM_HOST_DEVICE float square_root(float x) { return ::sqrtf(x); }
CLOSEDFORM_HOST_DEVICE float magnitude(float x) { return ::fabsf(x); }

}  // namespace closedform::kernels
