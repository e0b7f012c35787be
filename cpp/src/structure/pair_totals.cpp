#include "structure/pair_totals.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace closedform {

void LogHistogram::merge(const LogHistogram& other) {
    for (std::size_t k = 0; k < ranges_.size(); ++k) {
        if (other.ranges_[k] != nullptr) {
            merge(k, *other.ranges_[k]);
        }
    }
}

void LogHistogram::merge(std::span<const unsigned> counts) {
    for (std::size_t k = 0; k < ranges_.size(); ++k) {
        merge(k, counts.subspan(k * range_bins, range_bins));
    }
}

void LogHistogram::merge(std::size_t number, std::span<const std::uint32_t> counts) {
    if (std::any_of(counts.begin(), counts.end(), [](std::uint32_t c) { return c > 0; })) {
        Range& to = range(number);
        std::transform(counts.begin(), counts.end(), to.begin(), to.begin(), std::plus<>());
    }
}

std::uint64_t LogHistogram::count() const {
    std::uint64_t total = 0;
    for (const auto& range : ranges_) {
        if (range != nullptr) {
            total = std::accumulate(range->begin(), range->end(), total);
        }
    }
    return total;
}

double LogHistogram::quantile(double q) const {
    const double wanted = q * static_cast<double>(count());
    double below = 0;
    for (std::size_t i = 0; i < bins; ++i) {
        const auto& range = ranges_[i / range_bins];
        const double here = range == nullptr ? 0.0 : (*range)[i % range_bins];
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
