#pragma once
// How much of something a term could explain, from weighted sums over rows.

#include <cmath>

namespace closedform {

/// Sums of a term's values f and of what it is to explain, r.
struct TermSums {
    double f = 0.0;
    double r = 0.0;
    double ff = 0.0;
    double fr = 0.0;
    double rr = 0.0;

    /// The square of the covariance of f and r over f's variance and r's: what c0 + c1 f explains
    /// of it. A term that is constant up to rounding explains nothing.
    /// total: of the weights; centred: r's mean is free, else its mean square is to be explained.
    double share(double total, bool centred) const {
        const double mean_f = f / total;
        const double mean_r = r / total;
        const double variance_f = ff / total - mean_f * mean_f;
        const double covariance = fr / total - mean_f * mean_r;
        const double spread = rr / total - (centred ? mean_r * mean_r : 0.0);
        const double share = covariance * covariance / (variance_f * spread);
        const bool varies = variance_f > 1e-14 * ff / total;
        return std::isfinite(share) && varies ? share : 0.0;
    }
};

}  // namespace closedform
