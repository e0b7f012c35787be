#include "closedform/expression/vocabulary.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <stdexcept>

#include "closedform/expression/infix.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

Op named(const Vocabulary& self, const std::string& name) {
    if (name == "constant") {
        return Op::constant;
    }
    if (const auto own = self.find(name)) {
        return *own;
    }
    const std::string_view view = name;
    return OpSet(std::span(&view, 1)).operators().front();
}

}  // namespace

void register_vocabulary(py::module_& module) {
    py::class_<Vocabulary, std::shared_ptr<Vocabulary>>(module, "Vocabulary")
        .def(py::init<>())
        .def(
            "define",
            [](Vocabulary& self, const std::string& name, const std::string& text,
               const std::vector<std::string>& operands) {
                self.define(name, parse(text, operands));
            },
            py::arg("name"), py::arg("text"), py::arg("operands"))
        .def(
            "count",
            [](Vocabulary& self, const std::string& name, std::size_t as) {
                self.count(named(self, name), as);
            },
            py::arg("name"), py::arg("counts"))
        .def(
            "count_input",
            [](Vocabulary& self, int column, std::size_t as) { self.count_input(column, as); },
            py::arg("column"), py::arg("counts"));
}

}  // namespace closedform
