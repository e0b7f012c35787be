#include "structure/pair_totals.hpp"

#include <algorithm>
#include <cmath>

namespace closedform {

void LogHistogram::merge(const LogHistogram& other) {
    for (std::size_t i = 0; i < bins; ++i) {
        counts_[i] += other.counts_[i];
    }
}

void LogHistogram::merge(std::span<const unsigned> counts) {
    for (std::size_t i = 0; i < bins; ++i) {
        counts_[i] += counts[i];
    }
}

std::uint64_t LogHistogram::count() const {
    std::uint64_t total = 0;
    for (const std::uint64_t c : counts_) {
        total += c;
    }
    return total;
}

double LogHistogram::quantile(double q) const {
    const double wanted = q * static_cast<double>(count());
    double below = 0;
    for (std::size_t i = 0; i < bins; ++i) {
        const auto here = static_cast<double>(counts_[i]);
        if (here > 0 && below + here >= wanted) {
            if (i == 0) {
                return 0;
            }
            const auto octave = static_cast<int>(i) / kernels::bins_per_octave;
            const double step = static_cast<double>(i % kernels::bins_per_octave);
            const double share = std::clamp((wanted - below) / here, 0.0, 1.0);
            return std::ldexp(0.5 + (step + share) / (2 * kernels::bins_per_octave),
                              octave + kernels::lowest_exponent);
        }
        below += here;
    }
    return 0;
}

void PairSums::add(const PairSums& other) {
    rows += other.rows;
    value += other.value;
    square += other.square;
    const auto all = [](std::vector<double>& to, const std::vector<double>& from) {
        for (std::size_t i = 0; i < to.size(); ++i) {
            to[i] += from[i];
        }
    };
    all(slopes, other.slopes);
    all(curvatures, other.curvatures);
    all(product_residual, other.product_residual);
    all(residual_curvature, other.residual_curvature);
}

void PairCounts::merge(const PairCounts& other) {
    size.merge(other.size);
    for (std::size_t p = 0; p < curvature.size(); ++p) {
        curvature[p].merge(other.curvature[p]);
        product_residual[p].merge(other.product_residual[p]);
    }
}

}  // namespace closedform
