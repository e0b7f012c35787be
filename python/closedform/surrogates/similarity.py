"""Similarity variables: the differences or power products of inputs that a function depends on.

A function with y(x + s c) = y(x) depends on differences of its inputs. One with
y(s^c1 x1, s^c2 x2, ...) = s^k y(x) has, by Euler's theorem on homogeneous functions,
sum_i c_i x_i dy/dx_i = k y, and is a power product times a function of power products (Buckingham,
Phys. Rev. 4, 345, 1914). Such c are null vectors of matrices made of a surrogate's gradients, which
propose; what decides is how well a surrogate of the fewer variables predicts rows held out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from closedform._typing import Floats
from closedform.formulas.formula import Formula
from closedform.surrogates.model import Surrogate

GAP = 0.35  # a null vector's singular value over the next larger one, at most
SNAP = 0.15  # from an exponent to a multiple of 1/2, at most
LARGEST_EXPONENT = 8.0
MOST_INPUTS = 64  # the work grows with their cube
MOST_TRIED = 3  # proposals of each kind, those with the fewest variables first
# Error with fewer variables over that with all: noise leaves no more room than this, and fits below
# FINE differ by more from one choice of variables to another.
WORSE, WORSE_FINE, FINE = 1.5, 5.0, 1e-3
ROUNDING = 1e-6  # smaller errors are as good as none

Fit = Callable[[Floats, Floats, Floats], Surrogate]


@dataclass(frozen=True)
class Similarity:
    """y = factor * g(groups), with fewer groups than inputs.

    Attributes:
        factor: text in the inputs' names.
        groups: texts; none where g is a constant.
        error: held-out error of a surrogate of g, taken back to y, over y's standard deviation.
    """

    factor: str
    groups: tuple[str, ...]
    error: float

    def __str__(self) -> str:
        inner = f"g({', '.join(self.groups)})" if self.groups else "constant"
        return inner if self.factor == "1" else f"{self.factor} * {inner}"

    @property
    def variables(self) -> tuple[str, ...]:
        """Names for the groups in a search: z1, z2, ..."""
        return tuple(f"z{k + 1}" for k in range(len(self.groups)))

    @property
    def template(self) -> str | None:
        """y as a search's `template`: a function of the groups; None where there are none."""
        if not self.groups:
            return None
        inner = f"f({', '.join(self.groups)})"
        return inner if self.factor == "1" else f"({self.factor})*{inner}"

    def whole(self, inner: str) -> str:
        """Text of y in the inputs' names, from one of g in `variables`."""
        groups = dict(zip(self.variables, self.groups, strict=True))
        inner = re.sub(r"\bz\d+\b", lambda name: f"({groups[name.group()]})", inner)
        return f"({self.factor})*({inner})"


@dataclass(frozen=True)
class Reduced:
    """Data in similarity variables.

    Attributes:
        Z: (n, groups) values of the groups.
        values: (n,) of g.
        weights: (n,) of the rows, such that squared errors of g are squared errors of y.
    """

    similarity: Similarity
    Z: Floats
    values: Floats
    weights: Floats


def reduce(
    X: Floats,
    y: Floats,
    weights: Floats | None,
    surrogate: Surrogate,
    fit: Fit,
    operators: Iterable[str],
    over: Callable[[], bool] = lambda: False,
    known: Reduced | None = None,
) -> Reduced:
    """The data in the fewest similarity variables found; the inputs, where all are needed.

    Goes on with what it found, whose surrogate is the better one: differences first, then power
    products of those.

    Args:
        X, y, weights: (n, d), (n,) and (n,) or None.
        surrogate: of the data.
        fit: a surrogate of other inputs, from their (Z, values, weights).
        operators: what groups and factors may be written with.
        over: whether to end with what was found.
        known: the data in fewer variables that are known to do (`of_units`), looked at first.
    """
    rows = np.ones(len(y)) if weights is None else weights / np.mean(weights)
    plain = Similarity("1", surrogate.names, surrogate.held_out_error)
    now = Reduced(plain, X, y, rows)
    if X.shape[1] > MOST_INPUTS:
        return now
    fitted: _Fitted | None = _Fitted(plain.error, surrogate.predict(X), surrogate.gradient(X))
    deviation = _deviation(y, rows)
    in_logs = False
    if plain.error > FINE and (np.all(y > 0) or np.all(y < 0)):
        logarithm = _fitted_in_logs(now, rows, fit, deviation)
        if logarithm.error < plain.error:
            in_logs, fitted = True, logarithm
    again = _fitted_in_logs if in_logs else _fitted
    if known is not None and known.similarity.groups and fitted is not None:
        of_known = again(known, rows, fit, deviation)
        if of_known.error <= _bound(fitted.error):
            told = replace(known.similarity, error=of_known.error)
            now, fitted = replace(known, similarity=told), of_known
    while fitted is not None:
        bound = _bound(fitted.error)
        for step in _proposals(now.Z, fitted.values, fitted.gradients):
            if over():
                return now
            fewer = step.applied(now, surrogate.names, list(operators))
            if fewer is None:
                continue
            error = _deviation(fewer.values, fewer.weights) / deviation
            model: _Fitted | None = None
            if fewer.similarity.groups and error > ROUNDING:
                model = again(fewer, rows, fit, deviation)
                error = model.error
            if error <= bound:
                told = replace(fewer.similarity, error=error)
                now, fitted = replace(fewer, similarity=told), model
                break
        else:
            break
    return now


