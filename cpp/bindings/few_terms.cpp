#include "terms/few_terms.hpp"

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"
#include "terms/exact_sum.hpp"
#include "terms/pair_gain.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

std::vector<std::vector<ColumnFactor>> few_terms_of(const DoubleArray& columns,
                                                    const DoubleArray& target,
                                                    const DoubleArray& root) {
    const auto view = matrix_view(columns, "columns");
    const auto values = vector_view(target, view.rows, "target");
    const auto roots = vector_view(root, view.rows, "root");
    const Unlocked unlocked;
    return few_terms(view, values, roots);
}

std::vector<ColumnFactor> exact_sum_of(const DoubleArray& columns, const DoubleArray& target) {
    const auto view = matrix_view(columns, "columns");
    const auto values = vector_view(target, view.rows, "target");
    const Unlocked unlocked;
    return exact_sum(view, values);
}

DoubleArray pair_gains(const DoubleArray& gram, const DoubleArray& along, double least) {
    const auto products = matrix_view(gram, "gram");
    const auto with_target = vector_view(along, products.rows, "along");
    DoubleArray gains({gram.shape(0), gram.shape(0)});
    const MatrixView<double> out(gains.mutable_data(), products.rows, products.rows);
    for (std::size_t i = 0; i < products.rows; ++i) {
        for (std::size_t j = 0; j < products.rows; ++j) {
            out(i, j) = pair_gain({products(i, i), with_target[i]},
                                  {products(j, j), with_target[j]}, products(i, j), least);
        }
    }
    return gains;
}

}  // namespace

void register_few_terms(py::module_& module) {
    module.def("few_terms", &few_terms_of, py::arg("columns"), py::arg("target"), py::arg("root"));
    module.def("exact_sum", &exact_sum_of, py::arg("columns"), py::arg("target"));
    module.def("pair_gains", &pair_gains, py::arg("gram"), py::arg("along"), py::arg("least"));
}

}  // namespace closedform
