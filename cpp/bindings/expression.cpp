#include "closedform/expression/expression.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "arrays.hpp"
#include "closedform/expression/canonical_form.hpp"
#include "closedform/expression/evaluate.hpp"
#include "closedform/expression/infix.hpp"
#include "closedform/expression/interval.hpp"
#include "expression/expand_products.hpp"
#include "expression/workspace.hpp"
#include "interpreter_lock.hpp"
#include "objective/expanded_target.hpp"
#include "objective/levenberg_marquardt.hpp"
#include "objective/value_objective.hpp"
#include "register.hpp"
#include "search/round_constants.hpp"
#include "words.hpp"

namespace py = pybind11;

namespace closedform {
namespace {

/// A tape as Python holds it: immutable.
struct Expression {
    Tape tape;
    std::shared_ptr<const Vocabulary> vocabulary;  ///< null where all words are the table's

    /// In operators of the table, with what each node is one of.
    Expanded expanded() const {
        if (vocabulary == nullptr || !vocabulary->has_own()) {
            Expanded same{tape, std::vector<std::size_t>(tape.size())};
            std::iota(same.origin.begin(), same.origin.end(), std::size_t{0});
            return same;
        }
        Expanded wide = vocabulary->expanded(tape);
        if (wide.tape.empty()) {
            throw std::invalid_argument(
                "expression: written out it is longer than 255 operators, constants and variables");
        }
        return wide;
    }
    Tape written_out() const { return expanded().tape; }
};

template <class T>
Array<double> call(const Expression& self, const Array<T>& x, unsigned threads) {
    const auto view = matrix_view(x, "X");
    Array<double> out(static_cast<py::ssize_t>(view.rows));
    const std::span<double> values(out.mutable_data(), view.rows);
    const Tape tape = self.written_out();
    const Unlocked unlocked;
    evaluate(tape, view, values, threads);
    return out;
}

template <class T>
Array<double> gradient(const Expression& self, const Array<T>& x, unsigned threads) {
    const auto view = matrix_view(x, "X");
    Array<double> out({x.shape(0), x.shape(1)});
    const MatrixView<double> values(out.mutable_data(), view.rows, view.columns);
    const Tape tape = self.written_out();
    const Unlocked unlocked;
    evaluate_gradient(tape, view, values, threads);
    return out;
}

template <class T>
Array<double> hessian(const Expression& self, const Array<T>& x, unsigned threads) {
    const auto view = matrix_view(x, "X");
    Array<double> out({x.shape(0), x.shape(1), x.shape(1)});
    double* data = out.mutable_data();
    const Tape tape = self.written_out();
    const Unlocked unlocked;
    evaluate_derivatives(tape, view, nullptr, nullptr, data, threads);
    return out;
}

template <class T>
Array<double> constant_slopes(const Expression& self, const Array<T>& x, unsigned threads) {
    const auto view = matrix_view(x, "X");
    const auto constants = constant_positions(self.tape);
    Array<double> out({x.shape(0), static_cast<py::ssize_t>(constants.size())});
    const MatrixView<double> slopes(out.mutable_data(), view.rows, constants.size());
    const Expanded wide = self.expanded();
    const Unlocked unlocked;
    const auto copies = constant_positions(wide.tape);
    if (wide.tape.size() == self.tape.size()) {
        evaluate_constant_slopes(wide.tape, view, slopes, threads);
        return out;
    }
    std::vector<double> own(view.rows * copies.size());
    const MatrixView<double> of_copies(own.data(), view.rows, copies.size());
    evaluate_constant_slopes(wide.tape, view, of_copies, threads);
    for (std::size_t k = 0; k < constants.size(); ++k) {
        for (std::size_t i = 0; i < view.rows; ++i) {
            double sum = 0.0;
            for (std::size_t c = 0; c < copies.size(); ++c) {
                sum += wide.origin[copies[c]] == constants[k] ? of_copies(i, c) : 0.0;
            }
            slopes(i, k) = sum;
        }
    }
    return out;
}

Array<double> node_values(const Expression& self, const Array<double>& x,
                          const std::vector<std::size_t>& nodes, unsigned threads) {
    const auto view = matrix_view(x, "X");
    for (const std::size_t node : nodes) {
        if (node >= self.tape.size()) {
            throw std::invalid_argument("nodes: there is none of number " + std::to_string(node));
        }
    }
    Array<double> out({x.shape(0), static_cast<py::ssize_t>(nodes.size())});
    const MatrixView<double> values(out.mutable_data(), view.rows, nodes.size());
    const Unlocked unlocked;
    evaluate_nodes(self.tape, nodes, view, values, threads);
    return out;
}

/// The tape with other constants, in the order of constant_positions.
Expression with_constants(const Expression& self, const std::vector<double>& constants) {
    const auto positions = constant_positions(self.tape);
    if (constants.size() != positions.size()) {
        throw std::invalid_argument("constants: has " + std::to_string(constants.size()) +
                                    " numbers, the expression " + std::to_string(positions.size()));
    }
    Expression result = self;
    for (std::size_t k = 0; k < positions.size(); ++k) {
        result.tape[positions[k]].value = constants[k];
    }
    return result;
}

/// The mean squared error in the data's own units, whose constants may be of any size: those that
/// an expression has are no larger than they need to be.
class InOwnUnits final : public ValueObjective {
  public:
    InOwnUnits(RowBlocks rows, std::span<const double> y, std::span<const double> weights,
               const Tape& tape)
        : ValueObjective(std::move(rows), y, weights) {
        constexpr double room = 1e3;
        for (const Node& node : tape) {
            largest_ = std::max(largest_, room * std::abs(node.value));
        }
    }
    double largest_constant() const override { return largest_; }

