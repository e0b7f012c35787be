#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "closedform/files/saved_file.hpp"
#include "closedform/files/surrogate_file.hpp"
#include "closedform/surrogate/fit_surrogate.hpp"
#include "device_rows.hpp"
#include "interpreter_lock.hpp"
#include "partition_sums.hpp"
#include "register.hpp"
#include "surrogate/trial_fits.hpp"

namespace closedform {
namespace py = pybind11;
namespace {

/// A surrogate from its parts, as pickle hands them over.
TensorSurrogate surrogate_of(const std::vector<DoubleArray>& nodes,
                             const std::vector<std::pair<std::size_t, std::size_t>>& patches,
                             const std::vector<DoubleArray>& factors, double offset,
                             const std::string& outside) {
    if (nodes.size() != factors.size() || nodes.size() != patches.size() || nodes.empty() ||
        factors.front().ndim() != 2) {
        throw py::value_error("surrogate: parts do not belong together");
    }
    const auto modes = static_cast<std::size_t>(factors.front().shape(0));
    std::vector<GridBasis> bases;
    std::vector<std::vector<double>> values;
    for (std::size_t d = 0; d < nodes.size(); ++d) {
        const auto x = span_of(nodes[d]);
        const auto u = span_of(factors[d]);
        bases.emplace_back(std::vector<double>(x.begin(), x.end()), patches[d].first,
                           patches[d].second);
        values.emplace_back(u.begin(), u.end());
    }
    return {std::move(bases), modes, std::move(values), offset, outside_named(outside)};
}

/// What a saved surrogate holds: (model, names, discrete, held-out error, held-out rows, segments,
/// smoothing).
py::tuple read(const py::bytes& bytes) {
    const std::string_view view = bytes;
    SavedSurrogate saved;
    {
        const Unlocked unlocked;
        saved = read_surrogate(view);
    }
    return py::make_tuple(std::move(saved.model), saved.names, saved.discrete, saved.held_out_error,
                          saved.held_out_rows, saved.segments, saved.smoothing);
}

/// What the fits by which sizes are chosen are told, on a worker as here.
SurrogateOptions options_of(std::size_t modes, std::size_t patch, std::size_t degree,
                            std::uint64_t seed) {
    SurrogateOptions options;
    options.modes = modes;
    options.patch = patch;
    options.degree = degree;
    options.seed = seed;
    return options;
}

/// `ask(trials, seconds)` is a list of FittedTrial, or None for what is late.
TrialsElsewhere trials_asked(const std::optional<py::function>& ask) {
    if (!ask) {
        return {};
    }
    return [&ask](std::span<const SurrogateTrial> trials, double seconds) {
        const Locked locked;
        const py::list told = py::cast(std::vector<SurrogateTrial>(trials.begin(), trials.end()));
        return (*ask)(told, seconds).cast<std::vector<std::optional<FittedTrial>>>();
    };
}

py::tuple fit(const py::array& x, const DoubleArray& y, const std::optional<DoubleArray>& weights,
              std::size_t modes, std::size_t segments, double smoothing, std::size_t patch,
              std::size_t degree, double time, std::uint64_t seed, unsigned threads, bool on_device,
              const std::optional<Beyond>& beyond,
              const std::optional<std::size_t>& least_on_device,
              const std::optional<py::function>& trials) {
    const Table rows = table_of(x);
    SurrogateOptions options = options_of(modes, patch, degree, seed);
    options.segments = segments;
    options.smoothing = smoothing;
    options.time = time;
    options.threads = threads;
    options.trials_there = trials_asked(trials);
    if (on_device) {
        options.rows_there = cuda::moment_sums;
        options.least_rows_there = least_on_device.value_or(options.least_rows_there);
    }
    const auto of_partitions = beyond ? errors_asked(beyond->ask) : nullptr;
    if (beyond) {
        options.beyond = {of_partitions.get(), beyond->weight, beyond->low, beyond->high};
    }
    Interrupt interrupt;
    options.stop = interrupt.token();
    SurrogateFit result;
    try {
        const Unlocked unlocked;
        result = fit_surrogate(rows, span_of(y),
                               weights ? span_of(*weights) : std::span<const double>{}, options);
    } catch (const FitStopped&) {  // nothing but Ctrl-C stops it here
    }
    interrupt.rethrow();
    py::dict report;
    report["segments"] = result.segments;
    report["smoothing"] = result.smoothing;
    report["held_out_error"] = result.held_out_error;
    report["held_out_rows"] = result.held_out_rows;
    report["discrete"] = result.discrete;
    return py::make_tuple(std::move(result.model), report);
}

/// The rows of a fit where its trials are done for it. Keeps them alive.
class TrialRows {
  public:
    TrialRows(py::array x, DoubleArray y, std::optional<DoubleArray> weights, std::size_t modes,
              std::size_t patch, std::size_t degree, std::uint64_t seed, std::vector<double> low,
              std::vector<double> high)
        : x_(std::move(x)),
          y_(std::move(y)),
          weights_(std::move(weights)),
          rows_(table_of(x_)),
          options_(options_of(modes, patch, degree, seed)) {
        options_.beyond.low = std::move(low);
        options_.beyond.high = std::move(high);
        fits_ = std::make_unique<TrialFits>(
            rows_, span_of(y_), weights_ ? span_of(*weights_) : std::span<const double>{},
            options_);
    }

