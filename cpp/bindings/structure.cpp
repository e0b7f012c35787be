#include <pybind11/stl.h>

#include <memory>
#include <numeric>
#include <optional>

#include "arrays.hpp"
#include "closedform/gpu/device.hpp"
#include "closedform/structure/pair_scores.hpp"
#include "closedform/structure/separation.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"
#include "interpreter_lock.hpp"
#include "partition_sums.hpp"
#include "register.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

/// ("leaf", [inputs]) or ("sum" | "product", [parts]).
py::tuple tree_tuple(const SeparationTree& tree) {
    if (tree.parts.empty()) {
        return py::make_tuple("leaf", tree.inputs);
    }
    py::list parts;
    for (const SeparationTree& part : tree.parts) {
        parts.append(tree_tuple(part));
    }
    return py::make_tuple(tree.kind == SeparationTree::Kind::sum ? "sum" : "product", parts);
}

DoubleArray square(const std::vector<double>& matrix, std::size_t n) {
    return DoubleArray({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(n)}, matrix.data());
}

DoubleArray vector(const std::vector<double>& values) {
    return DoubleArray(static_cast<py::ssize_t>(values.size()), values.data());
}

py::dict matrices(const PairScores& scores) {
    const std::size_t n = scores.inputs.size();
    py::dict out;
    out["additive_median"] = square(scores.additive_median, n);
    out["additive_rms"] = square(scores.additive_rms, n);
    out["product_median"] = square(scores.product_median, n);
    out["product_rms"] = square(scores.product_rms, n);
    return out;
}

/// The scores alone, with all the time they take.
py::dict scores_of_rows(const TensorSurrogate& model, const py::array& x,
                        const std::vector<bool>& discrete, unsigned threads, bool on_device) {
    const Table rows = table_of(x);
    ScoreOptions options;
    options.inputs.resize(model.inputs());
    std::iota(options.inputs.begin(), options.inputs.end(), std::size_t{0});
    options.anchor.assign(model.inputs(), 0.0);
    options.discrete = discrete;
    options.threads = threads;
    Interrupt interrupt;
    options.stop = interrupt.token();
    PairScores scores;
    {
        const Unlocked unlocked;
        const auto there = on_device ? cuda::pair_sums(model, {rows, false}) : nullptr;
        options.pair_sums = there.get();
        scores = score_pairs(model, rows, options);
    }
    interrupt.rethrow();
    return matrices(scores);
}

py::dict separate_rows(const TensorSurrogate& model, const py::array& x,
                       const std::optional<DoubleArray>& y,
                       const std::optional<DoubleArray>& weights, const std::vector<bool>& discrete,
                       double held_out_error, std::size_t segments, double smoothing, double time,
                       std::uint64_t seed, unsigned threads, bool on_device,
                       const std::optional<py::function>& pairs) {
    const Table rows = table_of(x);
    SeparationOptions options;
    options.discrete = discrete;
    options.held_out_error = held_out_error;
    options.segments = segments;
    options.smoothing = smoothing;
    options.time = time;
    options.seed = seed;
    options.threads = threads;
    Interrupt interrupt;
    options.stop = interrupt.token();
    Separation result;
    std::unique_ptr<PairRowSums> there = pairs ? pairs_asked(*pairs, model) : nullptr;
    try {
        const Unlocked unlocked;
        if (there == nullptr && on_device) {
            there = cuda::pair_sums(model, {rows, false});
        }
        options.pair_sums = there.get();
        result = separate(model, rows, y ? span_of(*y) : std::span<const double>{},
                          weights ? span_of(*weights) : std::span<const double>{}, options);
    } catch (const FitStopped&) {  // nothing but Ctrl-C stops it here
    }
    interrupt.rethrow();
    py::dict out = matrices(result.scores);
    out["effect"] = vector(result.effect);
    out["active"] = result.active;
    out["anchor"] = vector(result.anchor);
    out["complete"] = result.complete;
    out["tree"] = tree_tuple(result.tree);
    py::list tried;
    for (const TriedTree& t : result.tried) {
        tried.append(py::make_tuple(tree_tuple(t.tree), t.error));
    }
    out["tried"] = tried;
    out["link"] = std::string(name(result.link));
    out["link_error"] = result.link_error;
    out["leaves"] = result.leaves;
    out["leaf_inputs"] = result.leaf_inputs;
    return out;
}

}  // namespace

void register_separability(py::module_& module) {
    module.def("pair_scores", &scores_of_rows, py::arg("model"), py::arg("x"), py::kw_only(),
               py::arg("discrete"), py::arg("threads"), py::arg("on_device") = false);
    module.def("separate", &separate_rows, py::arg("model"), py::arg("x"), py::arg("y"),
               py::arg("weights"), py::kw_only(), py::arg("discrete"), py::arg("held_out_error"),
               py::arg("segments"), py::arg("smoothing"), py::arg("time"), py::arg("seed"),
               py::arg("threads"), py::arg("on_device") = false, py::arg("pairs") = py::none());
}

}  // namespace closedform
