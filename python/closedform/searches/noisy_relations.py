"""Laws that are a relation of few terms, looked for where rows have noise.

y**p = (sum of products), log|y| = (the same), and y**p * (sum of products) = (another one), of the
libraries of `relations`. Terms are taken one by one, each time the one that leaves least, and each,
of few columns each two, is exchanged for any other that leaves less (orthogonal least squares:
Chen, Billings and Luo 1989; exchanges: Miller, Subset Selection in Regression, 2002); how many
there are is told by description length. What noise in the target on the right does to the factors
is for the fits that follow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from closedform._typing import Floats
from closedform.searches.factors import Factors, choices
from closedform.searches.products import Product, Wave
from closedform.searches.relation_texts import Relation
from closedform.searches.relations import exponential, grid_of, laurent, unscaled, with_waves
from closedform.searches.scaled_rows import Rows

Term: TypeAlias = tuple[int, float]  # a column and its factor

MOST_INPUTS = 8
FEWEST_ROWS = 12
MOST_TERMS = 5
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
ROUNDING = 1e-24  # share of the target's square that says nothing
SWEEPS = 3  # of exchanges
PAIRED = (2, 3)  # terms of the sums in which two are exchanged at once; longer ones grow from these
MOST_PAIRED = 300  # columns that pairs are chosen from
DEPENDENT = 1e-8  # share of a column's square that lies outside those taken, at least


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
        both = np.hstack([columns, columns * smooth[:, None]])
        first = len(library)
        for at, product in enumerate(library):
            unit = columns[:, at]
            if product.waves or sum(product.exponents) > 1 or not unit.all():
                continue
            others = both / unit[:, None]
            others[:, first + at] = 0.0  # the target itself
            for found in self._few_terms(others, target, weighed):
                below = [(-factor, library[k - first]) for k, factor in found if k >= first]
                above = [(factor, library[k].times(common)) for k, factor in found if k < first]
                if below and above:
                    below.insert(0, (1.0, library[at]))
                    yield Relation(power, unscaled(rows, above, power), unscaled(rows, below, 0.0))

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


def _angles_alone(library: Sequence[Product], waves: Sequence[Wave]) -> list[Product]:
    """Those without powers of what is an angle: beside its waves these can be mistaken for them."""
    angles = {j for wave in waves for j in wave.inputs}
    return [one for one in library if not any(one.exponents[j] for j in angles)]


def few_terms(columns: Floats, target: Floats, root: Floats) -> list[list[Term]]:
    """The sums of few columns with which the target is described shortest, the two best.

    Args:
        columns: (n, m) float64; those that are not finite, or 0, are not used. target: (n,).
        root: (n,) square roots of the weights.

    Returns:
        Columns and their factors.
    """
    target = target * root
    scaled = columns * root[:, None]
    norms = np.linalg.norm(scaled, axis=0)
    usable = np.isfinite(norms) & (norms > 0)
    if not usable.any() or not np.isfinite(target).all():
        return []
    unit = np.where(usable, scaled / np.where(usable, norms, 1.0), 0.0)
    count, term = len(target), math.log(usable.sum()) + 0.5 * math.log(len(target))
    floor = ROUNDING * max(float(target @ target), 1e-300)
    gram = unit.T @ unit if unit.shape[1] <= MOST_PAIRED else None
    chosen: list[int] = []
    described: list[tuple[float, list[int]]] = []
    for _ in range(min(MOST_TERMS, count // 4)):
        following = _next(unit, target, chosen)
        if following is None:
            break
        chosen = _exchanged(unit, target, [*chosen, following])
        if len(chosen) in PAIRED and gram is not None:
            chosen = _exchanged_pairs(unit, gram, target, chosen)
        left = _left(unit, target, chosen)
        length = 0.5 * count * math.log(max(left, floor)) + term * len(chosen)
        described.append((length, chosen))
    best = sorted(described, key=lambda one: one[0])[:2]
    found = []
    for _, terms in best:
        solution = np.linalg.lstsq(unit[:, terms], target, rcond=None)[0] / norms[terms]
        pairs = zip(terms, solution.tolist(), strict=True)
        found.append([(k, factor) for k, factor in pairs if factor])
    return found


def _next(unit: Floats, target: Floats, chosen: Sequence[int]) -> int | None:
    """The column that leaves least beside those chosen; None where all depend on these."""
    basis, _ = np.linalg.qr(unit[:, list(chosen)])
    left = target - basis @ (basis.T @ target)
    along = np.column_stack([basis, left]).T @ unit
    outside = 1.0 - np.sum(along[:-1] ** 2, axis=0)  # of those that are 0 nothing is along
    gains = np.where(outside > DEPENDENT, along[-1] ** 2 / np.maximum(outside, DEPENDENT), 0.0)
    gains[list(chosen)] = 0.0
    best = int(np.argmax(gains))
    return best if gains[best] > 0 else None


def _exchanged(unit: Floats, target: Floats, chosen: list[int]) -> list[int]:
    """Each for the one that leaves least beside the others, until none changes."""
    for _ in range(SWEEPS):
        before = list(chosen)
        for i in range(len(chosen)):
            others = chosen[:i] + chosen[i + 1 :]
            better = _next(unit, target, others)
            if better is not None:
                chosen[i] = better
        if chosen == before:
            break
    return chosen


def _exchanged_pairs(
    unit: Floats, gram: Floats, target: Floats, chosen: Sequence[int]
) -> list[int]:
    """Each two for the two that leave least beside the others: x1 and x2 are hardly got one by one
    from sqrt(x1*x2) and what corrects it.

    gram: (m, m) products of the columns.
    """
    best, least = list(chosen), _left(unit, target, chosen)
    for pair in itertools.combinations(chosen, 2):
        others = [k for k in chosen if k not in pair]
        trial = [*others, *_best_pair(unit, gram, target, others)]
        left = _left(unit, target, trial) if len(trial) == len(chosen) else math.inf
        if left < least:
            best, least = trial, left
    return best


def _best_pair(unit: Floats, gram: Floats, target: Floats, others: Sequence[int]) -> list[int]:
    """The two columns that leave least beside others; none where all depend on these."""
    along = unit.T @ target
    if others:
        basis, _ = np.linalg.qr(unit[:, list(others)])
        inside = basis.T @ unit
        gram = gram - inside.T @ inside
        along = along - inside.T @ (basis.T @ target)
    own = np.diagonal(gram).copy()
    own[own <= DEPENDENT] = 0.0
    squares = np.multiply.outer(own, own)
    outside = squares - gram**2
    shares = along**2
    gains = np.multiply.outer(shares, own)
    gains += gains.T
    gains -= 2.0 * np.multiply.outer(along, along) * gram
    gains = np.where(outside > DEPENDENT * squares, gains / np.maximum(outside, 1e-300), 0.0)
    best = int(np.argmax(gains))
    return [*divmod(best, len(own))] if gains.flat[best] > 0 else []


def _left(unit: Floats, target: Floats, chosen: Sequence[int]) -> float:
    basis, _ = np.linalg.qr(unit[:, list(chosen)])
    return float(np.sum((target - basis @ (basis.T @ target)) ** 2))
