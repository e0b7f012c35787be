#pragma once
// Surrogates for the tests of device code, and the sizes that rounding is measured against.

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "closedform/surrogate/tensor_surrogate.hpp"
#include "core/random.hpp"

namespace closedform::grid {

inline TensorSurrogate random_model(std::size_t inputs, std::size_t modes) {
    Random random(7, inputs);
    std::vector<GridBasis> bases;
    for (std::size_t d = 0; d < inputs; ++d) {
        std::vector<double> nodes = {-1.0};
        for (std::size_t j = 0; j < d % 6; ++j) {
            nodes.push_back(nodes.back() + 0.5 + random.uniform());
        }
        bases.emplace_back(nodes, 2U, 2U);
    }
    TensorSurrogate model(std::move(bases), modes);
    for (std::size_t d = 0; d < inputs; ++d) {
        for (double& u : model.factor(d)) {
            u = random.bell();
        }
    }
    model.set_offset(0.7);
    model.refresh();
    return model;
}

/// The same modes with every node value made positive, and the grid's sums of absolute terms: what
/// rounding is measured against. A term of u is a product of one coefficient times a power of t an
/// input; a derivative's has one or two inverse widths more.
struct Sizes {
    std::vector<double> value, gradient, hessian;
};

inline Sizes sizes_of(const TensorSurrogate& model, MatrixView<const double> x) {
    const std::size_t d = x.columns;
    Sizes sizes{std::vector<double>(x.rows), std::vector<double>(x.rows * d),
                std::vector<double>(x.rows * d * d)};
    // For one mode and input: sums of |c_k t^k|, |k c_k t^(k-1)| and so on.
    const auto factor = [&](std::size_t k, std::size_t m, double at, int order) {
        const FactorTable& table = model.tables()[k];
        const std::size_t cell = model.basis(k).cell_of(at);
        const double t = std::abs((at - table.center[cell]) * table.inverse_width[cell]);
        double sum = 0;
        for (int power = 0; power < 5; ++power) {
            const double c = std::abs(
                table.planes[(cell * 5 + static_cast<std::size_t>(power)) * table.padded + m]);
            const double falling = order == 0 ? 1 : order == 1 ? power : power * (power - 1);
            sum += power < order ? 0 : falling * c * std::pow(t, power - order);
        }
        return sum * std::pow(table.inverse_width[cell], order);
    };
    for (std::size_t r = 0; r < x.rows; ++r) {
        sizes.value[r] = std::abs(model.offset());
        for (std::size_t m = 0; m < model.modes(); ++m) {
            const auto product = [&](std::size_t i, std::size_t j) {
                double all = 1;
                for (std::size_t k = 0; k < d; ++k) {
                    all *= factor(k, m, x(r, k), (k == i ? 1 : 0) + (k == j ? 1 : 0));
                }
                return all;
            };
            sizes.value[r] += product(d, d);
            for (std::size_t i = 0; i < d; ++i) {
                sizes.gradient[r * d + i] += product(i, d);
                for (std::size_t j = 0; j < d; ++j) {
                    sizes.hessian[(r * d + i) * d + j] += product(i, j);
                }
            }
        }
    }
    return sizes;
}

/// Rows in and a little around the grid.
template <class Real>
std::vector<Real> random_rows(const TensorSurrogate& model, std::size_t rows) {
    Random random(3, rows);
    std::vector<Real> x(rows * model.inputs());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const GridBasis& basis = model.basis(i % model.inputs());
        x[i] = static_cast<Real>(basis.low() - 0.1 +
                                 (basis.high() - basis.low() + 0.2) * random.uniform());
    }
    return x;
}

}  // namespace closedform::grid
