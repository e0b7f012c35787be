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
from closedform._choices import Device, Kind
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError, OutsideWarning
from closedform.figures.canvas import axes_of
from closedform.figures.residuals import draw_predicted, draw_residuals
from closedform.formulas import sympy_forms
from closedform.formulas.constants import Constants
from closedform.formulas.domain import Domain, domain_of
from closedform.formulas.fit import fitted
from closedform.formulas.form import Form
from closedform.formulas.noise import EXACT
from closedform.formulas.physical_constants import PhysicalConstants
from closedform.formulas.ranges import Ranges, check_ranges, outside_told
from closedform.formulas.readable import readable_text
from closedform.formulas.rows import Rows
from closedform.formulas.units import Units
from closedform.tables import checks, devices, scalars
from closedform.tables.columns import inputs_of
from closedform.tables.rows import variance
from closedform.tables.words import Names, Words

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes


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
            was fitted (`Constants`). Of a form that was given its named constants, instead; NaN
            stands for one without a value yet.
        units: of the inputs and the target (`Units`); None where they are not known.
        checked: of a search with constraints, for each by its text whether it is "proven" in the
            ranges of the data or was "sampled" at points of them.
        parts: of a formula found in a template, its unknown functions by name, in the inputs they
            were first given, or a1, a2, ...; numbers of the template among them. Else none.
        complexity: nodes of the expression tree; operators, constants and variables count 1 each,
            or what the search was told (`complexities`).

    Example:
        >>> import closedform as cf
        >>> law = cf.Formula("2*x1 + x2", ["x1", "x2"])
        >>> law([[1.0, 3.0]]), law.gradient([[1.0, 3.0]])
        (array([5.]), array([[2., 1.]]))
        >>> form = cf.Formula("rate*x1**power", ["x1"], constants=["rate", "power"])
        >>> round(form.fit([[1.0], [2.0], [3.0]], [3.0, 12.0, 27.0]).constants["power"].value, 6)
        2.0
    """

    def __init__(
        self,
        text: str | sympy.Expr,
        names: Sequence[str],
        loss: float = float("nan"),
        ranges: Ranges | None = None,
        labels: Sequence[str] | None = None,
        *,
        constants: Sequence[str] | Mapping[str, float | None] | None = None,
    ) -> None:
        """Reads `text`, infix or a sympy expression.

        constants: names of constants in it that `fit` is to find, or a mapping from their names to
            values, which a fit leaves as they are, or to None.

        Raises:
            InputError: text that is not an expression in `names`; the message says where. Ranges
                that are not one pair per name, or constants that cannot be.
        """
        self.names = names if isinstance(names, Names) else scalars.texts(names, "names")
        if ranges is not None:
            check_ranges(ranges, len(self.names))
        written = scalars.text(
            text if isinstance(text, str) else sympy_forms.text_of(text), "formula"
        )
        self._form = None if constants is None else Form.read(written, self.names, constants)
        if self._form is None:
            try:
                self._expression = _core.Expression(written, self.names)
            except ValueError as error:
                raise InputError(str(error)) from error
            self.constants = Constants(self._expression.constants)
            self.text = self._expression.text(list(self.names))
        else:
            self._take(self._form)
        self.loss = scalars.real(loss, "loss")
        self.ranges = ranges
        self.labels = None if labels is None else scalars.texts(labels, "labels")
        if self.labels is not None and len(self.labels) != len(self.names):
            raise InputError(
                f"labels: has {len(self.labels)} for {len(self.names)} inputs; give one per input"
            )
        self.units: Units | None = None
        self.checked: Mapping[str, str] = {}
        self.parts: Mapping[str, Formula] = {}
        self._warned = False

    def _take(self, form: Form, covariance: Floats | None = None) -> None:
        """A form's constants, with values as far as it has them."""
        self._form, self._expression = form, form.filled()
        known = self._expression.text(list(self.names))
        self.text = form.written() if form.missing() else known
        self.constants = Constants(
            [math.nan if value is None else value for value in form.values.values()],
            covariance,
            [name in form.held for name in form.values],
            names=list(form.values),
        )

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names of the inputs that rows have a column of: all, where no groups have parameters."""
        return self.names

    def _tell_data(self, ranges: Ranges, labels: Sequence[str] | None) -> None:
        """What the rows it was found in have: ranges of the inputs and their labels."""
        self.ranges = ranges
        self.labels = None if labels is None else tuple(labels)

    def _saved(self) -> dict[str, object]:
        """What a file says of it, whoever reads it: operators of the user's own written out; a loss
        that is not a number has no JSON form."""
        told: dict[str, object] = {
            "text": self.plain,
            "loss": self.loss if math.isfinite(self.loss) else None,
        }
        if isinstance(self.names, Names) and self.names.words.own:
            told["own"] = self.text
        if self.parts:
            told["parts"] = {name: [part.text, part.names] for name, part in self.parts.items()}
        return told

    @property
    def complexity(self) -> int:
        return self._expression.complexity

    @property
    def plain(self) -> str:
        """`text` with operators of the user's own written out."""
        return (
            self._expression.written_out().text(self.names)
            if isinstance(self.names, Names)
            else self.text
        )

    def in_words(self, words: Words | None) -> str:
        """`text` for who knows these operators of his own: written out where they are others."""
        if not isinstance(self.names, Names):
            return str(self)
        known = {} if words is None else words.own
        own = self.names.words.own
        same = all(own[name] == known.get(name) for name in self.operators & own.keys())
        return str(self) if same else self.plain

    @property
    def readable(self) -> str:
        """The formula for people: constants as simple numbers (`pi/8`) or to the digits that mean
        something. `text` has them in full."""
        if self._form is not None:
            if self._form.missing():
                return self.text
            sizes = [f"(-{c.size})" if c.value < 0 else c.size for c in self.constants]
            return self._form.written(sizes)
        return readable_text(self._expression, self.names, self.constants)

    @property
    def texts(self) -> tuple[str, ...]:
        """It, in the inputs of `own_names` alone; of groups, that of each."""
        return (self.text,)

    def _tell_units(
        self, exponents: Sequence[Sequence[Sequence[float]]], known: PhysicalConstants
    ) -> None:
        """exponents: of all numbers in each of `texts`; those that are part of the form have no
        unit."""
        measured = set(self._expression.constants)
        numbers = [value for kind, _, value in self._expression.nodes if kind == "constant"]
        told = list(zip(numbers, exponents[0], strict=True))
        own = [e for value, e in told if value in measured]
        if self.parts:  # a constant may stand in several places, of one unit
            places = [[e for v, e in told if v == c.value] for c in self.constants]
            own = [same[0] for same in places if len({known.units.written(e) for e in same}) == 1]
        if len(own) == len(self.constants):
            units = [known.units.written(e) for e in own]
            named = [known.named(c, e) for c, e in zip(self.constants, own, strict=True)]
            self.constants = self.constants.with_units(units, named)

    @property
    def domain(self) -> Domain:
        """Where the formula is defined, and whether that is proven for the data's ranges."""
        return domain_of(self._known().written_out(), self.names, self.ranges)

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
        values = self._known().evaluate(rows, scalars.thread_count(threads))
        if self.ranges is not None and not self._warned:
            told = outside_told(self._expression, rows, values, self.ranges)
            if told is not None:
                self._warned = True
                warnings.warn(told, OutsideWarning, stacklevel=2)
        return values

    def gradient(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Derivatives by every input, exact (reverse mode); arguments as for a call.

        Returns:
            (n, d) float64.
        """
        return self._known().gradient(self._columns(X), scalars.thread_count(threads))

    def hessian(self, X: object, *, threads: int | None = None) -> npt.NDArray[np.float64]:
        """Second derivatives by every two inputs, exact; arguments as for a call.

        Returns:
            (n, d, d) float64, symmetric.
        """
        return self._known().hessian(self._columns(X), scalars.thread_count(threads))

    def _known(self) -> _core.Expression:
        if self._form is not None and (missing := self._form.missing()):
            raise InputError(
                f"constants: {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no "
                "value; fit the formula first, or give constants={name: value}"
            )
        return self._expression

    def _columns(self, X: object) -> FloatMatrix:
        return inputs_of(checks.matrix(X, min_rows=1), self.names, self.labels, "the formula")

    @cached_property
    def _sympy(self) -> sympy.Expr:
        if self._form is not None and self._form.missing():
            form = self._form
            return sympy_forms.expression_of(form.expression(), [*self.names, *form.values])
        return sympy_forms.expression_of(self._expression.written_out(), self.names)

    @property
    def _readable_form(self) -> sympy.Expr:
        if self._form is not None or isinstance(self.names, Names):
            return self._sympy
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
            units: per input, for the comment; those that the search was given, where none are.
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
            self._known().written_out(),
            self.names,
            language,
            derivatives,
            name=name,
            ranges=known | own,
            units=self._own_units() | scalars.mapping(units, "units", "units by input"),
            outside=outside,
            numbers=[c.described for c in self.constants if c.unit],
        )

    def fit(
        self,
        X: object,
        y: object,
        weights: object = None,
        *,
        noise: Kind = "absolute",
        sigma: object = None,
        start: Mapping[str, float] | None = None,
    ) -> Formula:
        """The same formula with the constants under which these rows are likeliest.

        Named constants without a value are fitted, each as one however often it occurs; without
        named ones all numbers that are no whole or half exponents.

        Args:
            X: (n, d), as for a call.
            y: (n,) the target.
            weights: (n,) how often each row counts, none negative; None for once.
            noise: how the target scatters: "absolute", "relative", "log", "mixed", "robust" or
                "counts" (as for `search`).
            sigma: (n,) standard errors of y, positive: instead of noise.
            start: where named constants begin, by name; those left out at 1. None tries many.

        Returns:
            A formula with standard errors in `constants`, whose loss is the (weighted) mean squared
            error at these rows.

        Raises:
            InputError: rows, targets, weights or names that cannot be used, or rows at which the
                formula is not defined.
        """
        rows = Rows.checked(self._columns(X), y, weights, noise, sigma)
        form = self._form or Form.of_numbers(self._expression, self.names)
        begun, covariance = fitted(
            form.first(start or {}), rows, several=start is None and bool(form.missing())
        )
        found = Formula("0", self.names, ranges=self.ranges, labels=self.labels)
        found._take(begun, covariance)
        if self._form is None:
            found = found._of_numbers()
        found.units = self.units
        found.loss = rows.loss(found._expression.evaluate(rows.X, 1))
        return found

    def _of_numbers(self) -> Formula:
        """The same without names of its constants."""
        plain = Formula(self.text, self.names, self.loss, self.ranges, self.labels)
        if len(plain.constants) == len(self.constants):
            plain.constants = Constants(
                [constant.value for constant in self.constants], self.constants.covariance
            )
        return plain

    def _own_units(self) -> dict[str, str]:
        texts = {} if self.units is None else self.units.texts
        return {name: text for name, text in texts.items() if name in self.names}

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
        self._known()
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

    def __reduce__(self) -> tuple[object, ...]:
        # The extension's object has no pickle.
        values = (self.names, self.loss, self.ranges, self.labels, self._form, self.constants)
        return _unpickled, (self.text, *values, self.units, self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and (self.text, self.names) == (other.text, other.names)

    def __hash__(self) -> int:
        return hash((self.text, self.names))


def _unpickled(
    text: str,
    names: tuple[str, ...],
    loss: float,
    ranges: Ranges | None,
    labels: tuple[str, ...] | None,
    form: Form | None,
    constants: Constants,
    units: Units | None,
    parts: Mapping[str, Formula],
) -> Formula:
    formula = Formula("0" if form else text, names, loss, ranges, labels)
    if form is not None:
        formula._take(form)
    formula.constants, formula.units, formula.parts = constants, units, parts
    return formula


def shortened(text: str) -> str:
    """A text that fits into a line of others."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def scored(
    texts: Sequence[str],
    names: Sequence[str],
    X: FloatMatrix,
    goal: _core.Goal,
    threads: int = 0,
    device: Device = "cpu",
) -> list[Formula]:
    """Formulas whose losses are computed from their texts, in one pass over all rows: what is shown
    is what is."""
    if devices.on_gpu(device, len(X)):
        losses = devices.running(lambda: goal.losses_on_device(texts, names, X))
    else:
        losses = goal.losses(texts, names, X, threads)
    return [Formula(text, names, loss) for text, loss in zip(texts, losses, strict=True)]