    FittedTrial fit(const SurrogateTrial& trial, double seconds) const {
        const Unlocked unlocked;
        return fits_->fit(trial, StopToken(seconds));
    }

  private:
    py::array x_;
    DoubleArray y_;
    std::optional<DoubleArray> weights_;
    Table rows_;
    SurrogateOptions options_;
    std::unique_ptr<TrialFits> fits_;
};

/// (step, start, segments, smoothing, fold, seed, model), the model None to begin.
py::tuple sent(const SurrogateTrial& trial) {
    const py::object model =
        trial.model.inputs() == 0 ? py::object(py::none()) : py::cast(trial.model);
    return py::make_tuple(static_cast<int>(trial.step), static_cast<int>(trial.size.start),
                          trial.size.segments, trial.size.smoothing, trial.fold, trial.seed, model);
}

SurrogateTrial received(const py::tuple& state) {
    SurrogateTrial trial;
    trial.step = static_cast<SurrogateTrial::Step>(state[0].cast<int>());
    trial.size = {static_cast<SurrogateStart>(state[1].cast<int>()), state[2].cast<std::size_t>(),
                  state[3].cast<double>()};
    trial.fold = state[4].cast<std::size_t>();
    trial.seed = state[5].cast<std::uint64_t>();
    if (!state[6].is_none()) {
        trial.model = state[6].cast<TensorSurrogate>();
    }
    return trial;
}

/// The fits by which sizes are chosen, for those that do them elsewhere.
void register_trials(py::module_& module) {
    py::class_<SurrogateTrial>(module, "SurrogateTrial").def(py::pickle(&sent, &received));
    py::class_<FittedTrial>(module, "FittedTrial")
        .def(py::pickle(
            [](const FittedTrial& found) {
                return py::make_tuple(found.model, found.training, found.squares, found.weight);
            },
            [](const py::tuple& state) {
                return FittedTrial{state[0].cast<TensorSurrogate>(), state[1].cast<double>(),
                                   state[2].cast<double>(), state[3].cast<double>()};
            }));
    py::class_<TrialRows>(module, "TrialRows")
        .def(py::init<py::array, DoubleArray, std::optional<DoubleArray>, std::size_t, std::size_t,
                      std::size_t, std::uint64_t, std::vector<double>, std::vector<double>>(),
             py::arg("x"), py::arg("y"), py::arg("weights"), py::kw_only(), py::arg("modes"),
             py::arg("patch"), py::arg("degree"), py::arg("seed"), py::arg("low"), py::arg("high"))
        .def("fit", &TrialRows::fit, py::arg("trial"), py::arg("seconds"));
}

/// One array of the shape [rows], [rows, d] or [rows, d, d].
DoubleArray evaluate(const TensorSurrogate& model, const py::object& x, int order, unsigned threads,
                     bool on_device) {
    const DeviceRows rows = device_rows_of(x);
    std::vector<py::ssize_t> shape = {static_cast<py::ssize_t>(rows.table.rows())};
    shape.insert(shape.end(), static_cast<std::size_t>(order),
                 static_cast<py::ssize_t>(rows.table.columns()));
    DoubleArray out(shape);
    double* data = out.mutable_data();
    double* value = order == 0 ? data : nullptr;
    double* gradient = order == 1 ? data : nullptr;
    double* hessian = order == 2 ? data : nullptr;
    {
        const Unlocked unlocked;
        if (on_device) {
            cuda::derivatives(model, rows, value, gradient, hessian);
        } else {
            model.derivatives(rows.table, value, gradient, hessian, threads);
        }
    }
    return out;
}

/// What evaluating input d reads: nodes [J+1], then per cell (left of the grid, each element, right
/// of it) center [cells], inverse width [cells] and quartics [cells, 5, modes].
py::tuple table_of_input(const TensorSurrogate& model, std::size_t d) {
    const GridBasis& basis = model.bases().at(d);
    FactorTable table;
    fill_factor_table(basis, model.factor(d), model.modes(), model.outside(), table);
    const std::size_t rows = basis.cells() * GridBasis::coefficients_per_shape;
    DoubleArray planes({static_cast<py::ssize_t>(basis.cells()),
                        static_cast<py::ssize_t>(GridBasis::coefficients_per_shape),
                        static_cast<py::ssize_t>(model.modes())});
    double* out = planes.mutable_data();
    for (std::size_t row = 0; row < rows; ++row) {  // without the modes that only fill up lanes
        const double* from = table.planes.data() + row * table.padded;
        std::copy(from, from + model.modes(), out + row * model.modes());
    }
    const auto array = [](const std::vector<double>& values) {
        return DoubleArray(static_cast<py::ssize_t>(values.size()), values.data());
    };
    return py::make_tuple(array(table.nodes), array(table.center), array(table.inverse_width),
                          planes);
}

}  // namespace

void register_surrogate(py::module_& module) {
    py::register_exception<OutsideGrid>(module, "OutsideGrid", PyExc_ValueError);
    py::register_exception<FileError>(module, "FileError", PyExc_ValueError);
    py::class_<TensorSurrogate, std::shared_ptr<TensorSurrogate>>(module, "TensorSurrogate")
        .def(py::init(&surrogate_of), py::arg("nodes"), py::arg("patches"), py::arg("factors"),
             py::arg("offset"), py::arg("outside"))
        .def_property_readonly("inputs", &TensorSurrogate::inputs)
        .def_property_readonly("modes", &TensorSurrogate::modes)
        .def_property_readonly("offset", &TensorSurrogate::offset)
        .def_property_readonly("outside",
                               [](const TensorSurrogate& model) { return name(model.outside()); })
        .def("nodes",
             [](const TensorSurrogate& model, std::size_t d) {
                 const auto& nodes = model.bases().at(d).nodes();
                 return DoubleArray(static_cast<py::ssize_t>(nodes.size()), nodes.data());
             })
        .def("patch",
             [](const TensorSurrogate& model, std::size_t d) {
                 const GridBasis& basis = model.bases().at(d);
                 return std::make_pair(basis.patch(), basis.degree());
             })
        .def("factor",
             [](const TensorSurrogate& model, std::size_t d) {
                 const std::size_t nodes = model.bases().at(d).node_count();
                 return DoubleArray(
                     {static_cast<py::ssize_t>(model.modes()), static_cast<py::ssize_t>(nodes)},
                     model.factor(d).data());
             })
        .def("table", &table_of_input)
        .def("set_outside", [](TensorSurrogate& model,
                               const std::string& name) { model.set_outside(outside_named(name)); })
        .def(
            "value",
            [](const TensorSurrogate& model, const py::object& x, unsigned threads,
               bool on_device) { return evaluate(model, x, 0, threads, on_device); },
            py::arg("x"), py::arg("threads") = 0, py::arg("on_device") = false)
        .def(
            "gradient",
            [](const TensorSurrogate& model, const py::object& x, unsigned threads,
               bool on_device) { return evaluate(model, x, 1, threads, on_device); },
            py::arg("x"), py::arg("threads") = 0, py::arg("on_device") = false)
        .def(
            "hessian",
            [](const TensorSurrogate& model, const py::object& x, unsigned threads,
               bool on_device) { return evaluate(model, x, 2, threads, on_device); },
            py::arg("x"), py::arg("threads") = 0, py::arg("on_device") = false);
    module.def("read_surrogate", &read, py::arg("bytes"));
    module.def("fit_surrogate", &fit, py::arg("x"), py::arg("y"), py::arg("weights"), py::kw_only(),
               py::arg("modes"), py::arg("segments"), py::arg("smoothing"), py::arg("patch"),
               py::arg("degree"), py::arg("time"), py::arg("seed"), py::arg("threads"),
               py::arg("on_device") = false, py::arg("beyond") = py::none(),
               py::arg("least_on_device") = py::none(), py::arg("trials") = py::none());
    register_trials(module);
}

}  // namespace closedform
