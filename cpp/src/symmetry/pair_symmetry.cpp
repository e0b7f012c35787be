#include "symmetry/pair_symmetry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace closedform {
namespace {

constexpr std::size_t first_rows = 128;  // enough to refuse most laws
constexpr double hopeless = 2.0;         // so far above the largest statistic no fit of c helps
constexpr double rounding = 1e-7;        // a statistic that needs no polishing
constexpr int largest_integer = 5;       // in the fractions that count as simple
constexpr int largest_exponent = 4;

/// The two sides of a law, row by row: c p u2 against q u1, over |(c p, q)|, where (c p, q) has the
/// direction of the merged input's gradient. Denominators are multiplied out.
class Sides {
  public:
    Sides(const MergedInput& first, const MergedInput& second, InputFunction f1, InputFunction f2,
          std::span<const double> weights)
        : first_(first), second_(second), f1_(f1), f2_(f2), weights_(weights) {
        extend(std::min(first_rows, first.z.size()));
    }

    void extend_to_all() { extend(first_.z.size()); }

    struct Sums {
        double lost = 0, sides = 0, square = 0;
        double slope = 0, curvature = 0;  ///< of half the square by c, Gauss-Newton
        double statistic() const { return sides > 0 ? lost / sides : 1.0; }
    };

    Sums sums(double c) const {
        Sums s;
        for (std::size_t r = 0; r < p_.size(); ++r) {
            const double cp = c * p_[r];
            const double squares = cp * cp + q_[r] * q_[r];
            if (!(squares > 0)) {
                continue;
            }
            const double over = 1.0 / std::sqrt(squares);
            const double a = cp * second_.u[r] * over;
            const double b = q_[r] * first_.u[r] * over;
            const double w = weights_[r];
            const double e = a - b;
            s.lost += w * std::abs(e);
            s.sides += w * (std::abs(a) + std::abs(b));
            s.square += w * e * e;
            const double by_c =
                p_[r] * q_[r] * (q_[r] * second_.u[r] + cp * first_.u[r]) * over * over * over;
            s.slope += w * e * by_c;
            s.curvature += w * by_c * by_c;
        }
        return s;
    }

    /// c where the mean sizes of both sides agree: exact where the law is.
    double start() const {
        double left = 0;
        double right = 0;
        double together = 0;
        for (std::size_t r = 0; r < p_.size(); ++r) {
            const double squares = p_[r] * p_[r] + q_[r] * q_[r];
            if (!(squares > 0)) {
                continue;
            }
            const double over = 1.0 / std::sqrt(squares);
            const double a = p_[r] * second_.u[r] * over;
            const double b = q_[r] * first_.u[r] * over;
            left += weights_[r] * std::abs(a);
            right += weights_[r] * std::abs(b);
            together += weights_[r] * a * b;
        }
        return left > 0 && right > 0 ? std::copysign(right / left, together) : 0.0;
    }

    std::vector<double> residual(double c) const {
        std::vector<double> e(p_.size());
        for (std::size_t r = 0; r < e.size(); ++r) {
            const double cp = c * p_[r];
            const double squares = cp * cp + q_[r] * q_[r];
            if (squares > 0) {
                e[r] = (cp * second_.u[r] - q_[r] * first_.u[r]) / std::sqrt(squares);
            }
        }
        return e;
    }

  private:
    // f' = numerator / denominator: 1/1, 2z/1, 1/z.
    static double numerator(InputFunction f, double z) {
        return f == InputFunction::square ? 2.0 * z : 1.0;
    }
    static double denominator(InputFunction f, double z) {
        return f == InputFunction::logarithm ? z : 1.0;
    }

    void extend(std::size_t rows) {
        for (std::size_t r = p_.size(); r < rows; ++r) {
            const double z1 = first_.z[r];
            const double z2 = second_.z[r];
            p_.push_back(first_.s[r] * numerator(f1_, z1) * denominator(f2_, z2));
            q_.push_back(second_.s[r] * numerator(f2_, z2) * denominator(f1_, z1));
        }
    }

