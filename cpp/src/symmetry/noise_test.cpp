#include "symmetry/noise_test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace closedform {
namespace {

// Four standard deviations of a normal variable: one true law in 30,000 is called structured.
constexpr double significant = 4.0;
constexpr std::size_t most_probes = 512;
constexpr std::size_t most_features = 64;

/// Polynomial features in the order in which they are added: by degree.
struct Features {
    std::vector<std::vector<double>> columns;
    std::vector<std::size_t> ends;  ///< number of features up to each degree
};

Features features(const std::vector<const std::vector<double>*>& u,
                  std::span<const std::size_t> near, std::size_t room) {
    const std::size_t n = u.front()->size();
    Features out;
    const auto add = [&](auto&& value) {
        if (out.columns.size() < room) {
            std::vector<double> column(n);
            for (std::size_t r = 0; r < n; ++r) {
                column[r] = value(r);
            }
            out.columns.push_back(std::move(column));
        }
    };
    const auto is_near = [&](std::size_t k) {
        return std::find(near.begin(), near.end(), k) != near.end();
    };
    add([](std::size_t) { return 1.0; });
    out.ends.push_back(out.columns.size());
    for (const auto* column : u) {
        add([&](std::size_t r) { return (*column)[r]; });
    }
    out.ends.push_back(out.columns.size());
    // All monomials of one degree in the near inputs.
    const auto near_monomials = [&](int degree) {
        const auto& p = *u[near.front()];
        const auto& q = *u[near.back()];
        const int lowest = near.size() == 1 ? degree : 0;
        for (int i = lowest; i <= degree; ++i) {
            add([&](std::size_t r) { return std::pow(p[r], i) * std::pow(q[r], degree - i); });
        }
    };
    near_monomials(2);
    for (std::size_t k = 0; k < u.size(); ++k) {
        if (!is_near(k)) {
            const auto& other = *u[k];
            add([&](std::size_t r) { return other[r] * other[r]; });
            for (const std::size_t i : near) {
                add([&](std::size_t r) { return other[r] * (*u[i])[r]; });
            }
        }
    }
    out.ends.push_back(out.columns.size());
    near_monomials(3);
    near_monomials(4);
    out.ends.push_back(out.columns.size());
    return out;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

std::vector<double> ranks(const std::vector<double>& values) {
    const std::size_t n = values.size();
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
    std::vector<double> rank(n);
    for (std::size_t first = 0; first < n;) {  // equal values share their mean rank
        std::size_t last = first;
        while (last + 1 < n && values[order[last + 1]] == values[order[first]]) {
            ++last;
        }
        const double middle = static_cast<double>(first + last + 1) / static_cast<double>(n) - 1.0;
        for (; first <= last; ++first) {
            rank[order[first]] = middle;
        }
    }
    return rank;
}

bool beyond_chance(double ratio, std::size_t freedom) {
    // The cube root of a chi-squared variable is nearly normal (Wilson and Hilferty 1931).
    const double variance = 2.0 / (9.0 * static_cast<double>(freedom));
    return (std::cbrt(ratio) - (1.0 - variance)) / std::sqrt(variance) > significant;
}

ResidualTest::ResidualTest(const std::vector<std::vector<double>>& x, std::vector<double> weights,
                           const StopToken& stop)
    : weights_(std::move(weights)) {
    const std::size_t n = weights_.size();
    const std::size_t probes = std::min(n, most_probes);
    for (std::size_t k = 0; k < probes; ++k) {
        probes_.push_back(static_cast<std::uint32_t>(k * n / probes));
    }
    std::vector<float> place;
    for (const auto& column : x) {
        const std::vector<double> rank = ranks(column);
        for (const std::uint32_t r : probes_) {
            place.push_back(static_cast<float>(rank[r]));
        }
    }
    std::vector<float> distance(probes);
    for (std::size_t k = 0; k < probes && !stop.stopped(); ++k) {
        std::fill(distance.begin(), distance.end(), 0.0F);
        for (std::size_t j = 0; j < x.size(); ++j) {
            const float* column = place.data() + j * probes;
            for (std::size_t i = 0; i < probes; ++i) {
                distance[i] += (column[i] - column[k]) * (column[i] - column[k]);
            }
        }
        distance[k] = std::numeric_limits<float>::infinity();
        const auto nearest = std::min_element(distance.begin(), distance.end());
        nearest_.push_back(probes_[static_cast<std::size_t>(nearest - distance.begin())]);
    }
}

bool ResidualTest::neighbours_agree(std::span<const double> residual) const {
    double together = 0;
    double variance = 0;
    for (std::size_t k = 0; k < nearest_.size(); ++k) {
        const double product = residual[probes_[k]] * residual[nearest_[k]];
        together += product;
        variance += product * product;
    }
    // Pairs that are each other's nearest count twice: at most twice the variance.
    return together > significant * std::sqrt(2.0 * variance);
}

ResidualStructure ResidualTest::operator()(std::span<const double> residual,
                                           const std::vector<const std::vector<double>*>& columns,
                                           std::span<const std::size_t> near) const {
    const std::size_t n = residual.size();
    Features basis = features(columns, near, std::min(most_features, n / 8 + 1));
    std::vector<double> left(n);
    std::vector<double> square(n);
    for (std::size_t r = 0; r < n; ++r) {
        left[r] = std::sqrt(weights_[r]) * residual[r];
        square[r] = left[r] * left[r];
    }
    ResidualStructure result;
    double explained = 0;
    double expected = 0;  // what residuals of the same sizes and random signs would give
    std::size_t used = 0;
    std::size_t done = 0;
    for (const std::size_t end : basis.ends) {
        for (; done < end; ++done) {
            std::vector<double>& q = basis.columns[done];
            for (std::size_t r = 0; r < n; ++r) {
                q[r] *= std::sqrt(weights_[r]);
            }
            const double before = dot(q, q);
            for (std::size_t k = 0; k < done; ++k) {
                const double along = dot(q, basis.columns[k]);
                for (std::size_t r = 0; r < n; ++r) {
                    q[r] -= along * basis.columns[k][r];
                }
            }
            const double after = dot(q, q);
            const bool dependent = !(after > 1e-10 * before);
            for (double& value : q) {
                value = dependent ? 0.0 : value / std::sqrt(after);
            }
            if (dependent) {
                continue;
            }
            const double along = dot(q, left);
            explained += along * along;
            for (std::size_t r = 0; r < n; ++r) {
                expected += q[r] * q[r] * square[r];
                left[r] -= along * q[r];
            }
            ++used;
        }
        result.structured =
            result.structured || (expected > 0 && beyond_chance(explained / expected, used));
    }
    double before = 0;
    double after = 0;
    for (std::size_t r = 0; r < n; ++r) {
        before += weights_[r] * std::abs(residual[r]);
        after += std::sqrt(weights_[r]) * std::abs(left[r]);
    }
    const double freedom = static_cast<double>(n) / static_cast<double>(n - used);
    result.unexplained = before > 0 ? std::min(1.0, std::sqrt(freedom) * after / before) : 1.0;
    result.structured = result.structured || neighbours_agree(residual);
    return result;
}

}  // namespace closedform
