#include "closedform/surrogate/grid_basis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/dense_solve.hpp"
#include "kernels/tensor_row.hpp"

namespace closedform {
namespace {

using Eigen::Index;

/// The nodes whose interpolant stands at node k: 2s+1 around it where they exist. At the ends, the
/// cubic through the four nearest (2s+1 if fewer): a patch moved inwards but not centred has lost
/// the symmetry that makes the radial interpolant good, and measured errors of cubics are 3 to 5
/// times smaller there than those of the full radial patch, 3 to 4 times than those of a cut one.
struct Patch {
    std::size_t start;
    std::size_t count;
    std::size_t degree;
};

Patch patch_of(std::size_t k, std::size_t s, std::size_t degree, std::size_t nodes) {
    if (k >= s && k + s < nodes) {
        return {k - s, 2 * s + 1, degree};
    }
    const std::size_t count = std::min<std::size_t>(4, 2 * s + 1);
    const std::size_t start = std::min(k > 0 ? k - 1 : 0, nodes - count);
    return {start, count, count - 1};
}

/// Coefficients, in powers of t = (x - center) / h with t in [-1/2, 1/2], of the cubics W_j that
/// interpolate the patch's nodes with |r|^3 and monomials up to `degree` (G^-1 of the reference).
/// Patch-local coordinates keep G well conditioned.
Eigen::MatrixXd patch_cubics(const double* node, std::size_t count, std::size_t degree,
                             double center, double h) {
    const auto n = static_cast<Index>(count);
    const auto m = static_cast<Index>(degree) + 1;
    Eigen::VectorXd z(n);
    for (Index i = 0; i < n; ++i) {
        z[i] = (node[i] - center) / h;
    }
    const double scale = std::max(z.cwiseAbs().maxCoeff(), 1.0);  // |z| <= 1 inside the solve
    z /= scale;
    Eigen::MatrixXd g = Eigen::MatrixXd::Zero(n + m, n + m);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
            g(i, j) = std::pow(std::abs(z[i] - z[j]), 3);
        }
        for (Index k = 0; k < m; ++k) {
            g(i, n + k) = g(n + k, i) = std::pow(z[i], static_cast<double>(k));
        }
    }
    Eigen::MatrixXd right = Eigen::MatrixXd::Zero(n + m, n);
    right.topRows(n).setIdentity();
    const Eigen::MatrixXd solved = solve(g, right);  // column j: W_j's coefficients
    // Sum_i c_i |z - z_i|^3 + sum_k b_k z^k as a polynomial on the element: every node lies to one
    // side of it, so |z - z_i|^3 = sign_i (z - z_i)^3 there.
    Eigen::MatrixXd cubics = Eigen::MatrixXd::Zero(4, n);
    for (Index i = 0; i < n; ++i) {
        const double sign = z[i] <= 0 ? 1.0 : -1.0;
        const std::array<double, 4> cube = {-z[i] * z[i] * z[i], 3 * z[i] * z[i], -3 * z[i], 1.0};
        for (Index k = 0; k < 4; ++k) {
            cubics.row(k) += sign * cube[static_cast<std::size_t>(k)] * solved.row(i);
        }
    }
    cubics.topRows(m) += solved.bottomRows(m);
    for (Index k = 0; k < 4; ++k) {
        cubics.row(k) /= std::pow(scale, static_cast<double>(k));
    }
    return cubics;
}

}  // namespace

GridBasis::GridBasis(std::vector<double> nodes, std::size_t patch, std::size_t degree)
    : nodes_(std::move(nodes)), patch_(patch), degree_(degree), width_(0) {
    if (nodes_.empty()) {
        throw std::invalid_argument("grid basis: needs at least one node");
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!std::isfinite(nodes_[i]) || (i > 0 && nodes_[i] <= nodes_[i - 1])) {
            throw std::invalid_argument("grid basis: nodes must be finite and increasing");
        }
    }
    if (patch > max_patch || degree > patch || (patch > 0 && degree == 0)) {
        throw std::invalid_argument(
            "grid basis: patch must be 0 to 3 and degree 1 to patch (0 for patch 0)");
    }
    patch_ = std::min(patch_, (nodes_.size() - 1) / 2);
    degree_ = std::min(degree_, patch_);
    width_ = std::min(2 * patch_ + 2, nodes_.size());

    center_.resize(cells());
    inverse_width_.assign(cells(), 1.0);
    first_node_.assign(cells(), 0);
    table_.assign(cells() * width_ * coefficients_per_shape, 0.0);
    for (std::size_t element = 0; element < segments(); ++element) {
        build_element(element);
    }
    build_outer_cells();
}

