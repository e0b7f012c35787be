"""Formulas: closed-form expressions of named inputs."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import FloatMatrix
from closedform.errors import InputError, OutsideWarning
from closedform.figures.canvas import axes_of
from closedform.figures.residuals import draw_predicted, draw_residuals
from closedform.formulas import sympy_forms
from closedform.formulas.constants import Constants
from closedform.formulas.domain import Domain, domain_of
from closedform.tables import checks, devices, scalars
from closedform.tables.columns import inputs_of
from closedform.tables.rows import variance

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes


Ranges = tuple[tuple[float, float], ...]

# Loss relative to the target's variance below which the rest is rounding of float64 data.
EXACT = 1e-24

# Rows, evenly spaced, that are looked at for whether a formula may be used there.
MOST_LOOKED_AT = 100_000

# Whole numbers that no formula has, in place of its constants.
MARK = 7_306_125_001_000.0

LONGEST_SHOWN = 80  # characters of a formula in a repr


class Formula:
    """A closed-form expression of named inputs.

    Attributes:
        text: infix text with every constant in full; also valid Python where numpy's functions are
            in scope (`square` and `cube` are written `**2`, `**3`). `str(formula)` is the same.
        names: the inputs' names, in the order of the columns of X.
        loss: what was searched for (mean squared error, mean squared distance of unit gradients,
            or mean hinge loss; weighted, where weights were given) on the rows searched, computed
            from `text`; NaN for a formula made by hand.
        ranges: per input, (lowest, highest) of the data searched; None for a formula made by hand.
        labels: per input, what the table searched calls its column; None where it had no labels.
        constants: the numbers in the text, in their order, with standard errors where the formula
            was fitted (`Constants`).
        complexity: nodes of the expression tree; operators, constants and variables count 1 each.

    Example:
        >>> import closedform as cf
        >>> law = cf.Formula("2*x1 + x2", ["x1", "x2"])
        >>> law([[1.0, 3.0]]), law.gradient([[1.0, 3.0]])
        (array([5.]), array([[2., 1.]]))
    """

    def __init__(
        self,
        text: str,
        names: Sequence[str],
        loss: float = float("nan"),
        ranges: Ranges | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Reads `text`.

        Raises:
            ValueError: text that is not an expression in `names`; the message says where. Or ranges
                that are not one pair per name.
        """
        self.names = scalars.texts(names, "names")
        if ranges is not None:
            _check_ranges(ranges, len(self.names))
        try:
            self._expression = _core.Expression(scalars.text(text, "text"), list(self.names))
        except ValueError as error:
            raise InputError(str(error)) from error
        self.text = self._expression.text(list(self.names))
        self.loss = scalars.real(loss, "loss")
        self.ranges = ranges
        self.labels = None if labels is None else scalars.texts(labels, "labels")
        if self.labels is not None and len(self.labels) != len(self.names):
            raise InputError(
                f"labels: has {len(self.labels)} for {len(self.names)} inputs; give one per input"
            )
        self.constants = Constants(self._expression.constants)
        self._warned = False

    @property
    def complexity(self) -> int:
        return self._expression.complexity

    @property
    def readable(self) -> str:
        """The formula for people: constants as simple numbers (`pi/8`) or to the digits that mean
        something. `text` has them in full."""
        marks = [MARK + k for k in range(len(self.constants))]
        signed = [
            math.copysign(mark, constant.value)
            for mark, constant in zip(marks, self.constants, strict=True)
        ]
        text = self._expression.with_constants(signed).text(list(self.names))
        for mark, constant in zip(marks, self.constants, strict=True):
            text = text.replace(f"{mark:.0f}", constant.size)
        return text

    @property
    def domain(self) -> Domain:
        """Where the formula is defined, and whether that is proven for the data's ranges."""
        return domain_of(self._expression, self.names, self.ranges)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that the formula reads, in their order."""
        read = {column for name, column, _ in self._expression.nodes if name == "variable"}
        return tuple(name for i, name in enumerate(self.names) if i in read)

    @property
    def operators(self) -> frozenset[str]:
        """Names of the operators the formula uses."""
        return frozenset(self._expression.operators)

    def __call__(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Values of the formula.

        Args:
            X: (n, d) array with the columns of `names` in that order, or a table that has them
                under the labels (or names) they had, in any order, among others.
            threads: how many to use; None for all cores.

        Returns:
            (n,) float64; not finite at rows where the formula is not defined.

        Warns:
            OutsideWarning: once, with the count, of rows that lie outside the ranges of the data
                it was found in, or where it then is not defined.

        Raises:
            InputError: wrong shape, missing columns, values that are not finite numbers.
        """
        rows = self._columns(X)
        values = self._expression.evaluate(rows, scalars.thread_count(threads))
        if self.ranges is not None and not self._warned:
            self._warn_of_outside(rows, values, self.ranges)
        return values

    def _warn_of_outside(
        self, rows: FloatMatrix, values: npt.NDArray[np.float64], ranges: Ranges
    ) -> None:
        step = -(-len(values) // MOST_LOOKED_AT)
        rows, values = rows[::step], values[::step]
        told = []
        undefined = len(values) - int(np.count_nonzero(np.isfinite(values)))
        if undefined:
            told.append(f"{undefined} of {len(values)} rows have no value (see formula.domain)")
        nodes = self._expression.nodes
        read = sorted({column for name, column, _ in nodes if name == "variable"})
        low, high = np.array(ranges, dtype=np.float64)[read].reshape(-1, 2).T
        inputs = rows[:, read]
        outside = int(np.count_nonzero(((inputs < low) | (inputs > high)).any(axis=1)))
        if outside:
            told.append(
                f"{outside} of {len(values)} rows lie outside the ranges of the data that the "
                "formula was found in"
            )
        if told:
            self._warned = True
            warnings.warn("; ".join(told), OutsideWarning, stacklevel=3)

    def gradient(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Derivatives by every input, exact (reverse mode); arguments as for a call.

        Returns:
            (n, d) float64.
        """
        return self._expression.gradient(self._columns(X), scalars.thread_count(threads))

    def hessian(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Second derivatives by every two inputs, exact; arguments as for a call.

        Returns:
            (n, d, d) float64, symmetric.
        """
        return self._expression.hessian(self._columns(X), scalars.thread_count(threads))

    def _columns(self, X: object) -> FloatMatrix:
        return inputs_of(checks.matrix(X, min_rows=1), self.names, self.labels, "the formula")

    @cached_property
    def _sympy(self) -> sympy.Expr:
        return sympy_forms.expression_of(self._expression, self.names)

    @property
    def _readable_form(self) -> sympy.Expr:
        return sympy_forms.readable_form(self._expression, self.names, self.constants)

    def sympy(self) -> sympy.Expr:
        """The formula as a sympy expression in real symbols named as the inputs."""
        return self._sympy

    def latex(self) -> str:
        """The formula in LaTeX, its constants as in `readable`."""
        return sympy_forms.latex_of(self._readable_form)

    def mathml(self) -> str:
        """The same in presentation MathML, without the element `math` around it."""
        return sympy_forms.mathml_of(self._readable_form)

    def code(
        self,
        language: str,
        derivatives: int = 0,
        *,
        name: str = "formula",
        ranges: Mapping[str, tuple[float, float]] | None = None,
        units: Mapping[str, str] | None = None,
        outside: Literal["clamp", "flag"] | None = None,
    ) -> str:
        """Source code of one self-contained function of the inputs, in the order of `names`.

        What value, gradient and Hessian have in common is computed once; derivatives follow the
        formula's own structure, nothing is expanded. Where the formula has no value, neither has
        the function (NaN or infinite).

        Args:
            language: "c" (C99), "c++", "cuda", "fortran" (2008), "julia", "numpy", "jax" or
                "torch".
            derivatives: 0 for the value, 1 for its gradient, too, 2 for its Hessian, too.
            name: of the function.
            ranges: per input, (low, high) for the comment and for `outside`; what is not given is
                the range of the data the formula was found in, if known.
            units: per input, for the comment.
            outside: beyond the ranges, "clamp" takes the input for the range's end; "flag" adds a
                last output that tells.

        Returns:
            The source. C, C++, CUDA: `double name(double x1, ..., double gradient[d],
            double hessian[d*d], int *outside)`. Fortran: a module `name_module` with
            `name(x1, ..., value, gradient, hessian, outside)`; an elemental function of the inputs
            for the value alone. The others return value, gradient, hessian, outside as far as asked
            for; NumPy, JAX and torch functions broadcast, derivatives lie along the last axes.
            Inputs have their own names where the language allows, and are described in a comment.

        Raises:
            InputError: an argument that cannot be used; the message names it.
        """
        from closedform.codegen.expression import formula_code

        known = {} if self.ranges is None else dict(zip(self.names, self.ranges, strict=True))
        own = scalars.mapping(ranges, "ranges", "(low, high) by input")
        return formula_code(
            self._expression,
            self.names,
            language,
            derivatives,
            name=name,
            ranges=known | own,
            units=scalars.mapping(units, "units", "units by input"),
            outside=outside,
        )

    def refit(
        self,
        X: object,
        y: object,
        weights: object = None,
        *,
        snap: bool = False,
        seconds: float = math.inf,
    ) -> Formula:
        """The same structure with its constants fitted to other rows.

        Args:
            X: (n, d), as for a call.
            y: (n,) the target.
            weights: (n,) how often each row counts, none negative; None for once.
            snap: also rounds constants within half a standard error of one constant.
            seconds: after them the constants stay where they are.

        Returns:
            A formula whose loss is that on these rows.

        Raises:
            InputError: rows, targets or weights that cannot be used; the message names them.
        """
        rows = np.ascontiguousarray(self._columns(X), dtype=np.float64)
        target = checks.vector(y, len(rows))
        own = None if weights is None else checks.weights(weights, len(rows))
        floor = EXACT * variance(target, own)
        limit = scalars.seconds(seconds, "seconds")
        snap = scalars.flag(snap, "snap")
        within = 0.5 / len(target) if snap else -1.0
        expression, _ = self._expression.refit(
            rows, target, own, within, floor if snap else 0.0, limit
        )
        goal = _core.Goal.values(target, own)
        found = scored([expression.text(list(self.names))], self.names, rows, goal)[0]
        found.ranges, found.labels = self.ranges, self.labels
        return found

    def simplified(self, operators: Iterable[str]) -> Formula:
        """An equal formula in canonical form, no longer than this; `operators` contains its own."""
        expression = self._expression.simplified(list(scalars.texts(operators, "operators")))
        text = expression.text(list(self.names))
        return Formula(text, self.names, self.loss, self.ranges, self.labels)

    def plot(
        self,
        X: object,
        y: object,
        axes: Axes | None = None,
        *,
        kind: Literal["predicted", "residuals"] = "predicted",
        name: str = "y",
    ) -> Axes:
        """Draws how well the formula meets a target.

        Args:
            X: (n, d), as for a call.
            y: (n,) the target.
            axes: of matplotlib, to draw on; None for a new figure.
            kind: "predicted", its values over the target's; "residuals", what is left over its
                values. Rows where it is not defined are left out.
            name: of the target.

        Returns:
            The axes.

        Raises:
            InputError: matplotlib is not installed, or an argument cannot be used.
        """
        scalars.choice(kind, "kind", ("predicted", "residuals"))
        predicted = self(X)
        actual = checks.vector(y, len(predicted))
        defined = np.isfinite(predicted)
        if not defined.any():
            raise InputError("X: the formula is defined at none of its rows; give others")
        draw = draw_predicted if kind == "predicted" else draw_residuals
        return draw(axes_of(axes), actual[defined], predicted[defined], name=name)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the formula as a front of one (see `Front.save`)."""
        from closedform.formulas.front import Front

        Front([self]).save(path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Formula:
        """Reads what `save` wrote; of a whole front, its best."""
        from closedform.formulas.front import Front

        return Front.load(path).best

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = shortened(self.text)
        return f"Formula({text!r}, complexity={self.complexity}, loss={self.loss:.3g})"

    def _repr_latex_(self) -> str | None:
        """What notebooks show; None, and so the text, where sympy has no form."""
        try:
            return f"$\\displaystyle {self.latex()}$"
        except InputError:
            return None

    def __reduce__(
        self,
    ) -> tuple[type[Formula], tuple[object, ...], dict[str, Constants]]:
        # The extension's object has no pickle.
        made = (self.text, self.names, self.loss, self.ranges, self.labels)
        return Formula, made, {"constants": self.constants}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and (self.text, self.names) == (other.text, other.names)

    def __hash__(self) -> int:
        return hash((self.text, self.names))


def shortened(text: str) -> str:
    """A text that fits into a line of others."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _check_ranges(ranges: object, inputs: int) -> None:
    try:
        shape = np.asarray(ranges, dtype=np.float64).shape
    except (TypeError, ValueError, OverflowError):
        shape = ()
    if shape != (inputs, 2):
        raise InputError(f"ranges: must be one (low, high) for each of {inputs} inputs")


def scored(
    texts: Sequence[str],
    names: Sequence[str],
    X: FloatMatrix,
    goal: _core.Goal,
    threads: int = 0,
    on_device: bool = False,
) -> list[Formula]:
    """Formulas whose losses are computed from their texts, in one pass over all rows: what is shown
    is what is."""
    if on_device:
        losses = devices.running(lambda: goal.losses_on_device(texts, names, X))
    else:
        losses = goal.losses(texts, names, X, threads)
    return [Formula(text, names, loss) for text, loss in zip(texts, losses, strict=True)]