    const MergedInput& first_;
    const MergedInput& second_;
    InputFunction f1_;
    InputFunction f2_;
    std::span<const double> weights_;
    std::vector<double> p_, q_;
};

/// Gauss-Newton on the mean square of a - b, which is nearly quadratic in c.
double polished(const Sides& sides, double c) {
    Sides::Sums at = sides.sums(c);
    for (int step = 0; step < 8 && at.curvature > 0; ++step) {
        const double largest = std::abs(c) / 2;
        const double next = c - std::clamp(at.slope / at.curvature, -largest, largest);
        const Sides::Sums there = sides.sums(next);
        if (!(there.square < at.square)) {
            break;
        }
        const bool done = std::abs(next - c) < 1e-6 * std::abs(c);
        c = next;
        at = there;
        if (done) {
            break;
        }
    }
    return c;
}

struct Fraction {
    int over = 1;
    int under = 1;
    double value() const { return static_cast<double>(over) / static_cast<double>(under); }
};

/// The nearest fraction, by ratio, of integers up to `largest`, in lowest terms.
Fraction nearest_fraction(double c, int largest) {
    Fraction best;
    double distance = std::numeric_limits<double>::infinity();
    for (int under = 1; under <= largest; ++under) {
        for (int over = 1; over <= largest; ++over) {
            const double here = std::abs(std::log(std::abs(c) * under / over));
            if (here < distance - 1e-12) {
                distance = here;
                best = {over, under};
            }
        }
    }
    return best;
}

/// A product x^a y^b is blind to the sign of a factor with an even exponent, or to that of both
/// factors. Where the target depends on it, the target's slope along the product changes with it.
bool loses_sign(const MergedInput& first, const MergedInput& second, const Combined& rows, double b,
                std::span<const double> weights) {
    const MergedInput& hidden = std::fmod(b, 2.0) == 0.0 ? second : first;
    double all = 0;
    double plain[2] = {0, 0};  // by the sign of the product
    double signs[2] = {0, 0};
    for (std::size_t r = 0; r < weights.size(); ++r) {
        const double slope = std::copysign(weights[r], rows.input.u[r]);
        const std::size_t side = rows.input.z[r] < 0 ? 0 : 1;
        all += weights[r];
        plain[side] += slope;
        signs[side] += hidden.z[r] < 0 ? -slope : slope;
    }
    return std::abs(signs[0]) + std::abs(signs[1]) > 0.9 * all &&
           std::abs(plain[0]) + std::abs(plain[1]) < 0.5 * all;
}

double statistic_of(const Combined& rows, std::span<const double> weights) {
    double lost = 0;
    double sides = 0;
    for (std::size_t r = 0; r < weights.size(); ++r) {
        lost += weights[r] * std::abs(rows.lost[r]);
        sides += weights[r] * rows.sides[r];
    }
    return sides > 0 ? lost / sides : 0.0;
}

bool positive(const std::vector<double>& z) {
    return std::all_of(z.begin(), z.end(), [](double v) { return v > 0; });
}

}  // namespace

std::vector<PairSymmetry> pair_symmetries(const MergedInput& first, const MergedInput& second,
                                          std::span<const double> weights, double largest) {
    constexpr InputFunction identity = InputFunction::identity;
    constexpr InputFunction square = InputFunction::square;
    constexpr InputFunction logarithm = InputFunction::logarithm;
    constexpr InputFunction laws[][2] = {
        {identity, identity},  {square, square},    {logarithm, logarithm},
        {identity, square},    {square, identity},  {identity, logarithm},
        {logarithm, identity}, {square, logarithm}, {logarithm, square}};
    std::vector<PairSymmetry> found;
    for (const auto& [f1, f2] : laws) {
        Sides sides(first, second, f1, f2, weights);
        PairSymmetry law{f1, f2, sides.start(), 1.0, 1.0};
        const auto measure = [&] {
            const Sides::Sums at = sides.sums(law.c);
            law.statistic = law.c == 0.0 ? 1.0 : at.statistic();
            law.square = at.square;
        };
        measure();
        if (law.statistic > hopeless * largest) {
            continue;
        }
        sides.extend_to_all();
        law.c = sides.start();
        measure();
        if (law.statistic <= rounding) {
            return {law};  // no other can hold
        }
        if (law.statistic <= hopeless * largest) {
            law.c = polished(sides, law.c);
            measure();
        }
        if (law.statistic <= largest) {
            found.push_back(law);
        }
    }
    return found;
}

