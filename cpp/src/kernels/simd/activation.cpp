#include "kernels/simd/activation.hpp"

namespace closedform::CLOSEDFORM_SET {
namespace {

/// A row of z + bias through `respond_to_number`, whose slopes are not wanted where `slope` is
/// null.
template <class T, class F>
void respond_row(const T* __restrict bias, std::size_t columns, T* __restrict z,
                 T* __restrict slope, F respond_to_number) {
    if (slope == nullptr) {
        for (std::size_t j = 0; j < columns; ++j) {
            z[j] = static_cast<T>(respond_to_number(z[j] + bias[j]).value);
        }
        return;
    }
    for (std::size_t j = 0; j < columns; ++j) {
        const auto response = respond_to_number(z[j] + bias[j]);
        z[j] = static_cast<T>(response.value);
        slope[j] = static_cast<T>(response.slope);
    }
}

template <class T>
bool any_far(const T* z, const T* bias, std::size_t columns) {
    kernels::Bits any = 0;  // as wide as what is compared: a bool would not become vector code
    for (std::size_t j = 0; j < columns; ++j) {
        const double sum = static_cast<double>(z[j] + bias[j]);
        any |= kernels::Bits{__builtin_fabs(sum) > CLOSEDFORM_SINCOS_LIMIT};
    }
    return any != 0;
}

template <Activation kind, class T>
void respond_rows(double parameter, const T* bias, std::size_t rows, std::size_t columns, T* z,
                  T* slope) {
    const T number = static_cast<T>(parameter);
    for (std::size_t i = 0; i < rows; ++i) {
        T* row = z + i * columns;
        T* slopes = slope == nullptr ? nullptr : slope + i * columns;
        if (kind == Activation::sin && any_far(row, bias, columns)) {
            respond_row(bias, columns, row, slopes,
                        [](T sum) { return kernels::far_sine(static_cast<double>(sum)); });
        } else {
            respond_row(bias, columns, row, slopes,
                        [number](T sum) { return kernels::respond<kind>(sum, number); });
        }
    }
}

template <class T>
void respond_to(Activation kind, double parameter, const T* bias, std::size_t rows,
                std::size_t columns, T* z, T* slope) {
    switch (kind) {
#define CLOSEDFORM_RESPOND(name) \
    case Activation::name:       \
        return respond_rows<Activation::name>(parameter, bias, rows, columns, z, slope);
        CLOSEDFORM_RESPOND(identity)
        CLOSEDFORM_RESPOND(relu)
        CLOSEDFORM_RESPOND(leaky_relu)
        CLOSEDFORM_RESPOND(elu)
        CLOSEDFORM_RESPOND(gelu)
        CLOSEDFORM_RESPOND(gelu_tanh)
        CLOSEDFORM_RESPOND(silu)
        CLOSEDFORM_RESPOND(softplus)
        CLOSEDFORM_RESPOND(tanh)
        CLOSEDFORM_RESPOND(sigmoid)
        CLOSEDFORM_RESPOND(sin)
#undef CLOSEDFORM_RESPOND
    }
}

}  // namespace

const ActivationKernels* activation_kernels() {
    static const ActivationKernels table = {respond_to<double>, respond_to<float>};
    return &table;
}

}  // namespace closedform::CLOSEDFORM_SET