void GridBasis::build_element(std::size_t element) {
    const std::size_t cell = element + 1;
    const double h = nodes_[element + 1] - nodes_[element];
    center_[cell] = nodes_[element] + h / 2;
    inverse_width_[cell] = 1 / h;
    const std::size_t first =
        std::min(element > patch_ ? element - patch_ : 0, nodes_.size() - width_);
    first_node_[cell] = first;
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
        const auto [start, count, degree] =
            patch_of(element + side, patch_, degree_, nodes_.size());
        Eigen::MatrixXd w = Eigen::MatrixXd::Zero(4, static_cast<Index>(count));
        if (patch_ == 0) {
            w(0, 0) = 1.0;
        } else {
            w = patch_cubics(nodes_.data() + start, count, degree, center_[cell], h);
        }
        const double slope = side == 0 ? -1.0 : 1.0;  // hat: 1/2 -+ t
        for (std::size_t j = 0; j < count; ++j) {
            double* c =
                table_.data() + (cell * width_ + start - first + j) * coefficients_per_shape;
            for (std::size_t k = 0; k < 4; ++k) {
                const double wk = w(static_cast<Index>(k), static_cast<Index>(j));
                c[k] += 0.5 * wk;
                c[k + 1] += slope * wk;
            }
        }
    }
}

void GridBasis::build_outer_cells() {
    const std::size_t last = cells() - 1;
    center_[0] = nodes_.front();
    center_[last] = nodes_.back();
    if (segments() == 0) {
        table_[0] = table_[coefficients_per_shape] = 1.0;
        return;
    }
    for (const bool right : {false, true}) {
        const std::size_t outer = right ? last : 0;
        const std::size_t inner = right ? last - 1 : 1;
        const double t = right ? 0.5 : -0.5;
        inverse_width_[outer] = inverse_width_[inner];
        first_node_[outer] = first_node_[inner];
        for (std::size_t j = 0; j < width_; ++j) {
            const double* c = shape(inner, j);
            double* out = table_.data() + (outer * width_ + j) * coefficients_per_shape;
            out[0] = (((c[4] * t + c[3]) * t + c[2]) * t + c[1]) * t + c[0];
            out[1] = ((4 * c[4] * t + 3 * c[3]) * t + 2 * c[2]) * t + c[1];
        }
    }
}

std::size_t GridBasis::cell_of(double x) const {
    return kernels::cell_of(nodes_.data(), nodes_.size(), x);
}

double GridBasis::evaluate(std::span<const double> u, double x, int derivative) const {
    const std::size_t cell = cell_of(x);
    const double inverse = inverse_width_[cell];
    const double t = (x - center_[cell]) * inverse;
    double sum = 0;
    for (std::size_t j = 0; j < width_; ++j) {
        const double* c = shape(cell, j);
        const double node_value = u[first_node_[cell] + j];
        if (derivative == 0) {
            sum += node_value * ((((c[4] * t + c[3]) * t + c[2]) * t + c[1]) * t + c[0]);
        } else if (derivative == 1) {
            sum += node_value * inverse * (((4 * c[4] * t + 3 * c[3]) * t + 2 * c[2]) * t + c[1]);
        } else {
            sum += node_value * inverse * inverse * ((12 * c[4] * t + 6 * c[3]) * t + 2 * c[2]);
        }
    }
    return sum;
}

std::vector<double> GridBasis::roughness() const {
    const std::size_t n = nodes_.size();
    std::vector<double> r(n * n, 0.0);
    const double range = high() - low();
    for (std::size_t j = 1; j + 1 < n; ++j) {
        const double left = (nodes_[j] - nodes_[j - 1]) / range;
        const double right = (nodes_[j + 1] - nodes_[j]) / range;
        const double half = (left + right) / 2;
        const std::array<double, 3> d = {1 / (left * half), -(1 / left + 1 / right) / half,
                                         1 / (right * half)};
        for (std::size_t a = 0; a < 3; ++a) {
            for (std::size_t b = 0; b < 3; ++b) {
                r[(j - 1 + a) * n + j - 1 + b] += half * d[a] * d[b];
            }
        }
    }
    return r;
}