def of_units(
    X: Floats,
    y: Floats,
    weights: Floats | None,
    names: Sequence[str],
    exponents: Floats,
    operators: Iterable[str],
) -> Reduced | None:
    """The data in the variables that units alone allow (Buckingham's), before anything is fitted.

    Args:
        X, y, weights: (n, d), (n,) and (n,) or None.
        exponents: (bases, d + 1) of every base unit in the inputs and the target, of a law whose
            constants are pure numbers.
        operators: what groups and the factor may be written with.

    Returns:
        None where all quantities are pure, or the groups cannot be computed or written.
    """
    null = np.empty((0, exponents.shape[1]))
    for row in exponents:
        more = np.vstack([null, row])
        null = more if np.linalg.matrix_rank(more) > len(null) else null
    step = _power_step(null, _pivots(X)) if len(null) else None
    rows = np.ones(len(y)) if weights is None else weights / np.mean(weights)
    whole = Reduced(Similarity("1", tuple(names), np.nan), X, y, rows)
    return None if step is None else step.applied(whole, names, list(operators))


def _bound(error: float) -> float:
    """The largest error in fewer variables, of one in all."""
    return max(WORSE * error, min(WORSE_FINE * error, FINE), ROUNDING)


@dataclass(frozen=True)
class _Fitted:
    """Held-out error over the standard deviation of y, values and gradients of a surrogate of g."""

    error: float
    values: Floats
    gradients: Floats


def _fitted(data: Reduced, _rows: Floats, fit: Fit, deviation: float) -> _Fitted:
    model = fit(data.Z, data.values, data.weights)
    error = model.held_out_error * _deviation(data.values, data.weights) / deviation
    return _Fitted(error, model.predict(data.Z), model.gradient(data.Z))


def _fitted_in_logs(data: Reduced, rows: Floats, fit: Fit, deviation: float) -> _Fitted:
    """By a surrogate of log g: products become sums."""
    logs = np.log(np.abs(data.values))
    model = fit(data.Z, logs, rows)
    # As if errors of the logarithm were the same everywhere.
    size = float(np.sqrt(np.mean(data.weights * data.values**2)))
    error = model.held_out_error * _deviation(logs, rows) * size / deviation
    values = np.sign(data.values) * np.exp(model.predict(data.Z))
    return _Fitted(error, values, values[:, None] * model.gradient(data.Z))


def _deviation(values: Floats, weights: Floats) -> float:
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.mean(weights * (values - mean) ** 2)))


@dataclass(frozen=True)
class _Step:
    """From variables to fewer.

    Attributes:
        powers: whether groups are power products, not sums.
        groups: (groups, variables) exponents of the variables in each group, or coefficients.
        factor: (variables,) exponents of the factor.
    """

    powers: bool
    groups: Floats
    factor: Floats

    def applied(self, data: Reduced, names: Sequence[str], operators: list[str]) -> Reduced | None:
        """None where it cannot be computed or written."""
        old = data.similarity
        write = _product_text if self.powers else _sum_text
        texts = [f"({old.factor})*{_product_text(self.factor, old.groups)}"]
        texts += [write(row, old.groups) for row in self.groups]
        simple = [Formula(text, names).simplified(operators) for text in texts]
        if any(not formula.operators <= set(operators) for formula in simple):
            return None
        if self.powers:
            columns = [_power_product(data.Z, row) for row in self.groups]
            Z = np.stack(columns, axis=1) if columns else np.empty((len(data.Z), 0))
        else:
            Z = data.Z @ self.groups.T
        factor = _power_product(data.Z, self.factor)
        with np.errstate(all="ignore"):
            values, weights = data.values / factor, data.weights * factor**2
        if not all(np.all(np.isfinite(part)) for part in (Z, values, weights)):
            return None
        if np.any(np.ptp(Z, axis=0) == 0.0):
            return None
        factor_text, *group_texts = [formula.text for formula in simple]
        fewer = Similarity(factor_text, tuple(group_texts), np.nan)
        if not weights.sum() > 0:  # rows that say something are gone
            return None
        return Reduced(fewer, Z, values, weights)


