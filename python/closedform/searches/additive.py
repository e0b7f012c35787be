"""Sums of terms with inner constants, one term chosen after another and exchanged.

Rates, growth, oscillators with friction, stress laws: three to six terms, each a product of one or
two functions of one input. A search that grows expressions keeps no term for which the others are
missing; here the next term is the one that says most of what the others leave (matching pursuit),
all constants are fitted together after each, and terms are taken out again and others put in their
place (ruin and recreate: Schrimpf et al. 2000).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from closedform._typing import Floats
from closedform.searches.pieces import OF_TEXT, PIECES, Piece
from closedform.searches.variable_projection import Fitted, Term, columns, fitted, solved, tangents

MOST_INPUTS = 5
MOST_COLUMNS = 30_000  # of terms at their first constants
MOST_TERMS = 5
WIDTH = 5  # sums kept of a size
NEXT = 8  # terms tried after each
STEPS, LAST_STEPS = 12, 60
MOST_FITS = 2000
LITTLE = 1.02  # by what a simpler sum may leave more
FALLING = 0.2  # what the last two terms leave of a loss where there is no noise below it, at most
EXACT = 1e-22  # of the variance, that rounding leaves
INSIDE = 1e-5  # share of a term's square outside the sum, at least
FLAT = 1e-9  # range over size, at most


class Dictionary:
    """Terms at the constants to begin with.

    Attributes:
        terms: one a row of `units`.
        kinds: for each, which product of pieces it is.
        units: (terms, n) float32 values over their norms.
    """

    def __init__(self, X: Floats, pieces: Sequence[Piece], pairs: bool) -> None:
        singles = [list(_single(X, j, pieces)) for j in range(X.shape[1])]
        found = [one for each in singles for one in each]
        used = singles
        count = sum(len(a) * len(b) for a, b in itertools.combinations(singles, 2))
        if count > MOST_COLUMNS:  # only what has no constant is paired
            used = [[one for one in each if one[0].factors[0][1].slope is None] for each in singles]
        for first, second in itertools.combinations(used, 2) if pairs else ():
            for (a, u), (b, v) in itertools.product(first, second):
                found.append((Term(a.factors + b.factors, a.constants + b.constants), u * v))
        self.terms = [term for term, _ in found]
        places: dict[object, int] = {}
        self.kinds = np.array([places.setdefault(t.factors, len(places)) for t in self.terms])
        values = np.array([values for _, values in found]).reshape(len(found), len(X))
        # Precise enough to choose by, and half the memory to go through.
        units = values / np.linalg.norm(values, axis=1, keepdims=True)
        self.units = np.ascontiguousarray(units, dtype=np.float32)

    def next_terms(self, sum_: Fitted, X: Floats, count: int) -> list[Term]:
        """Of different kinds, those that would say most of what the sum leaves."""
        design = columns(sum_.terms, X)
        basis = [design / np.linalg.norm(design, axis=0)]
        _, slopes = tangents(sum_, X)
        sizes = np.linalg.norm(slopes, axis=0)
        basis.append(slopes[:, sizes > 0] / sizes[sizes > 0])
        orthonormal, _ = np.linalg.qr(np.hstack(basis))
        left = sum_.left - orthonormal @ (orthonormal.T @ sum_.left)
        whole = np.column_stack([orthonormal, left / np.linalg.norm(left)])
        along = (self.units @ whole.astype(np.float32)) ** 2
        outside = 1.0 - np.sum(along[:, :-1], axis=1)
        gains = np.where(outside > INSIDE, along[:, -1], 0.0)
        gains /= np.maximum(outside, INSIDE)
        order = np.argsort(-gains, kind="stable")
        _, first = np.unique(self.kinds[order], return_index=True)
        return [self.terms[order[k]] for k in np.sort(first)[:count]]


def _single(X: Floats, j: int, pieces: Sequence[Piece]) -> Iterator[tuple[Term, Floats]]:
    x = X[:, j]
    low, high = float(x.min()), float(x.max())
    for piece in pieces:
        for k in piece.starts(low, high):
            values = piece.value(x, k)
            if np.isfinite(values).all() and np.ptp(values) > FLAT * np.abs(values).max():
                yield Term(((j, piece),), (k,)), values


class _Work:
    """Fits, counted."""

    def __init__(self, X: Floats, y: Floats, fits: int, over: Callable[[], bool]) -> None:
        self.X, self.y, self.fits, self.stop = X, y, fits, over
        self.exact = EXACT * float(np.var(y))

    def over(self) -> bool:
        return self.fits <= 0 or self.stop()

    def fitted(self, terms: Sequence[Term], steps: int = STEPS) -> Fitted | None:
        self.fits -= 1
        return fitted(terms, self.X, self.y, steps)


def additive_sums(
    X: Floats,
    y: Floats,
    operators: Sequence[str],
    seed: int,
    fits: int,
    over: Callable[[], bool],
) -> list[Fitted]:
    """The best sum found of each number of terms, none as good as a shorter one.

    Args:
        X, y: (n, d) and (n,) float64, finite.
        operators: that terms may be written in.
        seed: of what is taken out and put in.
        fits: at most.
        over: whether to end.
    """
    pieces = [piece for piece in PIECES if piece.operators <= set(operators)]
    if X.shape[1] > MOST_INPUTS or not pieces or not {"+", "*"} <= set(operators):
        return []
    work = _Work(X, y, min(fits, MOST_FITS), over)
    with np.errstate(all="ignore"):
        best = _grown(Dictionary(X, pieces, pairs=False), work)
        if X.shape[1] > 1 and not _exact(best, work):
            dictionary = Dictionary(X, pieces, pairs=True)
            for one in _grown(dictionary, work).values():
                _keep(best, one)
            if _falling(best):
                _exchange(best, dictionary, work, np.random.default_rng(seed))
        ends = (fitted(best[size].terms, X, y, LAST_STEPS) for size in sorted(best))
        front: list[Fitted] = []
        for end in ends:
            if end is not None and (not front or end.loss < front[-1].loss):
                front.append(end)
    return front


def _keep(best: dict[int, Fitted], sum_: Fitted) -> None:
    """As the best of its size, where it is."""
    size = len(sum_.terms)
    best[size] = min(best.get(size, sum_), sum_, key=_loss)


def _loss(sum_: Fitted) -> float:
    return sum_.loss


def _exact(best: dict[int, Fitted], work: _Work) -> bool:
    return any(one.loss <= work.exact for one in best.values())


def _falling(best: dict[int, Fitted]) -> bool:
    longest = max(best, default=0)
    return longest > 2 and best[longest].loss <= FALLING * best[longest - 2].loss


def _grown(dictionary: Dictionary, work: _Work) -> dict[int, Fitted]:
    """Sums of one term more each time: the few best of a size go on."""
    start = solved([], work.X, work.y)
    kept = [] if start is None else [start]
    best: dict[int, Fitted] = {}
    for _ in range(MOST_TERMS):
        longer: dict[frozenset[object], Fitted] = {}
        for sum_ in kept:
            for term in dictionary.next_terms(sum_, work.X, NEXT):
                terms = (*sum_.terms, term)
                kinds = frozenset(one.factors for one in terms)
                if kinds in longer or work.over():
                    continue
                one = work.fitted(terms)
                if one is not None:
                    longer[kinds] = one
        kept = sorted(longer.values(), key=_loss)[:WIDTH]
        if not kept:
            break
        kept[0] = _simpler(kept[0], work)
        _keep(best, kept[0])
        if _exact(best, work):
            break
    return best


def _simpler(sum_: Fitted, work: _Work) -> Fitted:
    """Without terms and factors that say nothing, and with the limits of those near to one."""
    bound = max(LITTLE * sum_.loss, work.exact)
    for terms in _simplifications(sum_.terms):
        one = work.fitted(terms)
        if one is not None and one.loss <= bound:
            return _simpler(one, work)
        if work.over():
            break
    return sum_


def _simplifications(terms: Sequence[Term]) -> Iterator[list[Term]]:
    for at, term in enumerate(terms):
        rest = [*terms[:at], *terms[at + 1 :]]
        yield rest
        for place, (j, piece) in enumerate(term.factors):
            for limit in piece.limits:
                new = [(j, OF_TEXT[limit])] if limit else []
                factors = (*term.factors[:place], *new, *term.factors[place + 1 :])
                constants = (
                    *term.constants[:place],
                    *(0.0 for _ in new),
                    *term.constants[place + 1 :],
                )
                if factors and factors not in {other.factors for other in rest}:
                    yield [*rest, Term(factors, constants)]


def _exchange(
    best: dict[int, Fitted], dictionary: Dictionary, work: _Work, rng: np.random.Generator
) -> None:
    """Takes one or two terms out and puts others in their place, while that leaves less."""
    sizes = [size for size in best if size > 2]
    while sizes and not work.over() and not _exact(best, work):
        size = int(rng.choice(sizes))
        terms = list(best[size].terms)
        for _ in range(int(rng.integers(1, 3))):
            del terms[int(rng.integers(len(terms)))]
        one = solved(terms, work.X, work.y)
        while one is not None and len(one.terms) < size:
            following = dictionary.next_terms(one, work.X, NEXT)
            at = min(int(rng.geometric(0.5)) - 1, len(following) - 1)
            one = work.fitted((*one.terms, following[at]))
        if one is not None and one.loss < best[size].loss:
            _keep(best, _simpler(work.fitted(one.terms, LAST_STEPS) or one, work))
