#include "surrogate/als_equations.hpp"

#include <algorithm>

#include "kernels/simd/als.hpp"

namespace closedform {
namespace {

constexpr std::size_t between_looks = 10'000'000;  // multiplications between two looks at the clock

std::vector<double> roughness_penalty(const GridBasis& basis, double smoothing) {
    std::vector<double> penalty = basis.roughness();
    const std::vector<double> slope_penalty = basis.slope_penalty();
    for (std::size_t i = 0; i < penalty.size(); ++i) {
        penalty[i] = smoothing * (penalty[i] + (basis.unordered() ? 10.0 : 1.0) * slope_penalty[i]);
    }
    for (std::size_t i = 0; i < basis.node_count(); ++i) {
        penalty[i * basis.node_count() + i] += 1e-13;  // nodes without rows stay put
    }
    return penalty;
}

/// Share of the moment t^q in the product of two shape functions: t^k t^l with k + l = q.
std::vector<double> weave_of(const GridBasis& basis) {
    const std::size_t width = basis.width();
    std::vector<double> weave(basis.cells() * moment_count * width * width, 0.0);
    for (std::size_t c = 0; c < basis.cells(); ++c) {
        double* cell = weave.data() + c * moment_count * width * width;
        for (std::size_t i = 0; i < width; ++i) {
            for (std::size_t j = 0; j < width; ++j) {
                for (std::size_t k = 0; k < shape_count; ++k) {
                    for (std::size_t l = 0; l < shape_count; ++l) {
                        cell[((k + l) * width + i) * width + j] +=
                            basis.shape(c, i)[k] * basis.shape(c, j)[l];
                    }
                }
            }
        }
    }
    return weave;
}

}  // namespace

InputEquations::InputEquations(const GridBasis& basis, double smoothing)
    : basis_(basis), penalty_(roughness_penalty(basis, smoothing)), weave_(weave_of(basis)) {}

/// Normal matrix and right-hand side, unknowns ordered [node][mode]: only modes of nodes that share
/// a cell meet, so that the matrix is a narrow band.
void InputEquations::assemble(CellMoments& moments, std::size_t padded, const StopToken& stop) {
    const std::size_t width = basis_.width();
    for (std::size_t c = 0; c < basis_.cells(); ++c) {
        double* cell = moments.pairs.data() + c * modes_ * moment_count * padded;
        if (!moments.any(c, modes_, padded)) {
            continue;
        }
        if (stop.stopped()) {
            return;
        }
        for (std::size_t m = 0; m < modes_; ++m) {  // each pair was summed once
            for (std::size_t q = 0; q < moment_count; ++q) {
                for (std::size_t n = m + 1; n < modes_; ++n) {
                    cell[(m * moment_count + q) * padded + n] =
                        cell[(n * moment_count + q) * padded + m];
                }
            }
        }
        als_row_kernels().add_cell(cell, weave_.data() + c * moment_count * width * width, width,
                                   modes_, padded, basis_.first_node(c), band_.data(), reach_);
    }
    moments.add_by_node(basis_, modes_, padded, right_.data());
}

/// False where the matrix is not positive definite, and once `stop` says so.
bool InputEquations::factor(const StopToken& stop) {
    const std::size_t size = right_.size();
    const std::size_t step = 1 + between_looks / ((reach_ + 1) * (reach_ + 1));
    for (std::size_t first = 0; first < size; first += step) {
        if (stop.stopped() || !als_row_kernels().factor_band(band_.data(), size, reach_, first,
                                                             std::min(size, first + step))) {
            return false;
        }
    }
    return true;
}

bool InputEquations::take(CellMoments& moments, std::size_t modes, std::size_t padded,
                          const StopToken& stop) {
    modes_ = modes;
    const std::size_t nodes = basis_.node_count();
    // How many nodes on a node meets: those of its cells, and those a penalty ties it to.
    const std::size_t ties =
        basis_.unordered() ? nodes - 1 : std::max<std::size_t>(basis_.width() - 1, 2);
    const std::size_t size = modes * nodes;
    reach_ = std::min((ties + 1) * modes - 1, size - 1);
    band_.assign(size * (reach_ + 1), 0.0);
    right_.assign(size, 0.0);
    assemble(moments, padded, stop);

    // Penalties in proportion to what the mode's other factors carry, so that they do not depend on
    // how a mode's scale is shared among its factors.
    carried_.assign(modes, 0.0);
    double most = 0;
    for (std::size_t m = 0; m < modes; ++m) {
        for (std::size_t c = 0; c < basis_.cells(); ++c) {
            carried_[m] += moments.pairs[((c * modes + m) * moment_count) * padded + m];
        }
        most = std::max(most, carried_[m]);
    }
    if (!(most > 0)) {
        return false;
    }
    for (std::size_t m = 0; m < modes; ++m) {
        carried_[m] = std::max(carried_[m], 1e-10 * most);
        for (std::size_t i = 0; i < nodes; ++i) {
            for (std::size_t j = i > ties ? i - ties : 0; j <= i; ++j) {
                band(i * modes + m, j * modes + m) += carried_[m] * penalty_[i * nodes + j];
            }
        }
    }
    const std::vector<double> original = band_;
    double ridge = 1e-12 * most / static_cast<double>(nodes);
    while (!factor(stop)) {
        if (stop.stopped()) {
            return false;
        }
        band_ = original;
        for (std::size_t i = 0; i < size; ++i) {
            band(i, i) += ridge;
        }
        ridge *= 100;
        if (!(ridge > 0 && ridge < 1e6 * most)) {  // 0 where the moments are next to nothing
            return false;
        }
    }
    return true;
}

std::vector<double> InputEquations::solve(std::span<const double> right) const {
    std::vector<double> u(right.begin(), right.end());
    als_row_kernels().solve_band(band_.data(), u.size(), reach_, u.data());
    return u;
}

std::vector<double> InputEquations::penalty_of(std::span<const double> u) const {
    const std::size_t nodes = basis_.node_count();
    std::vector<double> product(u.size());
    for (std::size_t i = 0; i < nodes; ++i) {
        for (std::size_t m = 0; m < modes_; ++m) {
            double row = 0;
            for (std::size_t j = 0; j < nodes; ++j) {
                row += penalty_[i * nodes + j] * u[j * modes_ + m];
            }
            product[i * modes_ + m] = carried_[m] * row;
        }
    }
    return product;
}

}  // namespace closedform
