#include "closedform/network/network.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "device_rows.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

constexpr std::array<std::pair<const char*, Head::Kind>, 3> head_names = {
    {{"neuron", Head::Kind::neuron},
     {"before_activation", Head::Kind::before_activation},
     {"log_odds", Head::Kind::log_odds}}};

Head head_named(const std::string& kind, std::size_t layer, std::size_t index) {
    for (const auto& [known, value] : head_names) {
        if (kind == known) {
            return {value, layer, index};
        }
    }
    throw py::value_error("head must be \"neuron\", \"before_activation\" or \"log_odds\", not \"" +
                          kind + "\"");
}

template <class T>
using Layer = std::tuple<Array<T>, Array<T>, std::string, double>;

template <class T>
Network<T> network_of(const std::vector<Layer<T>>& parts) {
    std::vector<DenseLayer<T>> layers;
    for (const auto& [weights, bias, activation, parameter] : parts) {
        const MatrixView<const T> w = matrix_view(weights, "weights");
        const std::span<const T> b = vector_view(bias, w.rows, "bias");
        layers.push_back({w.columns, w.rows, std::vector<T>(w.data, w.data + w.rows * w.columns),
                          std::vector<T>(b.begin(), b.end()), activation_named(activation),
                          parameter});
    }
    return Network<T>(std::move(layers));
}

/// [rows] for a value, [rows, inputs] for a gradient.
template <class T>
DoubleArray evaluate(const Network<T>& network, const py::object& x, const Head& head,
                     bool gradient, unsigned threads, bool on_device, bool own_products) {
    const DeviceRows rows = device_rows_of(x);
    if (on_device) {
        find_libraries();
    }
    std::vector<py::ssize_t> shape = {static_cast<py::ssize_t>(rows.table.rows())};
    if (gradient) {
        shape.push_back(static_cast<py::ssize_t>(rows.table.columns()));
    }
    DoubleArray out(shape);
    double* value = gradient ? nullptr : out.mutable_data();
    double* slope = gradient ? out.mutable_data() : nullptr;
    {
        const Unlocked unlocked;
        if (on_device) {
            cuda::evaluate(network, rows, head, value, slope,
                           own_products ? cuda::Products::own : cuda::Products::of_library);
        } else {
            rows.table.visit(
                [&](const auto& view) { network.evaluate(view, head, value, slope, threads); });
        }
    }
    return out;
}

template <class T>
void register_precision(py::module_& module, const char* name) {
    py::class_<Network<T>>(module, name)
        .def(py::init(&network_of<T>), py::arg("layers"))
        .def_property_readonly("inputs", &Network<T>::inputs)
        .def_property_readonly("widths",
                               [](const Network<T>& network) {
                                   std::vector<std::size_t> widths;
                                   for (const DenseLayer<T>& layer : network.layers()) {
                                       widths.push_back(layer.outputs);
                                   }
                                   return widths;
                               })
        .def(
            "value",
            [](const Network<T>& network, const py::object& x, const std::string& head,
               std::size_t layer, std::size_t index, unsigned threads, bool on_device,
               bool own_products) {
                return evaluate(network, x, head_named(head, layer, index), false, threads,
                                on_device, own_products);
            },
            py::arg("x"), py::arg("head"), py::arg("layer"), py::arg("index"),
            py::arg("threads") = 0, py::arg("on_device") = false, py::arg("own_products") = false)
        .def(
            "gradient",
            [](const Network<T>& network, const py::object& x, const std::string& head,
               std::size_t layer, std::size_t index, unsigned threads, bool on_device,
               bool own_products) {
                return evaluate(network, x, head_named(head, layer, index), true, threads,
                                on_device, own_products);
            },
            py::arg("x"), py::arg("head"), py::arg("layer"), py::arg("index"),
            py::arg("threads") = 0, py::arg("on_device") = false, py::arg("own_products") = false);
}

}  // namespace

void register_network(py::module_& module) {
    register_precision<float>(module, "NetworkFloat32");
    register_precision<double>(module, "NetworkFloat64");
}

}  // namespace closedform