std::vector<double> residual(const MergedInput& first, const MergedInput& second,
                             const PairSymmetry& law) {
    Sides sides(first, second, law.first, law.second, {});
    sides.extend_to_all();
    return sides.residual(law.c);
}

std::optional<SettledPair> settle(const MergedInput& first, const MergedInput& second,
                                  const PairSymmetry& law, std::span<const double> weights,
                                  const Tolerance& tolerance, double largest,
                                  const OpSet& allowed) {
    Sides sides(first, second, law.first, law.second, weights);
    sides.extend_to_all();
    const double square = sides.sums(law.c).square;
    const double sign = law.c < 0 ? -1.0 : 1.0;
    // The ratio of both coefficients, the larger one over the smaller one.
    const bool on_first = std::abs(law.c) >= 1.0;
    double ratio = on_first ? std::abs(law.c) : 1.0 / std::abs(law.c);
    const auto allows = [&](double r) {
        const Sides::Sums at = sides.sums(sign * (on_first ? r : 1.0 / r));
        return at.statistic() <= tolerance.statistic ||
               at.square <= (1.0 + tolerance.share) * square;
    };
    const bool product =
        law.first == InputFunction::logarithm && law.second == InputFunction::logarithm;
    const Fraction simple = nearest_fraction(ratio, product ? largest_exponent : largest_integer);
    const bool is_simple = allows(simple.value());
    if (is_simple) {
        ratio = simple.value();
    } else if (allows(std::round(ratio))) {
        ratio = std::round(ratio);
    } else {  // twelve digits: the last ones are rounding errors of the fit
        const double digits = std::pow(10.0, 11.0 - std::floor(std::log10(ratio)));
        ratio = std::round(ratio * digits) / digits;
    }
    double a = on_first ? ratio : 1.0;
    double b = on_first ? 1.0 : ratio;

    std::vector<SettledPair> forms;
    const auto offer = [&](bool swapped, Combination how) {
        forms.push_back({swapped, how, {}, 0});
    };
    if (product && is_simple) {
        a = on_first ? simple.over : simple.under;
        b = on_first ? simple.under : simple.over;
        offer(false, {law.first, law.second, a, sign * b});
        const bool even = std::fmod(a * b, 2.0) == 0.0;
        if (even && positive(std::fmod(a, 2.0) == 0.0 ? second.z : first.z)) {
            offer(false, {law.first, law.second, a / 2, sign * b / 2});
        }
    } else if (product) {
        if (allowed.has(Op::pow) && positive(first.z) && positive(second.z)) {
            offer(false, {law.first, law.second, a, sign * b});
        }
    } else if (law.first == InputFunction::logarithm) {
        offer(false, {law.first, law.second, 1.0, sign * b / a});
    } else if (law.second == InputFunction::logarithm) {
        offer(true, {law.second, law.first, 1.0, sign * a / b});
    } else {
        offer(false, {law.first, law.second, a, sign * b});
    }
    for (SettledPair& form : forms) {
        const MergedInput& left = form.swapped ? second : first;
        const MergedInput& right = form.swapped ? first : second;
        Tape tape = combined_tape(left.tape, right.tape, form.how, allowed);
        if (tape.empty()) {
            continue;
        }
        form.rows = combined_rows(left, right, form.how);
        form.statistic = statistic_of(form.rows, weights);
        const bool blind = product && is_simple && form.how.a == a &&
                           loses_sign(first, second, form.rows, b, weights);
        if (finite(form.rows.input) && form.statistic <= largest && !blind) {
            form.rows.input.tape = std::move(tape);
            return std::move(form);
        }
    }
    return std::nullopt;
}

}  // namespace closedform
