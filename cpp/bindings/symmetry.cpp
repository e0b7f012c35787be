#include <pybind11/stl.h>

#include <optional>

#include "arrays.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/symmetry/separable_blocks.hpp"
#include "closedform/symmetry/symmetries.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

const char* name(MergeKind kind) {
    constexpr const char* names[] = {"unused", "linear", "product", "radius", "mixed"};
    return names[static_cast<std::size_t>(kind)];
}

Array<double> columns(const std::vector<MergedInput>& inputs, std::size_t rows,
                      std::vector<double> MergedInput::* column) {
    Array<double> out({rows, inputs.size()});
    double* to = out.mutable_data();
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        for (std::size_t r = 0; r < rows; ++r) {
            to[r * inputs.size() + k] = (inputs[k].*column)[r];
        }
    }
    return out;
}

py::dict to_python(const Merging& merging, const std::vector<std::string>& names,
                   std::size_t rows) {
    py::list merges;
    for (const Merge& merge : merging.merges) {
        std::vector<std::string> inputs;
        for (const Tape& tape : merge.inputs) {
            inputs.push_back(print(tape, names));
        }
        merges.append(py::make_tuple(name(merge.kind), print(merge.tape, names),
                                     py::tuple(py::cast(inputs)), merge.statistic, merge.noise,
                                     merge.loss));
    }
    std::vector<std::string> texts;
    for (const MergedInput& input : merging.inputs) {
        texts.push_back(print(input.tape, names));
    }
    py::dict out;
    out["merges"] = merges;
    out["texts"] = texts;
    out["Z"] = columns(merging.inputs, rows, &MergedInput::z);
    out["U"] = columns(merging.inputs, rows, &MergedInput::u);
    out["S"] = columns(merging.inputs, rows, &MergedInput::s);
    out["loss"] = merging.loss;
    out["exact"] = merging.exact;
    return out;
}

std::pair<py::dict, std::optional<py::dict>> find(const Array<double>& x, const Array<double>& u,
                                                  const std::optional<Array<double>>& scales,
                                                  const std::optional<Array<double>>& weights,
                                                  const std::vector<std::string>& names,
                                                  const std::vector<std::string>& operators,
                                                  std::uint64_t seed, double seconds) {
    const auto points = matrix_view(x, "X");
    const auto gradients = matrix_view(u, "U");
    const auto units =
        scales ? vector_view(*scales, points.columns, "scales") : std::span<const double>{};
    const auto row_weights =
        weights ? vector_view(*weights, points.rows, "weights") : std::span<const double>{};
    const std::vector<std::string_view> operator_views(operators.begin(), operators.end());
    const OpSet allowed(operator_views);
    const Interrupt interrupt;
    Symmetries found;
    {
        const Unlocked unlocked;
        found = find_symmetries(points, gradients, units, row_weights, allowed, seed,
                                interrupt.token().within(seconds));
    }
    if (PyErr_Occurred() != nullptr) {  // a signal that nobody held back
        throw py::error_already_set();
    }
    std::optional<py::dict> tentative;
    if (found.tentative) {
        tentative = to_python(*found.tentative, names, points.rows);
    }
    return {to_python(found.certain, names, points.rows), tentative};
}

std::vector<std::tuple<std::size_t, std::size_t, double>> blocks(const Array<double>& z,
                                                                 const Array<double>& u,
                                                                 const Array<double>& s,
                                                                 const Array<double>& weights,
                                                                 double seconds) {
    const auto values = matrix_view(z, "Z");
    const auto components = matrix_view(u, "U");
    const auto sizes = matrix_view(s, "S");
    const auto row_weights = vector_view(weights, values.rows, "weights");
    for (const auto& other : {components, sizes}) {
        if (other.rows != values.rows || other.columns != values.columns) {
            throw std::invalid_argument("U, S: need the shape of Z");
        }
    }
    const Interrupt interrupt;
    std::vector<SeparableBlock> found;
    {
        const Unlocked unlocked;
        found = separable_blocks(values, components, sizes, row_weights,
                                 interrupt.token().within(seconds));
    }
    if (PyErr_Occurred() != nullptr) {
        throw py::error_already_set();
    }
    std::vector<std::tuple<std::size_t, std::size_t, double>> out;
    for (const SeparableBlock& block : found) {
        out.emplace_back(block.first, block.second, block.statistic);
    }
    return out;
}

}  // namespace

void register_symmetries(py::module_& module) {
    module.def("find_symmetries", &find, py::arg("X").noconvert(), py::arg("U").noconvert(),
               py::arg("scales"), py::arg("weights"), py::arg("names"), py::arg("operators"),
               py::arg("seed"), py::arg("seconds"));
    module.def("separable_blocks", &blocks, py::arg("Z").noconvert(), py::arg("U").noconvert(),
               py::arg("S").noconvert(), py::arg("weights").noconvert(), py::arg("seconds"));
}

}  // namespace closedform
