"""Laws that are a relation of few terms, looked for where rows have noise.

y**p = (sum of products), log|y| = (the same), and y**p * (sum of products) = (another one), of the
libraries of `relations`, of few terms (`few_terms`). What noise in the target on the right does to
the factors is for the fits that follow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from closedform._typing import Floats
from closedform.searches.factors import Factors, choices
from closedform.searches.few_terms import Term, few_terms
from closedform.searches.products import Product, Wave
from closedform.searches.relation_texts import Relation
from closedform.searches.relations import exponential, grid_of, laurent, unscaled, with_waves
from closedform.searches.scaled_rows import Rows

MOST_INPUTS = 8
FEWEST_ROWS = 12
MOST_ANGLES = 4  # inputs whose waves are in a library
MOST_COLUMNS = 3000  # of a library
MOST_WORK = 100_000  # columns that terms are chosen from, of all choices together: some second
POWERS = (1.0, 2.0, -1.0, -2.0)
# Of power products: the largest exponent, the sum of their sizes, how many inputs at once, and the
# step (as `relations.GRIDS`).
GRIDS = ((2.0, 3.0, 3, 1.0), (1.5, 3.0, 3, 0.5))
SMALL_GRID = (2.0, 2.0, 2, 1.0)  # beside what are only factors
MOST_FACTORS = 8  # choices of them
LEAST_SIZE = 0.2  # of the root mean square, that a target is taken for where it is divided by
DEGREE = 2  # of both polynomials of a quotient
ROUNDS = 4  # of a quotient, each with the target as the one before has it


def noisy_relations(
    X: Floats,
    y: Floats,
    weights: Floats,
    names: Sequence[str],
    work: int,
    over: Callable[[], bool],
) -> Iterator[str]:
    """Formulas of relations that may hold up to noise at all rows where y is not 0.

    Args:
        X, y: (n, d) and (n,) float64, finite.
        weights: (n,) of the squares that are summed.
        names: of the inputs.
        work: columns that terms are chosen from, of all choices together, about.
        over: whether to end.
    """
    kept = y != 0
    X, y, weights = X[kept], y[kept], weights[kept]
    if len(y) < FEWEST_ROWS or X.shape[1] > MOST_INPUTS or not weights.any():
        return
    root = np.sqrt(weights / weights.mean())
    differences, called = _with_differences(X, names)
    norms, plain = (_Problem(Rows(columns, y), root, work, over) for columns in (differences, X))
    for relation in norms.norms(X.shape[1]):
        yield from relation.texts(called, norms.rows.positive)
    for relation in plain.relations():
        yield from relation.texts(names, plain.rows.positive)


def _with_differences(X: Floats, names: Sequence[str]) -> tuple[Floats, list[str]]:
    """Behind the inputs the differences of those whose ranges meet."""
    low, high = X.min(axis=0), X.max(axis=0)
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(X.shape[1]), 2)
        if low[i] < high[j] and low[j] < high[i]
    ]
    apart = [X[:, i] - X[:, j] for i, j in pairs]
    return np.column_stack([X, *apart]), [*names, *(f"({names[i]} - {names[j]})" for i, j in pairs)]


@dataclass(frozen=True)
class _Quotient:
    """Of two sums of columns.

    Attributes:
        kind: the columns, those below behind those above.
        values: (n,).
        length: nats of what it leaves and of its terms.
    """

    above: Sequence[Term]
    below: Sequence[Term]
    kind: frozenset[int]
    values: Floats
    length: float


@dataclass
class _Problem:
    """Rows and what of them is looked at.

    Attributes:
        root: (n,) square roots of the weights.
        work: columns that terms may yet be chosen from.
        over: whether to end.
    """

    rows: Rows
    root: Floats
    work: int
    over: Callable[[], bool]

    def _few_terms(self, columns: Floats, target: Floats, root: Floats) -> list[list[Term]]:
        """As `few_terms`, while there is time and work."""
        self.work -= columns.shape[1]
        return [] if self.work < 0 or self.over() else few_terms(columns, target, root)

    @cached_property
    def _size(self) -> Floats:
        """Of the target, as an error of it changes its powers: not as near 0 as it may be."""
        v = self.rows.v
        return np.maximum(np.abs(v), LEAST_SIZE * math.sqrt(float(np.mean(v**2))))

    def relations(self) -> Iterator[Relation]:
        """Sums and quotients of products."""
        rows = self.rows
        with np.errstate(all="ignore"):
            none = Factors({}, tuple(range(rows.inputs)), {})
            sets: list[Sequence[Wave]] = [(), *rows.angles[:MOST_ANGLES]]
            ways = list(itertools.islice(choices(rows), MOST_FACTORS))
            for waves in sets:
                for grid in GRIDS:
                    if grid[-1] == 1 or any(rows.positive):
                        library = laurent(rows, none, grid, waves, MOST_COLUMNS) or []
                        if waves:
                            yield from self._sums(_angles_alone(library, waves), (1.0,))
                        yield from self._sums(library, POWERS)
                    if self.work < 0 or self.over():
                        return
                yield from self._quotients(none, waves, 1.0)
                if not waves:
                    yield from self._quotients(none, (), 2.0)
                    apart = (factors for factors in ways if factors.exponents)
                    for factors, power in itertools.product(apart, (1.0, 2.0)):
                        yield from self._quotients(factors, (), power)
                for factors in ways:
                    product = factors.product(1.0, rows)
                    if product is not None and any(product.exponents) and factors.others:
                        library = laurent(rows, factors, SMALL_GRID, waves, MOST_COLUMNS) or []
                        yield from self._sums([one.times(product) for one in library], (1.0,))

    def norms(self, own: int) -> Iterator[Relation]:
        """A power of the target, a sum of squares of inputs and of their differences.

        own: how many of the columns are inputs; the others are their differences.
        """
        rows = self.rows
        none = Product((0.0,) * rows.inputs)
        library = [none]
        for j, power in itertools.product(range(rows.inputs), (1.0, 2.0)):
            if j < own or power == 2.0:
                exponents = [0.0] * rows.inputs
                exponents[j] = power
                library.append(Product(tuple(exponents)))
        with np.errstate(all="ignore"):
            yield from self._sums(library, POWERS)

    def _sums(self, library: Sequence[Product], powers: Sequence[float]) -> Iterator[Relation]:
        """The target to a power, or its logarithm, a sum."""
        if not library:
            return
        rows, columns, size = self.rows, self.rows.columns(library), self._size
        for power in powers:
            # An error of y is p y**(p - 1) times as large in y**p.
            weighed = self.root * size ** (1.0 - power)
            for found in self._few_terms(columns, rows.v**power, weighed):
                terms = [(factor, library[k]) for k, factor in found]
                yield Relation(power, unscaled(rows, terms, power), ())
        if len(powers) > 1 and (rows.v.min() > 0 or rows.v.max() < 0):
            positive = [j for j in rows.powers if rows.positive[j]]
            both = np.hstack([columns, rows.logs[:, positive]])
            for found in self._few_terms(both, np.log(np.abs(rows.v)), self.root * size):
                yield exponential(rows, library, positive, found)

    def _quotients(
        self, factors: Factors, waves: Sequence[Wave], power: float
    ) -> Iterator[Relation]:
        """The target to a power times a sum, what are only factors times another one."""
        rows = self.rows
        common = factors.product(power, rows)
        steps = [(0.0, 1.0, 2.0)] * len(factors.others)
        products = grid_of(rows, factors.others, steps, DEGREE, DEGREE, MOST_COLUMNS) or []
        library = with_waves(products, waves, factors, 1)
        if common is None or not library or len(library) > MOST_COLUMNS // 2:
            return
        columns, base = rows.columns(library), rows.column(common)
        target = rows.v**power / base
        weighed = self.root * np.abs(base) * self._size ** (1.0 - power)
        smooth = self._smoothed(factors, waves, columns, target, weighed)
        usual = np.array([not one.waves and sum(one.exponents) <= 1 for one in library])
        units = np.flatnonzero(usual & columns.all(axis=0)).tolist()
        found: dict[frozenset[int], _Quotient] = {}
        least = math.inf
        for _ in range(ROUNDS):
            several = list(self._solved(columns, units, target, smooth, weighed))
            for one in several:
                found[one.kind] = min(found.get(one.kind, one), one, key=_length)
            best = min(several, key=_length, default=None)
            if best is None or not best.length < least - 1.0:
                break
            # Its own values have less noise than any smooth ones (refined instrumental variables:
            # Young, Recursive Estimation and Time-Series Analysis, 1984).
            least, smooth = best.length, best.values
        for one in found.values():
            above = [(factor, library[k].times(common)) for k, factor in one.above]
            below = [(factor, library[k]) for k, factor in one.below]
            yield Relation(power, unscaled(rows, above, power), unscaled(rows, below, 0.0))

    def _solved(
        self,
        columns: Floats,
        units: Sequence[int],
        target: Floats,
        smooth: Floats,
        weighed: Floats,
    ) -> Iterator[_Quotient]:
        """Quotients of few columns that may be the target, in which one of `units` is divided by.

        smooth: what stands for the target where it is multiplied by a column.
        """
        first = columns.shape[1]
        both = np.hstack([columns, columns * smooth[:, None]])
        for at in units:
            others = both / columns[:, at, None]
            others[:, first + at] = 0.0  # the target itself
            for terms in self._few_terms(others, target, weighed):
                above = [(k, factor) for k, factor in terms if k < first]
                below = [(k - first, -factor) for k, factor in terms if k >= first]
                if not (above and below):
                    continue
                below.insert(0, (at, 1.0))
                values = _summed(columns, above) / _summed(columns, below)
                left = float(np.sum((weighed * (target - values)) ** 2))
                length = 0.5 * len(target) * math.log(max(left, 1e-300))
                length += len(terms) * (math.log(2 * first) + 0.5 * math.log(len(target)))
                if math.isfinite(length):
                    kind = frozenset(k for k, _ in above) | {first + k for k, _ in below}
                    yield _Quotient(above, below, kind, values, length)

    def _smoothed(
        self,
        factors: Factors,
        waves: Sequence[Wave],
        columns: Floats,
        target: Floats,
        weighed: Floats,
    ) -> Floats:
        """The target as far as products of both signs say it, or at least the columns: in a
        regression on it its noise would make factors too small."""
        library = laurent(self.rows, factors, SMALL_GRID, waves, len(target) // 3)
        for basis in ([self.rows.columns(library)] if library else []) + [columns]:
            scaled = basis * weighed[:, None]
            if 3 * scaled.shape[1] <= len(target) and np.isfinite(scaled).all():
                own, _ = np.linalg.qr(scaled)
                smooth: Floats = own @ (own.T @ (target * weighed)) / weighed
                return smooth
        return target


def _length(one: _Quotient) -> float:
    return one.length


def _summed(columns: Floats, terms: Sequence[Term]) -> Floats:
    places, factors = zip(*terms, strict=True)
    summed: Floats = columns[:, places] @ np.array(factors)
    return summed


def _angles_alone(library: Sequence[Product], waves: Sequence[Wave]) -> list[Product]:
    """Those without powers of what is an angle: beside its waves these can be mistaken for them."""
    angles = {j for wave in waves for j in wave.inputs}
    return [one for one in library if not any(one.exponents[j] for j in angles)]
