"""Which noise model the rows show: by the density of targets that a quick surrogate never saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from closedform._typing import FloatMatrix, Floats
from closedform.formulas.noise import (
    Absolute,
    Counts,
    Given,
    Logarithmic,
    Mixed,
    Noise,
    Relative,
    Robust,
    counted,
    named,
    turn_of,
)
from closedform.searches.input_errors import errors_of
from closedform.searches.noise_plan import NoisePlan
from closedform.surrogates.model import Surrogate
from closedform.tables.checks import Matrix, nearly_constant
from closedform.tables.rows import row_blocks, sample_rows

# Of the time, and the most seconds, of the look at the noise.
LOOKING, LONGEST_LOOK = 0.05, 2.0
FOLDS = 3
FAR = ((None, True),)  # the surrogate that lets far rows go
LETTING_GO = 2  # fits with less weight on the rows that the one before is far from
FITTED_ROWS = 1000  # of the quick surrogates; more add time, not certainty
MODES, SEGMENTS = 3, 4  # of theirs
FEW_ROWS = ("absolute", "robust")  # models that few rows may follow
LEAST_ROWS = 24  # below these a surrogate says nothing of the noise
CLEAR = 2.0  # standard errors from which one model is better than another
DECADE = 10.0  # a spread of the target from which it may be worth looking at its logarithm
MOST_NATS = 6.0  # of one row, for one model or another
MOST_RIVALS = 3
SPAN = 1e200  # of precisions
NEAR = 0.5  # relative scatter up to which rows are weighed by the surrogate's values


def planned(
    kind: str,
    table: Matrix,
    y: Floats,
    counts: Floats | None,
    *,
    sigma: Floats | None,
    sigma_X: Floats | None = None,
    seconds: float,
    seed: int,
    threads: int,
) -> NoisePlan:
    """The plan for a model asked for, or with "auto" for the one the rows show.

    Args:
        table: (n, d) inputs. y: (n,). counts: (n,) how often each row counts, or None.
        sigma: (n,) standard errors of y, or None.
        sigma_X: (d,) or (n, d) of the user's columns, or None.
        seconds: for the quick surrogates together.
    """
    if sigma_X is not None:
        columns = (*range(table.own), *(shift.column for shift in table.shifts))
        precision = None if sigma is None else sigma**-2.0
        model = errors_of(sigma, sigma_X, columns)
        return NoisePlan((model,), (precision,), "standard errors of inputs")
    if sigma is not None:
        return NoisePlan((Given(sigma=sigma),), (sigma**-2.0,), "standard errors of every row")
    if kind == "absolute":
        return NoisePlan((Absolute(),), (None,), "as asked")
    looks = _Looks(table, y, counts, seconds, seed, threads)
    if kind != "auto":
        noise = named(kind, y)
        return NoisePlan((noise,), (looks.precision(noise),), "as asked")
    return looks.chosen()


def candidates(y: Floats) -> list[Noise]:
    """Models that a target may follow, the plainest first."""
    noises: list[Noise] = [Absolute(), Robust()]
    one_sign = bool(y.min() > 0 or y.max() < 0)
    if one_sign and y.min() > 0:
        noises += [Relative(), Logarithmic()]
    elif one_sign:
        noises.append(Relative())
    elif spread(y) > DECADE**2:
        noises.append(Logarithmic(turn=turn_of(y)))
    if spread(y) > 2.0:
        noises.append(Mixed())
    if counted(y) and y.max() > 2:
        noises.append(Counts())
    return noises


class _Looks:
    """Quick surrogates of the target and of its transform, at rows that they were not fitted to."""

    def __init__(
        self,
        table: Matrix,
        y: Floats,
        counts: Floats | None,
        seconds: float,
        seed: int,
        threads: int,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.rows = sample_rows(len(y), FITTED_ROWS, rng)  # in random order: folds are drawn
        if counts is not None:
            self.rows = self.rows[counts[self.rows] > 0]
        self.table, self.y, self.counts = table, y, counts
        self.seconds, self.seed, self.threads = seconds, seed, threads
        self._known: dict[tuple[float | None, bool], Floats | None] = {}

    @property
    def sample(self) -> Floats:
        return self.y[self.rows]

    def weights(self) -> Floats:
        return np.ones(len(self.rows)) if self.counts is None else self.counts[self.rows]

    def prediction(self, noise: Noise) -> Floats | None:
        """Out-of-fold values at the sample's rows: of the quick surrogate, of the target, of its
        transform, or of the target with far rows let go, around which the noise is likeliest."""
        turns = [None, self._turn(noise), *([0.0] if self.y.min() > 0 else [])]
        best: Floats | None = None
        least = math.inf
        for key in [*((turn, False) for turn in dict.fromkeys(turns)), *FAR[: noise.far]]:
            if key not in self._known:
                self._known[key] = self._folded(*key)
            f = self._known[key]
            if f is not None and (cost := self._usual_cost(noise, f)) < least:
                best, least = f, cost
        return best

    def _usual_cost(self, noise: Noise, f: Floats) -> float:
        costs = self._costs_around(noise, f)
        middle = float(np.median(costs))
        if not math.isfinite(middle):
            return math.inf
        return float(np.mean(np.clip(costs - middle, -MOST_NATS, MOST_NATS))) + middle

    def _turn(self, noise: Noise) -> float | None:
        """Of the transform whose surrogate is looked at; None for the target itself."""
        if isinstance(noise, Logarithmic):
            return noise.turn
        return 0.0 if isinstance(noise, Relative) and self.y.min() > 0 else None

    def _folded(self, turn: float | None, far: bool) -> Floats | None:
        if len(self.rows) < LEAST_ROWS:
            return None
        out = np.full(len(self.rows), np.nan)
        every = np.arange(len(self.rows))
        for part in np.array_split(every, FOLDS):
            model = self._model(np.delete(every, part), turn, far)
            if model is None:
                return None
            out[part] = model(self.table.values[self.rows[part]])
        return out

    def _model(self, kept: npt.NDArray[np.intp], turn: float | None, far: bool) -> _Model | None:
        """A surrogate of the target, or of its transform, fitted to some rows of the sample.

        far: rows that it is far from are let go, and it is fitted again.
        """
        rows = self.rows[kept]
        X = np.ascontiguousarray(self.table.values[rows], dtype=np.float64)
        target, weights = self.y[rows], self.weights()[kept]
        if turn is not None:
            target = Logarithmic(turn=turn).forward(target)
        model = self._fitted(X, target, weights)
        robust = Robust()
        for _ in range(LETTING_GO if far else 0):
            if model is None:
                break
            f = model(X)
            parameters = robust.parameters(target, f, weights, 0)
            trust = robust.trust(target, f, parameters)
            model = self._fitted(X, target, weights * trust / trust.max())
        return None if model is None else replace(model, turn=turn)

    def _fitted(self, X: Floats, target: Floats, weights: Floats) -> _Model | None:
        if nearly_constant(target, weights):
            return None
        seconds = max(self.seconds / (4 * FOLDS), 0.02)
        model = Surrogate(MODES, SEGMENTS, time=seconds, seed=self.seed, threads=self.threads)
        model.fit(Matrix(X, self.table.names), target, weights=weights)
        return _Model(model, None, float(target.min()), float(target.max()))

    def costs(self, noise: Noise) -> Floats | None:
        """-log density of every row of the sample, the model's parameters from the other half."""
        f = self.prediction(noise)
        return None if f is None else self._costs_around(noise, f)

    def _costs_around(self, noise: Noise, f: Floats) -> Floats:
        y, counts = self.sample, self.weights()
        half = np.arange(len(y)) % 2 == 0
        costs = np.empty(len(y))
        for fitted in (half, ~half):
            with np.errstate(all="ignore"):
                known = noise.parameters(y[fitted], f[fitted], counts[fitted], 0)
                costs[~fitted] = noise.costs(y[~fitted], f[~fitted], known)
        return costs

    def chosen(self) -> NoisePlan:
        """The model under which the rows are likeliest, and all that may be as well: those not
        clearly worse, the plain one, and where the target spans a decade its logarithm, of which
        formulas may know more than a quick surrogate."""
        noises = candidates(self.sample)
        judged = []
        for noise in noises:
            costs = self.costs(noise)
            if costs is not None and np.isfinite(costs).all():
                judged.append((noise, costs))
        # Of few rows the formulas have to show it: whether one is far off decides most.
        lead = self._lead(judged) if judged else [n for n in noises if n.kind in FEW_ROWS]
        plain = [noise for noise in lead if noise.kind == "absolute"]
        wide = spread(self.sample) > DECADE
        if plain and not wide and judged:
            rivals: tuple[Noise, ...] = (plain[0],)
        else:
            in_decades = [noise for noise in noises if wide and noise.kind == "log"]
            kinds = {noise.kind: noise for noise in [*lead[:MOST_RIVALS], *in_decades, *noises[:1]]}
            rivals = tuple(kinds.values())
        weights = self.weights()
        told = [f"{n} {np.average(c, weights=weights):.3f}" for n, c in judged]
        reason = f"-log density a row, held out: {', '.join(told)}" if told else "few rows"
        return NoisePlan(rivals, tuple(map(self.precision, rivals)), reason, not plain)

    def _lead(self, judged: Sequence[tuple[Noise, Floats]]) -> list[Noise]:
        """The model under which the rows are likeliest, and those not clearly less so, best first.

        Single rows decide nothing: a row's difference counts up to some nats.
        """
        weights = self.weights()
        table = np.array([cost for _, cost in judged])
        table = np.clip(table - np.median(table, axis=0), -MOST_NATS, MOST_NATS)
        means = np.average(table, axis=1, weights=weights)
        order = np.argsort(means, kind="stable")
        best = table[order[0]]
        return [
            judged[i][0]
            for i in order
            if i == order[0]
            or means[i] - means[order[0]] <= CLEAR * _standard_error(table[i] - best, weights)
        ]

    def precision(self, noise: Noise) -> Floats | None:
        """One over the expected square of each row's error, of all rows; None for equal ones."""
        if noise.kind == "absolute":
            return None
        known = self.prediction(noise)
        f = self._at_all_rows(noise)
        y, counts = self.sample, self.weights()
        reference = y if known is None else known
        with np.errstate(all="ignore"):
            parameters = noise.parameters(y, reference, counts, 0)
            if isinstance(noise, Robust):
                precision = noise.trust(self.y, f, parameters)
            elif noise.free and not np.isfinite(parameters).all():
                precision = np.maximum(np.abs(self.y), np.median(np.abs(y)) * 1e-3) ** -2.0
            else:
                precision = noise.spread(f, parameters) ** -2.0
        # Squares of what is smaller than this beside the largest are no numbers any more.
        largest = float(np.max(precision, where=np.isfinite(precision), initial=0.0))
        least = float(np.min(precision))
        most = min(largest, least * SPAN) if least > 0 else largest
        return np.minimum(precision, most) / most if most > 0 else None

    def _at_all_rows(self, noise: Noise) -> Floats:
        """What the target is about, at every row: the values themselves where no surrogate is
        near them."""
        known = self.prediction(noise)
        if known is not None and isinstance(noise, (Relative, Logarithmic)):
            with np.errstate(all="ignore"):
                scatter = noise.parameters(self.sample, known, self.weights(), 0)[0]
            known = known if scatter <= NEAR else None
        if known is None:
            middle = float(np.median(self.sample))
            return np.full(len(self.y), middle) if isinstance(noise, Robust) else self.y
        f = np.empty(len(self.y))
        if len(self.rows) < len(self.y):
            model = self._model(np.arange(len(self.rows)), self._turn(noise), noise.far)
            if model is None:
                return self.y
            for start, block in row_blocks(self.table.values):
                f[start : start + len(block)] = model(block)
        f[self.rows] = known
        return f


def spread(y: Floats) -> float:
    """Of the sizes of values: of a large over a small one."""
    size = np.abs(y[y != 0])
    return float(np.quantile(size, 0.95) / np.quantile(size, 0.05)) if len(size) else 1.0


@dataclass(frozen=True)
class _Model:
    """A quick surrogate, back in the target's units."""

    surrogate: Surrogate
    turn: float | None
    low: float
    high: float

    def __call__(self, X: FloatMatrix) -> Floats:
        """(n,) at rows (n, d). Far outside, a surrogate may say anything: that is cut off."""
        half = 0.5 * (self.high - self.low)
        values = np.clip(self.surrogate.predict(X), self.low - half, self.high + half)
        if self.turn is None:
            return values
        return np.exp(values) if self.turn == 0.0 else self.turn * np.sinh(values)


def _standard_error(difference: Floats, weights: Floats) -> float:
    mean = float(np.average(difference, weights=weights))
    return float(np.linalg.norm(weights * (difference - mean)) / weights.sum())