std::vector<double> GridBasis::slope_penalty() const {
    const std::size_t n = nodes_.size();
    std::vector<double> s(n * n, 0.0);
    if (unordered()) {
        const auto count = static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                s[i * n + j] = ((i == j ? 1.0 : 0.0) - 1.0 / count) / count;
            }
        }
        return s;
    }
    const double range = high() - low();
    for (std::size_t j = 0; j + 1 < n; ++j) {
        const double weight = 0.1 * range / (nodes_[j + 1] - nodes_[j]);
        s[j * n + j] += weight;
        s[(j + 1) * n + j + 1] += weight;
        s[j * n + j + 1] -= weight;
        s[(j + 1) * n + j] -= weight;
    }
    return s;
}

namespace {

/// Nodes at a blend of even spacing and the data's quantiles (share: 0 even, 1 quantiles).
std::vector<double> blended(std::span<const double> sorted, std::size_t segments, double share) {
    const double low = sorted.front();
    const double high = sorted.back();
    std::vector<double> nodes(segments + 1);
    for (std::size_t j = 0; j <= segments; ++j) {
        const double q = static_cast<double>(j) / static_cast<double>(segments);
        const auto rank =
            static_cast<std::size_t>(std::lround(q * static_cast<double>(sorted.size() - 1)));
        nodes[j] = (1 - share) * (low + q * (high - low)) + share * sorted[rank];
    }
    nodes.front() = low;
    nodes.back() = high;
    return nodes;
}

/// Rows in the emptiest element.
std::size_t emptiest(std::span<const double> sorted, const std::vector<double>& nodes) {
    std::size_t least = sorted.size();
    auto from = sorted.begin();
    for (std::size_t j = 1; j < nodes.size(); ++j) {
        const auto to =
            j + 1 == nodes.size() ? sorted.end() : std::lower_bound(from, sorted.end(), nodes[j]);
        least = std::min(least, static_cast<std::size_t>(to - from));
        from = to;
    }
    return least;
}

/// Drops every inner node whose element to the left holds fewer than `wanted` rows, and nodes too
/// close to tell apart.
std::vector<double> merged(std::span<const double> sorted, const std::vector<double>& nodes,
                           std::size_t wanted) {
    const double tiny = 1e-9 * (sorted.back() - sorted.front());
    std::vector<double> kept = {nodes.front()};
    auto from = sorted.begin();
    for (std::size_t j = 1; j + 1 < nodes.size(); ++j) {
        const auto to = std::lower_bound(from, sorted.end(), nodes[j]);
        if (static_cast<std::size_t>(to - from) >= wanted && nodes[j] > kept.back() + tiny &&
            nodes[j] < nodes.back() - tiny) {
            kept.push_back(nodes[j]);
            from = to;
        }
    }
    if (kept.size() > 1 && static_cast<std::size_t>(sorted.end() - from) < wanted) {
        kept.pop_back();
    }
    kept.push_back(nodes.back());
    return kept;
}

}  // namespace

ColumnNodes nodes_from_sorted(std::span<const double> sorted, std::size_t segments) {
    if (sorted.empty() || segments == 0) {
        throw std::invalid_argument("grid basis: needs data and at least one segment");
    }
    ColumnNodes result;
    std::size_t distinct = 1;
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        distinct += sorted[i] != sorted[i - 1] ? 1U : 0U;
    }
    if (distinct <= 2 || (distinct <= max_levels && distinct * rows_per_level <= sorted.size())) {
        result.discrete = true;
        result.nodes.assign(sorted.begin(), sorted.end());
        result.nodes.erase(std::unique(result.nodes.begin(), result.nodes.end()),
                           result.nodes.end());
        return result;
    }
    segments = std::min(segments, distinct - 1);
    for (const double share : {0.0, 0.25, 0.5, 0.75}) {
        result.nodes = blended(sorted, segments, share);
        // An even spacing is kept while its emptiest element holds a fifth of its share.
        if (emptiest(sorted, result.nodes) >=
            std::max<std::size_t>(1, sorted.size() / (5 * segments))) {
            return result;
        }
    }
    result.nodes = merged(sorted, blended(sorted, segments, 0.75), 1);
    return result;
}

}  // namespace closedform
