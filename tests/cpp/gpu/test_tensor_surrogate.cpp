// The kernels of cuda/, their bodies and the drivers around them, run on the host: blocks as loops
// (cuda/runtime/block.hpp), a device with as much memory as each test gives it
// (cuda/runtime/host_runtime.hpp).

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cuda/runtime/host_runtime.hpp"
#include "cuda/surrogate/tensor_surrogate_driver.hpp"
#include "gpu/grid_models.hpp"

using namespace closedform;
using grid::random_model;
using grid::Sizes;

namespace {

constexpr std::size_t plenty = std::size_t{1} << 30U;

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
    const std::vector<Real> x = grid::random_rows<Real>(model, rows);
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
    const Sizes sizes = grid::sizes_of(model, MatrixView<const double>(wide.data(), rows, inputs));
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
    CHECK_THROWS_AS(gpu::derivatives(runtime, model, view, false, nullptr, nullptr, hessian.data()),
                    DeviceError);
}
