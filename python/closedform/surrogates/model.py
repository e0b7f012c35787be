"""A smooth, differentiable stand-in for a table of data: `Surrogate`.

u(x) = offset + sum over modes m of prod over inputs d of f_md(x_d), each f_md the C-HiDeNN
interpolant of node values on input d's grid (Ex-HiDeNN, arXiv 2507.05498; C-HiDeNN, Lu et al. 2023;
INN, arXiv 2404.10296), fitted by alternating least squares.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._choices import Device
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError
from closedform.surrogates.everywhere import Everywhere
from closedform.surrogates.trials import Rows, Trials
from closedform.tables import checks, cluster, devices, scalars
from closedform.tables.checks import matrix
from closedform.tables.chunks import Data
from closedform.tables.columns import inputs_of
from closedform.tables.output import write_output

Outside = Literal["error", "clamp", "linear"]


_FORMAT = "closedform-surrogate"
_VERSION = 1
LARGEST = 10_000  # modes, and segments: what is fitted grows with the square of their number

# Memory and time grow with both.
MOST_MODES = 1000
MOST_SEGMENTS = 10000


class Surrogate:
    """Sum of products of 1-D interpolants, with exact gradients and Hessians.

    Args:
        modes: number of products, 1 to 1000, fewer where the time is over first; or "auto": grown
            while the held-out error falls clearly.
        segments: elements per input, or "auto": chosen by held-out error. A column of at most 10
            distinct values (and four times as many rows) gets one node per value instead and is
            interpolated linearly.
        patch: nodes to each side that shape the interpolant, 0 (piecewise linear) to 3.
        degree: polynomials up to this degree are reproduced exactly, 1 to `patch` (0 for patch 0).
        outside: what a row outside the fitted range gets: "linear" continues every factor along
            its end tangent, "clamp" takes the value at the nearest end, "error" raises ValueError
            naming row and column.
        smoothing: weight of the factors' squared second derivatives, or "auto": by held-out error.
        time: seconds. The choice of sizes stops looking further after half of them; the last
            sweeps, over 100,000 rows, and the step on all rows that follows have what is left.
            Where that does not suffice, what was fitted so far is kept.
        seed: of the random starts and the choice of held-out rows.
        threads: None for all cores. Results do not depend on it unless `time` runs out.
        device: "cpu"; "cuda", a GPU; or "auto", a GPU where one can be used, for 131,072 rows
            or more. On a GPU values and derivatives are computed in the precision of the rows, and
            the sums over rows of a fit in float64 always.

    Attributes:
        held_out_error: root mean square error over the standard deviation of y, on rows the models
            scored had not seen. It is the least of the sizes compared, so slightly optimistic; the
            surrogate itself is then fitted to all rows.
        held_out_rows: which rows those were, in words.
        n_modes, segments_, smoothing_: the sizes chosen.
        nodes: per input, its grid.
        discrete: per input, whether it was given a node per distinct value.
        names: the inputs' names.
        labels: what the table fitted calls its columns; None where it had no labels.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (200, 2))
        >>> surrogate = cf.Surrogate(modes=2, segments=4, smoothing=0.0).fit(X, X[:, 0] * X[:, 1])
        >>> surrogate.predict([[1.2, 1.5]]).round(3), surrogate.gradient([[1.2, 1.5]]).round(3)
        (array([1.8]), array([[1.5, 1.2]]))
    """

    held_out_error: float
    held_out_rows: str
    segments_: int
    smoothing_: float
    discrete: tuple[bool, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None = None

    def __init__(
        self,
        modes: int | Literal["auto"] = "auto",
        segments: int | Literal["auto"] = "auto",
        patch: int = 2,
        degree: int = 2,
        outside: Outside = "linear",
        *,
        smoothing: float | Literal["auto"] = "auto",
        time: float = 20.0,
        seed: int = 0,
        threads: int | None = None,
        device: Device = "auto",
    ) -> None:
        self.modes = modes
        self.segments = segments
        self.patch = patch
        self.degree = degree
        self.outside: Outside = outside
        self.smoothing = smoothing
        self.time = time
        self.seed = seed
        self.threads = threads
        self.device: Device = devices.checked(device)
        self._model: _core.TensorSurrogate | None = None
        _check_settings(self)

    def fit(
        self, X: object, y: object = None, *, weights: object = None, client: object = None
    ) -> Surrogate:
        """Fits the surrogate.

        Args:
            X: (n, d) numbers or a table; float64 and float32 arrays, in memory or mapped, are read
                where they lie; arrays on a GPU (CuPy, torch, JAX) are copied to the host's memory
                first, whatever `device` says. Or rows in chunks, as `chunks.gather` takes them. Or
                a Dask DataFrame or Array, whose partitions stay where they are: 200,000 rows drawn
                from all are fitted, then all have their say in the last step.
            y: (n,) target, or the name of a column of a data set; None where it comes with chunks.
            weights: (n,) non-negative weights of the rows in the squared error, or such a name;
                default all one.
            client: of dask.distributed, whose workers do the fits that sizes are chosen by, of up
                to 200,000 rows, to the same bits. None for this process; for Dask's data, the
                current one.

        Returns:
            The surrogate itself.

        Raises:
            InputError: a ValueError, for anything that cannot be fitted.
        """
        client = cluster.client_of(client, X)
        given, partitions = cluster.gathered(X, y, weights, client=client)
        everywhere = None
        if partitions is not None and sum(partitions.rows) > len(given.target):
            everywhere = Everywhere(partitions, monotonic() + self.time)
        return self.fit_sample(given, everywhere, client)

    def fit_sample(
        self, given: Data, everywhere: Everywhere | None, client: Any = None
    ) -> Surrogate:
        """As `fit`, to rows that have been checked.

        everywhere: all rows, where these are a sample of them.
        """
        target = given.target
        if checks.nearly_constant(target, given.weights):
            raise InputError("y: is constant, there is nothing to fit; give a target that varies")
        told: dict[str, Any] = {
            "modes": 0 if self.modes == "auto" else self.modes,
            "patch": self.patch,
            "degree": self.degree,
            "seed": self.seed,
        }
        rows = given.inputs.values, target, given.weights
        low, high = ([], []) if everywhere is None else everywhere.ends_of_columns
        model, report = devices.running(
            lambda: _core.fit_surrogate(
                *rows,
                **told,
                segments=0 if self.segments == "auto" else self.segments,
                smoothing=-1.0 if self.smoothing == "auto" else self.smoothing,
                time=self.time,
                threads=scalars.thread_count(self.threads),
                on_device=devices.on_gpu(self.device, len(target)),
                beyond=None if everywhere is None else everywhere.beyond,
                trials=Trials.of(client, Rows(*rows, **told, low=low, high=high)),
            )
        )
        model.set_outside(self.outside)
        self._model = model
        self.held_out_error = report["held_out_error"]
        self.held_out_rows = report["held_out_rows"]
        self.segments_ = report["segments"]
        self.smoothing_ = report["smoothing"]
        self.discrete = tuple(report["discrete"])
        self.names, self.labels = given.inputs.names, given.inputs.labels
        return self

    @property
    def core(self) -> _core.TensorSurrogate:
        """The C++ surrogate."""
        if self._model is None:
            raise InputError("surrogate: not fitted yet; call fit(X, y) first")
        return self._model

    @property
    def n_inputs(self) -> int:
        return self.core.inputs

    @property
    def n_modes(self) -> int:
        return self.core.modes

    @property
    def nodes(self) -> tuple[Floats, ...]:
        return tuple(self.core.nodes(d) for d in range(self.n_inputs))

    def predict(self, X: object) -> Floats:
        """The value at each row, (n,). X, here and below, may lie on a GPU (CuPy, torch, JAX): then
        it is used where it is, whatever `device` says."""
        return self._evaluate(self.core.value, X)

    def gradient(self, X: object) -> Floats:
        """du/dx_i at each row, (n, d): exact derivatives of the interpolant."""
        return self._evaluate(self.core.gradient, X)

    def hessian(self, X: object) -> Floats:
        """d2u/dx_i dx_j at each row, (n, d, d): exact; the diagonal jumps at nodes."""
        return self._evaluate(self.core.hessian, X)

    def code(
        self,
        language: Literal["c", "fortran"],
        derivatives: Literal[0, 1] = 0,
        *,
        name: str = "surrogate",
        units: Mapping[str, str] | None = None,
    ) -> str:
        """Source code of one self-contained function: the tables and the evaluation of a row.

        Args:
            language: "c" (C99; also C++) or "fortran" (2008).
            derivatives: 0 for the value, 1 for its gradient, too.
            name: of the function.
            units: per input, for the comment.

        Returns:
            The source. C: `double name(const double x[d], double gradient[d])`. Fortran: a module
            `name_module` with the function `name(x)` or the subroutine `name(x, value, gradient)`.
            Outside the grid it does as `predict` does; where that raises, the value is NaN.

        Raises:
            InputError: not fitted, or an argument that cannot be used.
        """
        from closedform.codegen.surrogate.source import surrogate_code

        own = scalars.mapping(units, "units", "units by input")
        return surrogate_code(self.core, self.names, language, derivatives, name=name, units=own)

    def _evaluate(self, what: Callable[..., Floats], X: object) -> Floats:
        there = devices.matrix_there(X)
        self.core  # noqa: B018  # refuses one that is not fitted
        rows = self._inputs_of(X) if there is None else there
        if rows.shape[1] != self.n_inputs:
            raise InputError(
                f"X: has {rows.shape[1]} columns; the surrogate takes {self.n_inputs}: "
                f"{', '.join(self.names)}"
            )
        on_device = devices.on_gpu("cuda" if there is not None else self.device, rows.shape[0])
        if on_device and self.outside == "error":
            if there is not None or self.device == "cuda":
                raise InputError(
                    'outside: "error" looks at every row on the CPU; use device="cpu", or another '
                    "`outside`"
                )
            on_device = False
        threads = scalars.thread_count(self.threads)
        return devices.running(lambda: what(rows, threads=threads, on_device=on_device))

    def _inputs_of(self, X: object) -> FloatMatrix:
        return inputs_of(matrix(X, min_rows=0), self.names, self.labels, "the surrogate")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the surrogate to `path`.

        The format is a zip archive of .npy arrays (numpy's npz, readable without pickle):
        `format` (the text "closedform-surrogate"), `version` (1), `names`, `labels` where the
        columns had their own, `discrete`, `offset`,
        `outside`, `held_out` (error, then segments and smoothing), `held_out_rows`, `patches`
        (d, 2) of patch and degree, and for every input k `nodes_k` (J+1,) and `factor_k`
        (modes, J+1).
        """
        model = self.core
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "format": np.array(_FORMAT),
            "version": np.array(_VERSION),
            "names": np.array(self.names),
            "discrete": np.array(self.discrete),
            "offset": np.array(model.offset),
            "outside": np.array(self.outside),
            "held_out": np.array([self.held_out_error, self.segments_, self.smoothing_]),
            "held_out_rows": np.array(self.held_out_rows),
            "patches": np.array([model.patch(d) for d in range(self.n_inputs)]),
        }
        if self.labels is not None:
            arrays["labels"] = np.array(self.labels)
        for d in range(self.n_inputs):
            arrays[f"nodes_{d}"] = model.nodes(d)
            arrays[f"factor_{d}"] = model.factor(d)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        write_output(path, file.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Surrogate:
        """Reads a surrogate written by `save`.

        Raises:
            InputError: a ValueError, if the file is cut off or is something else.
            OSError: the file cannot be read.
        """
        with open(scalars.path(path, "path"), "rb") as file:
            content = file.read()
        try:
            saved = _core.read_surrogate(content)
        except _core.FileError as failure:
            raise InputError(f"{path}: {failure}") from failure
        model, names, discrete, error, held_out_rows, segments, smoothing = saved
        patches = [model.patch(d) for d in range(model.inputs)]
        patch, degree = max(patches)
        surrogate = cls(model.modes, segments, patch, degree, model.outside)
        surrogate._model = model
        surrogate.held_out_error = error
        surrogate.held_out_rows = held_out_rows
        surrogate.segments_ = segments
        surrogate.smoothing_ = smoothing
        surrogate.discrete = tuple(discrete)
        surrogate.names = tuple(names)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if "labels" in arrays:
                surrogate.labels = tuple(map(str, arrays["labels"]))
        return surrogate

    def __repr__(self) -> str:
        if self._model is None:
            return "Surrogate(not fitted)"
        return (
            f"Surrogate({self.n_inputs} inputs, {self.n_modes} modes, {self.segments_} segments,"
            f" held-out error {self.held_out_error:.2g})"
        )


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == "auto"


def _check_settings(s: Surrogate) -> None:
    for name, value, most in (
        ("modes", s.modes, MOST_MODES),
        ("segments", s.segments, MOST_SEGMENTS),
    ):
        if not _is_auto(value):
            scalars.whole(value, name, 1, most)
    scalars.whole(s.patch, "patch", 0, 3)
    if scalars.real(s.degree, "degree") not in range(min(s.patch, 1), s.patch + 1):
        raise InputError(f"degree: must be 1 to patch (0 for patch 0), not {s.degree!r}")
    scalars.choice(s.outside, "outside", get_args(Outside))
    if not _is_auto(s.smoothing) and not scalars.real(s.smoothing, "smoothing") >= 0:
        raise InputError(f'smoothing: must be "auto" or a number >= 0, not {s.smoothing!r}')
    scalars.seconds(s.time, "time")
    scalars.seed(s.seed)
    scalars.thread_count(s.threads)
