"""Laws that are a relation of few terms, found by linear algebra where rows have no noise.

Distances, norms, sums in parallel, rational functions, cosine rules, bells: a power of the target,
its logarithm, or it times a polynomial, is a sum of few products of powers and sines. Growing
expressions finds these late, for no part of them is of any use alone.

y**p * (sum of products) = (power product) * (sum of products)

What is only a factor has an exponent that a regression of log|y| shows; the other inputs enter the
sums (`sparse_relations`), which are then written short (`products`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

import numpy as np

from closedform._typing import Floats
from closedform.searches.factors import Factors, choices
from closedform.searches.products import Product, Terms, Wave, rounded
from closedform.searches.relation_texts import Relation
from closedform.searches.scaled_rows import Rows
from closedform.searches.sparse_relations import exact_sum, null_vectors, sparsest

MOST_INPUTS = 12
FEWEST_ROWS = 24
MOST_COLUMNS = 8000  # of a library
MOST_WORK = 40_000  # columns of all libraries together: some second
POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
# Terms of the target alone that nearly cancel are an identity: share of the sizes that is left.
IDENTITY = 1e-5
LONGEST = 14  # terms of a relation
# Of the polynomials beside the power product, and beside the target: the largest exponent of each
# input, and the degree.
DEGREES = (
    ((1, 1), (1, 1)),
    ((2, 2), (1, 1)),
    ((2, 2), (2, 2)),
    ((2, 4), (2, 2)),
    ((3, 3), (2, 2)),
    ((3, 3), (3, 3)),
)
# Of power products of both signs: the largest exponent, the sum of their sizes, how many inputs at
# once, and the step. A small library first: the more columns, the more look alike.
GRIDS = (
    (1.0, 2.0, 2, 1.0),
    (2.0, 4.0, 3, 1.0),
    (2.0, 3.0, 3, 0.5),
    (3.0, 6.0, 4, 1.0),
    (4.0, 8.0, 4, 1.0),
    (3.0, 6.0, 4, 0.5),
)


def relations(X: Floats, y: Floats, work: int, over: Callable[[], bool]) -> Iterator[Relation]:
    """Relations that hold to rounding at all rows where y is not 0; small libraries first.

    Args:
        X, y: (n, d) and (n,) float64, finite.
        work: columns of all libraries together, at most.
        over: whether to end.
    """
    X, y = X[y != 0], y[y != 0]
    if len(y) < FEWEST_ROWS or X.shape[1] > MOST_INPUTS:
        return
    rows = Rows(X, y)
    ways = list(choices(rows))
    with np.errstate(all="ignore"):
        for kind in _kinds(rows):
            for factors in ways:
                if over() or rows.work > work:
                    return
                yield from kind(rows, factors)


def _kinds(rows: Rows) -> Iterator[Callable[[Rows, Factors], Iterator[Relation]]]:
    """What is tried for every choice of factors, one after another."""
    sets: list[Sequence[Wave]] = [(), *rows.angles]
    whole = list(itertools.chain(*rows.angles))
    singles = [wave for wave in whole if len(wave.inputs) == 1]
    # Those of single angles with products of theirs, which say the same as waves of differences.
    sets += [some for some in (whole, singles) if len(some) > 2]
    for waves in sets:
        yield partial(_quadratic, waves=waves)
        yield partial(_rational, waves=waves)
    for grid in GRIDS:
        for waves in sets:
            yield partial(_of_grid, grid=grid, waves=waves)


def grid_of(
    rows: Rows,
    inputs: Sequence[int],
    steps: Sequence[Sequence[float]],
    degree: float,
    together: int,
    most: int,
) -> Sequence[Product] | None:
    """Powers of the inputs in all combinations; None where these are too many.

    steps: exponents of each input, small ones first.
    """
    return _grid(rows.inputs, tuple(inputs), tuple(map(tuple, steps)), degree, together, most)


@lru_cache(maxsize=128)  # every search of a run asks for the same ones
def _grid(
    width: int,
    inputs: tuple[int, ...],
    steps: tuple[tuple[float, ...], ...],
    degree: float,
    together: int,
    most: int,
) -> tuple[Product, ...] | None:
    found: list[Product] = []

    def extend(exponents: list[float], used: float, count: int) -> bool:
        if len(exponents) == len(inputs):
            whole = [0.0] * width
            for j, exponent in zip(inputs, exponents, strict=True):
                whole[j] = exponent
            found.append(Product(tuple(whole)))
            return len(found) <= most
        return all(
            extend([*exponents, step], used + abs(step), count + (step != 0))
            for step in steps[len(exponents)]
            if used + abs(step) <= degree and count + (step != 0) <= together
        )

    return tuple(found) if extend([], 0.0, 0) else None


def with_waves(
    library: Sequence[Product], waves: Sequence[Wave], factors: Factors, most: int
) -> list[Product]:
    """Each alone, with a wave, and with two: of one angle, but not both sines, for sin**2 is
    1 - cos**2; or of two where there are none of their difference."""
    used = [w for w in waves if len(w.inputs) > 1 or w.inputs[0] in factors.others]
    choices: list[tuple[Wave, ...]] = [(), *((w,) for w in used)]
    if most > 1:
        apart = all(len(w.inputs) == 1 for w in used)
        choices += [
            (a, b)
            for a, b in itertools.combinations_with_replacement(used, 2)
            if not (a is b and a.function == "sin") and (apart or _alike(a, b))
        ]
    return [Product(p.exponents, chosen) for chosen in choices for p in library]


def _alike(a: Wave, b: Wave) -> bool:
    return (a.argument, a.inputs) == (b.argument, b.inputs)


def _quadratic(rows: Rows, factors: Factors, waves: Sequence[Wave]) -> Iterator[Relation]:
    inputs = factors.others
    library = grid_of(rows, inputs, [(0.0, 1.0, 2.0)] * len(inputs), 2, 2, MOST_COLUMNS)
    yield from _sums(rows, factors, library and with_waves(library, waves, factors, 2))


def laurent(
    rows: Rows,
    factors: Factors,
    grid: tuple[float, float, int, float],
    waves: Sequence[Wave],
    most: int = MOST_COLUMNS,
) -> Sequence[Product] | None:
    """Exponents of both signs, times waves; None where there are more than `most`."""
    largest, degree, together, least = grid
    steps = []
    for j in factors.others:
        step = least if rows.positive[j] else 1.0
        sizes = np.arange(step, largest + step / 2, step)
        signed = [*sizes, *(-sizes if rows.powered[j] else ())]
        steps.append([0.0, *sorted(map(float, signed), key=abs)])
    each = len(with_waves([Product(())], waves, factors, 2))
    library = grid_of(rows, factors.others, steps, degree, together, most // each)
    return library and with_waves(library, waves, factors, 2)


def _of_grid(
    rows: Rows,
    factors: Factors,
    grid: tuple[float, float, int, float],
    waves: Sequence[Wave],
) -> Iterator[Relation]:
    if grid[-1] < 1 and not any(rows.positive[j] for j in factors.others):
        return
    library = laurent(rows, factors, grid, waves)
    yield from _sums(rows, factors, library)
    if not factors.exponents:
        yield from _logarithm(rows, library)


def _multiples(rows: Rows, factors: Factors) -> Iterator[tuple[float, Product]]:
    """Powers of the target, and power products that these may be multiples of."""
    for power in POWERS:
        if abs(power) >= 1 or rows.v.min() > 0:
            for product in factors.products(power, rows):
                yield power, product


def _sums(rows: Rows, factors: Factors, library: Sequence[Product] | None) -> Iterator[Relation]:
    """The target to a power, a power product times a sum."""
    if not library:
        return
    columns = rows.columns(library)
    for power, product in _multiples(rows, factors):
        base, target = rows.column(product), rows.v**power
        # Of all sizes alike; where terms cancel, in proportion to these, not to what they leave.
        usual = np.abs(base) * np.median(np.abs(target / base))
        sizes = np.maximum(np.abs(target), usual)
        found = exact_sum(columns * (base / sizes)[:, None], target / sizes)
        if 0 < len(found) <= LONGEST:
            terms = [(factor, library[k].times(product)) for k, factor in found]
            yield Relation(power, unscaled(rows, terms, power), ())


def _rational(rows: Rows, factors: Factors, waves: Sequence[Wave]) -> Iterator[Relation]:
    """The target to a power times a polynomial, a power product times another one."""
    angles = {wave.inputs[0] for wave in waves if len(wave.inputs) == 1}
    inputs = [j for j in factors.others if j not in angles]
    for power in (1.0, 2.0):
        product = factors.product(power, rows)
        if product is None:
            continue
        target, base = rows.v**power, rows.column(product)
        for above, below in DEGREES:
            libraries = []
            for largest, degree in (above, below):
                steps = [list(map(float, range(largest + 1)))] * len(inputs)
                grid = grid_of(rows, inputs, steps, degree, degree, len(rows.v)) or []
                libraries.append(with_waves(grid, waves, factors, largest))
            if not all(libraries) or 2 * sum(map(len, libraries)) > len(rows.v):
                continue
            over, under = libraries
            columns = np.hstack(
                [rows.columns(over) * base[:, None], rows.columns(under) * target[:, None]]
            )
            relation = _null_relation(rows, columns, over, under, product, power)
            if relation is not None:
                yield relation
                return


def _null_relation(
    rows: Rows,
    columns: Floats,
    over: Sequence[Product],
    under: Sequence[Product],
    product: Product,
    power: float,
) -> Relation | None:
    if not (np.isfinite(columns).all() and columns.any(axis=0).all()):
        return None
    first = len(over)
    blocks = [range(first), range(first, columns.shape[1])]
    vector = sparsest(null_vectors(columns), blocks)
    if vector is None or np.count_nonzero(vector) > LONGEST:
        return None
    told = columns * vector
    below = np.abs(told[:, first:].sum(axis=1)) / np.abs(told[:, first:]).sum(axis=1)
    if not np.median(below) > IDENTITY:
        return None
    above = [(-vector[k], over[k].times(product)) for k in range(first) if vector[k]]
    beside = [(vector[first + k], under[k]) for k in range(len(under)) if vector[first + k]]
    return Relation(power, unscaled(rows, above, power), unscaled(rows, beside, 0.0))


def _logarithm(rows: Rows, library: Sequence[Product] | None) -> Iterator[Relation]:
    """log|y| a sum of products and of logarithms of inputs."""
    if not (rows.v.min() > 0 or rows.v.max() < 0):
        return
    target = np.log(np.abs(rows.v))
    if library is None or not target.any():
        return
    positive = [j for j in rows.powers if rows.positive[j]]
    columns = np.hstack([rows.columns(library), rows.logs[:, positive]])
    found = exact_sum(columns, target)
    if 0 < len(found) <= LONGEST:
        yield exponential(rows, library, positive, found)


def exponential(
    rows: Rows,
    library: Sequence[Product],
    positive: Sequence[int],
    found: Sequence[tuple[int, float]],
) -> Relation:
    """The target whose logarithm is a sum, of products and behind them logarithms of inputs."""
    exponents = [0.0] * rows.inputs
    terms: list[tuple[float, Product]] = []
    size = 1.0 if rows.v[0] > 0 else -1.0
    for k, factor in found:
        if k >= len(library):
            exponents[positive[k - len(library)]] = rounded(factor)
        elif any(library[k].exponents) or library[k].waves:
            terms.append((factor, library[k]))
        else:
            size *= math.exp(min(max(factor, -700.0), 700.0))
    outside = Product(tuple(exponents))
    size = rows.unscaled(size, outside, 1.0)
    return Relation(0.0, unscaled(rows, terms, 0.0), (), (size, outside))


def unscaled(rows: Rows, terms: Terms, power: float) -> Terms:
    """The terms with the factors of rows that are not scaled."""
    return tuple((rows.unscaled(c, product, power), product) for c, product in terms)