  private:
    double largest_ = 1e9;
};

/// The same structure with its constants fitted to data, and its loss there. snap_within: rounds
/// constants as long as the loss stays below (1 + snap_within) times the fitted one; negative for
/// none. seconds: after them the constants stay where they are. fixed: one for every constant,
/// those that stay whatever the rows say; empty for none.
std::pair<Expression, double> refit(const Expression& self, const Array<double>& x,
                                    const Array<double>& y,
                                    const std::optional<Array<double>>& weights, double snap_within,
                                    double floor, double seconds, const std::vector<bool>& fixed) {
    const auto view = matrix_view(x, "X");
    if (static_cast<std::size_t>(inputs_needed(self.tape)) > view.columns) {
        throw std::invalid_argument("X: has fewer columns than the expression reads");
    }
    const auto targets = vector_view(y, view.rows, "y");
    const auto row_weights =
        weights ? vector_view(*weights, view.rows, "weights") : std::span<const double>{};
    const Unlocked unlocked;
    std::unique_ptr<Objective> made =
        std::make_unique<InOwnUnits>(RowBlocks(view), targets, row_weights, self.tape);
    if (self.vocabulary != nullptr && self.vocabulary->has_own()) {
        made = closedform::written_out(std::move(made), *self.vocabulary);
    }
    const Objective& objective = *made;
    Workspace workspace;
    Tape tape = self.tape;
    std::vector<std::size_t> open;
    const auto positions = constant_positions(tape);
    if (!fixed.empty() && fixed.size() != positions.size()) {
        throw std::invalid_argument("fixed: needs one for each of " +
                                    std::to_string(positions.size()) + " constants");
    }
    for (std::size_t k = 0; k < positions.size(); ++k) {
        if (fixed.empty() || !fixed[k]) {
            open.push_back(positions[k]);
        }
    }
    FitOptions options;
    options.max_iterations = 100;
    options.tolerance = 1e-10;
    options.floor = floor;
    options.stop = StopToken(seconds);
    double loss = fit_constants(tape, open, {}, objective, workspace, options).loss;
    if (snap_within >= 0.0) {
        loss = snap_constants(tape, objective, workspace,
                              std::max(floor, loss * (1.0 + snap_within)), options.stop);
    }
    return {Expression{std::move(tape), self.vocabulary}, loss};
}

std::vector<Interval> box_of(const std::vector<double>& low, const std::vector<double>& high) {
    if (low.size() != high.size()) {
        throw std::invalid_argument("high: has " + std::to_string(high.size()) +
                                    " numbers, low has " + std::to_string(low.size()));
    }
    std::vector<Interval> box(low.size());
    for (std::size_t j = 0; j < box.size(); ++j) {
        box[j] = {low[j], high[j]};
    }
    return box;
}

std::tuple<double, double, bool> plain(const Interval& interval) {
    return {interval.low, interval.high, interval.defined};
}

std::string name_of(const Expression& self, Op op) {
    return op < first_own_op ? std::string(name(op)) : self.vocabulary->name(op);
}

}  // namespace

void register_expression(py::module_& module) {
    py::class_<Expression>(module, "Expression")
        .def(py::init([](const std::string& text, const Words& words) {
                 return Expression{parse(text, words.names, words.vocabulary.get()),
                                   words.vocabulary};
             }),
             py::arg("text"), py::arg("names"))
        .def("text",
             [](const Expression& self, const std::vector<std::string>& names) {
                 return print(self.tape, names, self.vocabulary.get());
             })
        .def("written_out",
             [](const Expression& self) { return Expression{self.written_out(), nullptr}; })
        .def_property_readonly("complexity",
                               [](const Expression& self) {
                                   return self.vocabulary == nullptr
                                              ? self.tape.size()
                                              : self.vocabulary->complexity(self.tape);
                               })
        .def_property_readonly("inputs_needed",
                               [](const Expression& self) { return inputs_needed(self.tape); })
        .def_property_readonly("operators",
                               [](const Expression& self) {
                                   std::vector<std::string> names;
                                   for (const Node& node : self.tape) {
                                       if (arity(node.op) > 0) {
                                           names.push_back(name_of(self, node.op));
                                       }
                                   }
                                   return names;
                               })
        .def_property_readonly("nodes",
                               [](const Expression& self) {
                                   std::vector<std::tuple<std::string, int, double>> nodes;
                                   nodes.reserve(self.tape.size());
                                   for (const Node& node : self.tape) {
                                       nodes.emplace_back(name_of(self, node.op), node.variable,
                                                          node.value);
                                   }
                                   return nodes;
                               })
        .def_property_readonly("begins",
                               [](const Expression& self) {
                                   std::vector<std::size_t> firsts;
                                   for (std::size_t i = 0; i < self.tape.size(); ++i) {
                                       firsts.push_back(i + 1 - self.tape[i].size);
                                   }
                                   return firsts;
                               })
        .def_property_readonly("constants",
                               [](const Expression& self) {
                                   std::vector<double> values;
                                   for (const std::size_t at : constant_positions(self.tape)) {
                                       values.push_back(self.tape[at].value);
                                   }
                                   return values;
                               })
        .def_property_readonly("constant_places",
                               [](const Expression& self) { return constant_positions(self.tape); })
        .def_property_readonly("exponents",
                               [](const Expression& self) {
                                   std::vector<double> values;
                                   for (std::size_t i = 1; i < self.tape.size(); ++i) {
                                       const Node& node = self.tape[i - 1];
                                       if (self.tape[i].op == Op::pow && node.op == Op::constant &&
                                           is_structure(node.value)) {
                                           values.push_back(node.value);
                                       }
                                   }
                                   return values;
                               })
        .def(
            "simplified",
            [](const Expression& self, const std::vector<std::string>& operators) {
                return Expression{simplify(self.tape, op_set(operators, self.vocabulary.get())),
                                  self.vocabulary};
            },
            py::arg("operators"))
        .def(
            "rearranged",
            [](const Expression& self, const std::vector<std::string>& operators) {
                const OpSet allowed = op_set(operators, self.vocabulary.get());
                std::vector<Expression> found;
                const Scaled own = canonical(self.tape);
                std::vector<Scaled> forms = expansions(own);
                if (const auto with_factors = factored(own)) {
                    forms.push_back(*with_factors);
                }
                for (const Scaled& form : forms) {
                    Tape tape = emit(form, allowed);
                    if (!tape.empty()) {
                        found.push_back({simplify(tape, allowed), self.vocabulary});
                    }
                }
                return found;
            },
            py::arg("operators"))
        .def(
            "exponential",
            [](const Expression& self, const std::vector<std::string>& operators,
               double tolerance) -> std::optional<Expression> {
                const OpSet allowed = op_set(operators, self.vocabulary.get());
                Tape tape = emit(exponential(canonical(self.tape), tolerance, allowed.has(Op::pow)),
                                 allowed);
                return tape.empty() ? std::nullopt
                                    : std::optional(Expression{std::move(tape), self.vocabulary});
            },
            py::arg("operators"), py::arg("tolerance"))
        .def("constant_slopes", &constant_slopes<double>, py::arg("X").noconvert(),
             py::arg("threads") = 0)
        .def("constant_slopes", &constant_slopes<float>, py::arg("X").noconvert(),
             py::arg("threads") = 0)
        .def("node_values", &node_values, py::arg("X").noconvert(), py::arg("nodes"),
             py::arg("threads") = 0)
        .def(
            "part",
            [](const Expression& self, std::size_t node) {
                if (node >= self.tape.size()) {
                    throw std::invalid_argument("node: there is none of number " +
                                                std::to_string(node));
                }
                return Expression{subtree(self.tape, node), self.vocabulary};
            },
            py::arg("node"))
        .def("with_constants", &with_constants, py::arg("constants"))
        .def(
            "determined_by",
            [](const Expression& self, std::size_t rows) { return determined(self.tape, rows); },
            py::arg("rows"))
        .def("refit", &refit, py::arg("X").noconvert(), py::arg("y").noconvert(),
             py::arg("weights") = py::none(), py::arg("snap_within") = -1.0, py::arg("floor") = 0.0,
             py::arg("seconds") = std::numeric_limits<double>::infinity(),
             py::arg("fixed") = std::vector<bool>{})
        .def("evaluate", &call<double>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("evaluate", &call<float>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("gradient", &gradient<double>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("gradient", &gradient<float>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("hessian", &hessian<double>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def("hessian", &hessian<float>, py::arg("X").noconvert(), py::arg("threads") = 0)
        .def(
            "interval",
            [](const Expression& self, const std::vector<double>& low,
               const std::vector<double>& high) {
                return plain(enclose(self.written_out(), box_of(low, high)));
            },
            py::arg("low"), py::arg("high"))
        .def(
            "interval_gradient",
            [](const Expression& self, const std::vector<double>& low,
               const std::vector<double>& high) {
                std::vector<std::tuple<double, double, bool>> slopes;
                for (const Interval& slope :
                     enclose_gradient(self.written_out(), box_of(low, high))) {
                    slopes.push_back(plain(slope));
                }
                return slopes;
            },
            py::arg("low"), py::arg("high"));
}

}  // namespace closedform
