// The kernels of cuda/, their bodies and the drivers around them, run on the host: blocks as loops
// (cuda/block.hpp), a device with as much memory as each test gives it (cuda/host_runtime.hpp).

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "closedform/random.hpp"
#include "closedform/tensor_surrogate.hpp"
#include "drivers/surrogate.hpp"
#include "host_runtime.hpp"

using namespace closedform;

namespace {

constexpr std::size_t plenty = std::size_t{1} << 30U;

TensorSurrogate random_model(std::size_t inputs, std::size_t modes) {
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

Sizes sizes_of(const TensorSurrogate& model, MatrixView<const double> x) {
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
            const double c =
                std::abs(table.planes[(cell * 5 + static_cast<std::size_t>(power)) * table.padded +
                                      m]);
            const double falling = order == 0   ? 1
                                   : order == 1 ? power
                                                : power * (power - 1);
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

/// Largest |a - b| in units of size * eps * number of terms.
template <class Real>
double worst(const std::vector<double>& a, const std::vector<double>& b,
             const std::vector<double>& size, std::size_t terms) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double unit =
            static_cast<double>(terms) * static_cast<double>(std::numeric_limits<Real>::epsilon());
        most = std::max(most, std::abs(a[i] - b[i]) / (unit * (size[i] + 1e-300)));
    }
    return most;
}

template <class Real>
void compare(std::size_t inputs, std::size_t modes, std::size_t rows, std::size_t memory,
             std::size_t shared, std::size_t least_launches, bool on_device) {
    CAPTURE(inputs);
    CAPTURE(modes);
    CAPTURE(rows);
    const TensorSurrogate model = random_model(inputs, modes);
    Random random(3, rows);
    std::vector<Real> x(rows * inputs);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const GridBasis& basis = model.basis(i % inputs);
        x[i] = static_cast<Real>(basis.low() - 0.1 +
                                 (basis.high() - basis.low() + 0.2) * random.uniform());
    }
    const MatrixView<const Real> view(x.data(), rows, inputs);
    std::vector<double> value(rows), gradient(rows * inputs), hessian(rows * inputs * inputs);
    model.derivatives(view, value.data(), gradient.data(), hessian.data(), 1);
    std::vector<double> value2(rows, -1), gradient2(gradient.size(), -1),
        hessian2(hessian.size(), -1), value3(rows, -1), gradient3(gradient.size(), -1);

    gpu::HostRuntime runtime(memory, shared);
    gpu::derivatives(runtime, model, view, on_device, value2.data(), gradient2.data(),
                     hessian2.data());
    CHECK(runtime.launches() >= least_launches);
    gpu::derivatives(runtime, model, view, on_device, value3.data(), nullptr, nullptr);
    gpu::derivatives(runtime, model, view, on_device, nullptr, gradient3.data(), nullptr);
    CHECK(gradient3 == gradient2);
    CHECK(runtime.free_memory() == memory);  // everything was given back

    const std::vector<double> wide(x.begin(), x.end());
    const Sizes sizes = sizes_of(model, MatrixView<const double>(wide.data(), rows, inputs));
    // A product of D quartics, summed over modes: some 10 D + M roundings on the longest way. That
    // x - center is rounded counts once more where t is small, hence 16 D.
    const std::size_t terms = 16 * inputs + modes;
    CHECK(worst<Real>(value2, value, sizes.value, terms) < 1);
    CHECK(worst<Real>(value3, value, sizes.value, terms) < 1);
    CHECK(worst<Real>(gradient2, gradient, sizes.gradient, terms) < 1);
    CHECK(worst<Real>(hessian2, hessian, sizes.hessian, terms) < 1);
}

}  // namespace

TEST_CASE_TEMPLATE("grid: surrogate derivatives are the CPU's, at all sizes", Real, float, double) {
    for (const std::size_t rows : {0U, 1U, 63U, 64U, 65U, 127U, 128U, 129U, 500U}) {
        compare<Real>(3, 5, rows, plenty, 48 << 10U, rows == 0 ? 0 : 1, false);
    }
    compare<Real>(1, 1, 70, plenty, 48 << 10U, 1, false);
    compare<Real>(10, 14, 130, plenty, 227 << 10U, 1, false);  // tables in shared memory
    compare<Real>(10, 14, 130, plenty, 48 << 10U, 1, false);   // tables where they are
    compare<Real>(12, 6, 130, plenty, 8 << 10U, 1, false);     // space in the device's memory
    compare<Real>(3, 5, 300, plenty, 48 << 10U, 1, true);      // rows there already
}

TEST_CASE_TEMPLATE("grid: data larger than the device go in chunks", Real, float, double) {
    // 3 + 1 + 3 + 9 numbers a row, two chunks in flight of at least 256 rows.
    const std::size_t row = 16 * sizeof(Real);
    compare<Real>(3, 5, 2000, row * 2 * 300 * 10 / 8, 48 << 10U, 6, false);
}

TEST_CASE("grid: too little memory is said") {
    const TensorSurrogate model = random_model(3, 2);
    const std::vector<double> x(3000, 0.5);
    std::vector<double> hessian(9000);
    gpu::HostRuntime runtime(20000, 48 << 10U);
    const MatrixView<const double> view(x.data(), 1000, 3);
    CHECK_THROWS_AS(
        gpu::derivatives(runtime, model, view, false, nullptr, nullptr, hessian.data()),
        DeviceError);
}