def _proposals(X: Floats, values: Floats, gradients: Floats) -> Iterator[_Step]:
    """What the function might depend on: sums first; of each kind the fewest variables first.

    Guesses: rounding hides what the gradients say against them.
    """
    columns = X.shape[1]
    deviations = np.std(X, axis=0)
    for null in _null_spaces(gradients * deviations):
        found = _invariants(null * deviations, np.ones(columns))
        if found is not None:
            upwards = np.where(np.mean(X @ found.T, axis=0) < 0, -1.0, 1.0)  # roots need it
            yield _Step(False, found * upwards[:, None], np.zeros(columns))
    preference = _pivots(X)
    for null in _null_spaces(np.column_stack([gradients * X, -values])):
        if (step := _power_step(null, preference)) is not None:
            yield step


def _pivots(X: Floats) -> Floats:
    """(columns + 1,) how much each is worth dividing by; 0 for what may be zero, and the target."""
    preference = np.zeros(X.shape[1] + 1)
    for j, column in enumerate(X.T):
        # A pivot is divided by: the less it varies the better.
        if np.min(column) > 0 or np.max(column) < 0:
            preference[j] = 1.0 / (np.std(np.log(np.abs(column))) + SNAP)
    return preference


def _power_step(null: Floats, preference: Floats) -> _Step | None:
    """Power products that stay the same along null vectors, whose last column is the target's: the
    factor's exponents are what that column's coefficients come to."""
    found = _invariants(null, preference)
    if found is None:
        return None
    groups = found[:-1, :-1]
    # What may be zero stays where it is, undivided.
    costs = np.where(preference[:-1] > 0, 1.0, 2.0 * LARGEST_EXPONENT * (len(preference) - 1))
    for k in range(len(groups)):
        groups[k] = _shortest(groups[k], np.delete(groups, k, axis=0), costs)
    return _Step(True, groups, _shortest(-found[-1, :-1], groups, costs))


def _null_spaces(rows: Floats) -> Iterator[Floats]:
    """Bases (r, columns) of what the rows hardly point along, where singular values leave a gap."""
    if not np.all(np.isfinite(rows)):
        return
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    ranks = [rank for rank in range(1, len(sizes)) if sizes[rank] < GAP * sizes[rank - 1]]
    for rank in ranks[:MOST_TRIED]:
        yield directions[rank:]


def _invariants(null: Floats, preference: Floats) -> Floats | None:
    """What stays the same along all null vectors: (columns left, columns), rounded.

    Gauss-Jordan elimination: a column f left has the invariant x_f - sum_p N_pf x_p over the
    pivots p. Pivots are the largest entries times `preference`, 0 for columns that can be none.
    None where a coefficient is no multiple of 1/2, or too large.
    """
    null = null.copy()
    pivots: list[int] = []
    for row in range(len(null)):
        size = np.abs(null[row:]) * preference
        size[:, pivots] = 0.0
        best = int(np.argmax(size))
        at, pivot = row + best // null.shape[1], best % null.shape[1]
        if size[at - row, pivot] == 0.0:
            return None
        null[[row, at]] = null[[at, row]]
        null[row] /= null[row, pivot]
        others = np.arange(len(null)) != row
        null[others] -= np.outer(null[others, pivot], null[row])
        pivots.append(pivot)
    rounded = np.round(2.0 * null) / 2.0
    if np.max(np.abs(rounded - null)) > SNAP or np.max(np.abs(rounded)) > LARGEST_EXPONENT:
        return None
    left = [column for column in range(null.shape[1]) if column not in pivots]
    found = np.zeros((len(left), null.shape[1]))
    for k, column in enumerate(left):
        found[k, column] = 1.0
        found[k, pivots] = -rounded[:, column]
    return found


def _shortest(exponents: Floats, groups: Floats, costs: Floats) -> Floats:
    """The power product times groups or over them, while that makes the sum of its powers smaller;
    what is left of the function only changes by the same groups."""
    while len(groups):
        others = np.vstack([exponents + groups, exponents - groups])
        sums = np.abs(others) @ costs
        best = int(np.argmin(sums))
        if sums[best] >= np.abs(exponents) @ costs:
            break
        exponents = others[best]
    return exponents


def _power_product(X: Floats, exponents: Floats) -> Floats:
    used = np.flatnonzero(exponents)
    with np.errstate(all="ignore"):  # not finite where it cannot be computed
        return np.asarray(np.prod(X[:, used] ** exponents[used], axis=1))


def _product_text(exponents: Floats, texts: Sequence[str]) -> str:
    over, under = ["1"], ["1"]
    for exponent, text in zip(map(float, exponents), texts, strict=True):
        factors = over if exponent > 0 else under
        whole, half = divmod(abs(exponent), 1.0)
        factors += [f"({text})"] * int(whole) + [f"sqrt({text})"] * (half > 0)
    return f"{'*'.join(over)}/({'*'.join(under)})"


def _sum_text(coefficients: Floats, texts: Sequence[str]) -> str:
    terms = [
        f"{c!r}*({text})" for c, text in zip(map(float, coefficients), texts, strict=True) if c
    ]
    return " + ".join(terms)
