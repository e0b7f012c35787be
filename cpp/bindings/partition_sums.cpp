#include "partition_sums.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "interpreter_lock.hpp"
#include "register.hpp"
#include "structure/pair_totals.hpp"
#include "surrogate/error_gradient.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

class ErrorsAsked : public ErrorRowSums {
  public:
    explicit ErrorsAsked(py::function ask) : ask_(std::move(ask)) {}

    bool add(const ErrorQuestion& question, const StopToken& /*stop*/,
             ErrorSlopes& total) override {
        const Locked locked;
        const py::object answer = ask_(question.model);
        if (answer.is_none()) {
            return false;
        }
        const auto parts = answer.cast<std::pair<std::vector<DoubleArray>, double>>();
        if (parts.first.size() != total.by_node.size()) {
            throw py::value_error("slopes: of other inputs than the surrogate's");
        }
        for (std::size_t d = 0; d < total.by_node.size(); ++d) {
            const std::span<const double> from = span_of(parts.first[d]);
            std::vector<double>& to = total.by_node[d];
            if (from.size() != to.size()) {
                throw py::value_error("slopes: of other nodes than the surrogate's");
            }
            std::transform(from.begin(), from.end(), to.begin(), to.begin(), std::plus<>());
        }
        total.squares += parts.second;
        return true;
    }
    bool resident() const override { return false; }

  private:
    py::function ask_;
};

class PairsAsked : public PairRowSums {
  public:
    PairsAsked(py::function ask, const TensorSurrogate& model)
        : ask_(std::move(ask)), model_(model) {}

    bool add(const double& offset, const StopToken& /*stop*/, PairTotals& total) override {
        const Locked locked;
        const py::object answer = ask_(model_, offset);
        const auto& found = answer.cast<const PairTotals&>();
        total.sums.add(found.sums);
        total.counts.merge(found.counts);
        return true;
    }
    bool resident() const override { return false; }

  private:
    py::function ask_;
    const TensorSurrogate& model_;
};

/// What a model leaves of some rows: (slopes by node of every input, sum of squares).
py::tuple slopes_of(const TensorSurrogate& model, const py::array& x, const DoubleArray& y,
                    const std::optional<DoubleArray>& weights, unsigned threads) {
    const FitRows rows{table_of(x), span_of(y),
                       weights ? span_of(*weights) : std::span<const double>{}};
    if (rows.x.rows() != rows.y.size() || rows.x.columns() != model.inputs() ||
        (weights && rows.weights.size() != rows.y.size())) {
        throw py::value_error("slopes: sizes of rows, y, weights and surrogate do not match");
    }
    const std::optional<ErrorSlopes> found = [&] {
        const Unlocked unlocked;
        return error_slopes(model, *error_sums(rows, threads), StopToken());
    }();
    if (!found) {
        throw std::logic_error("slopes: a pass that nothing stops was stopped");
    }
    py::list by_node;
    for (const std::vector<double>& values : found->by_node) {
        by_node.append(DoubleArray(static_cast<py::ssize_t>(values.size()), values.data()));
    }
    return py::make_tuple(by_node, found->squares);
}

PairTotals totals_of(const TensorSurrogate& model, const py::array& x, double offset,
                     std::size_t most_rows, unsigned threads) {
    const Table rows = table_of(x);
    if (rows.columns() != model.inputs()) {
        throw py::value_error("pairs: the rows have other inputs than the surrogate");
    }
    ScoreOptions options;
    options.inputs.resize(model.inputs());
    std::iota(options.inputs.begin(), options.inputs.end(), std::size_t{0});
    options.threads = threads;
    options.most_rows = most_rows;
    PairTotals totals(model.inputs());
    if (rows.rows() > 0) {
        const Unlocked unlocked;
        pair_sums(model, rows, options)->add(offset, StopToken(), totals);
    }
    return totals;
}

template <class Sums, class F>
void each_sum(Sums& sums, const F& f) {
    for (auto* one : {&sums.rows, &sums.value, &sums.square}) {
        f(*one);
    }
    for (auto* of_pairs :
         {&sums.slopes, &sums.curvatures, &sums.product_residual, &sums.residual_curvature}) {
        for (auto& one : *of_pairs) {
            f(one);
        }
    }
}

template <class Counts, class F>
void each_histogram(Counts& counts, const F& f) {
    f(counts.size);
    for (auto* of_pairs : {&counts.curvature, &counts.product_residual}) {
        for (auto& one : *of_pairs) {
            f(one);
        }
    }
}

template <class T>
Array<T> array_of(const std::vector<T>& values) {
    return Array<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// (inputs, sums, bins, counts): most bins are empty, and those that are not are named.
py::tuple sent(const PairTotals& totals) {
    std::vector<double> sums;
    each_sum(totals.sums, [&](double one) { sums.push_back(one); });
    std::vector<std::uint32_t> bins, counts;
    std::size_t first = 0;
    each_histogram(totals.counts, [&](const LogHistogram& histogram) {
        histogram.each([&](std::size_t bin, std::uint32_t count) {
            bins.push_back(static_cast<std::uint32_t>(first + bin));
            counts.push_back(count);
        });
        first += LogHistogram::bins;
    });
    return py::make_tuple(totals.sums.slopes.size(), array_of(sums), array_of(bins),
                          array_of(counts));
}

PairTotals received(std::size_t inputs, const DoubleArray& sums, const Array<std::uint32_t>& bins,
                    const Array<std::uint32_t>& counts) {
    PairTotals totals(inputs);
    std::size_t number = 0;
    each_sum(totals.sums, [&](double& one) { one = sums.at(static_cast<py::ssize_t>(number++)); });
    std::vector<LogHistogram*> histograms;
    each_histogram(totals.counts, [&](LogHistogram& one) { histograms.push_back(&one); });
    for (py::ssize_t i = 0; i < bins.size(); ++i) {
        const std::size_t bin = bins.at(i);
        histograms.at(bin / LogHistogram::bins)->add(bin % LogHistogram::bins, counts.at(i));
    }
    return totals;
}

}  // namespace

void register_partition_sums(py::module_& module) {
    py::class_<Beyond>(module, "Beyond")
        .def(py::init<py::function, double, std::vector<double>, std::vector<double>>(),
             py::arg("ask"), py::arg("weight"), py::arg("low"), py::arg("high"));
    py::class_<PairTotals>(module, "PairTotals")
        .def("__iadd__",
             [](PairTotals& totals, const PairTotals& other) -> PairTotals& {
                 totals.sums.add(other.sums);
                 totals.counts.merge(other.counts);
                 return totals;
             })
        .def(py::pickle(&sent, [](const py::tuple& state) {
            return received(state[0].cast<std::size_t>(), state[1].cast<DoubleArray>(),
                            state[2].cast<Array<std::uint32_t>>(),
                            state[3].cast<Array<std::uint32_t>>());
        }));
    module.def("error_slopes", &slopes_of, py::arg("model"), py::arg("x"), py::arg("y"),
               py::arg("weights"), py::kw_only(), py::arg("threads"));
    module.def("pair_totals", &totals_of, py::arg("model"), py::arg("x"), py::kw_only(),
               py::arg("offset"), py::arg("most_rows"), py::arg("threads"));
}

std::unique_ptr<ErrorRowSums> errors_asked(py::function ask) {
    return std::make_unique<ErrorsAsked>(std::move(ask));
}

std::unique_ptr<PairRowSums> pairs_asked(py::function ask, const TensorSurrogate& model) {
    return std::make_unique<PairsAsked>(std::move(ask), model);
}

}  // namespace closedform
