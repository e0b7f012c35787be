"""Noise models: how a target scatters around the values of a formula.

Each is a density of y where the formula says f, with all its constants, so that models can be
compared, and for fitting the weighted least squares whose solution is the next step towards the
largest density (iteratively reweighted least squares: McCullagh and Nelder, Generalized Linear
Models, 1989, section 2.5; for Student's t, Lange, Little and Taylor, JASA 84, 1989).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._typing import Floats
from closedform.errors import InputError

# Loss relative to the target's variance below which the rest is rounding of float64 data.
EXACT = 1e-24
# A prediction nearer to zero than this share of a usual one does not make a row weigh more.
FLOOR = 1e-3
ROUNDED = 1e-12  # a relative error below this is rounding
# Degrees of freedom of Student's t that are tried: 1 is Cauchy's, 8 hardly differs from a normal.
TAILS = (1.0, 2.0, 4.0, 8.0)
MOST_STEPS = 15  # of reweighting for a scale
HARDLY = 0.1  # of the trust in a row on the formula, below which a robust model lets it go
RATIOS = np.geomspace(0.1, 1e4, 21)  # of the part in proportion to that of one size
TINY = np.finfo(np.float64).tiny
TURN = 0.05  # quantile of |y| at which asinh turns from proportional to logarithmic
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

Parameters: TypeAlias = tuple[float, ...]


@dataclass(frozen=True)
class Noise(ABC):
    """A family of densities; `parameters` picks one of them for given residuals.

    In all methods y and f are (n,) float64, `parameters` what the method of that name returned.

    Attributes:
        rounding: half a last digit of the target as it is written: residuals say nothing below it.
    """

    kind: ClassVar[str]
    free: ClassVar[int] = 1  # how many parameters are fitted
    far: ClassVar[bool] = False  # single rows may be far off
    rounding: float = 0.0

    @abstractmethod
    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        """The density's own, by maximum likelihood, degrees of freedom taken off.

        counts: (n,) how often each row counts. constants: how many the formula was fitted with.
        """

    @abstractmethod
    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        """-log density of each row, (n,); infinite where f cannot be."""

    @abstractmethod
    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        """Standard error of a row as far as the formula's constants feel it: 1/sqrt of the expected
        Fisher information of f, (n,)."""

    def working(self, y: Floats, f: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
        """Response and weights of the least squares of the next step."""
        return y, self.spread(f, parameters) ** -2

    def residuals(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        """What is left, over its standard error: of variance one where the model holds."""
        return (y - f) / self.spread(f, parameters)

    def at(self, rows: npt.NDArray[np.intp]) -> Noise:
        """The same for some of the rows."""
        del rows
        return self

    def seen(
        self, expression: _core.Expression, X: Floats, y: Floats, parameters: Parameters | None
    ) -> tuple[Noise, Floats, Floats]:
        """The model, the inputs and the target as a formula sees the rows: these, unless inputs
        have errors. Without parameters the inputs are where they were measured."""
        del expression, parameters
        return self, X, y

    def _least(self, y: Floats) -> float:
        """Standard error below which residuals are rounding."""
        size = float(np.max(np.abs(y)))
        deviation = max(float(np.std(y)), 1e-3 * size)
        return max(math.sqrt(EXACT) * deviation, self.rounding, TINY)

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True)
class Absolute(Noise):
    """Normal, of one size everywhere."""

    kind = "absolute"

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        return (_scale(y - f, counts, constants, self._least(y)),)

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        return normal((y - f) / parameters[0]) + math.log(parameters[0])

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return np.full(len(f), parameters[0])


@dataclass(frozen=True)
class Relative(Noise):
    """Normal, in proportion to the formula's value."""

    kind = "relative"

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        size = _sizes(f)
        least = max(ROUNDED, self.rounding / float(np.max(size)))
        return (_scale((y - f) / size, counts, constants, least),)

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        spread = self.spread(f, parameters)
        return normal((y - f) / spread) + np.log(spread)

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return parameters[0] * _sizes(f)


@dataclass(frozen=True)
class Logarithmic(Noise):
    """Normal in log y; where values have both signs, in asinh(y / turn), which is the logarithm of
    what is large and proportional to what is small.

    Attributes:
        turn: where one becomes the other; 0 for the logarithm, of positive values alone.
    """

    kind = "log"
    turn: float = 0.0

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        least = max(ROUNDED, self.rounding / float(np.max(np.hypot(y, self.turn))))
        return (_scale(self._left(y, f), counts, constants, least),)

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        costs = normal(self._left(y, f) / parameters[0]) + math.log(parameters[0])
        return costs + np.log(np.hypot(y, self.turn))  # the change of variables

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return parameters[0] * np.hypot(f, self.turn)

    def working(self, y: Floats, f: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
        # Gauss-Newton in the transformed values, written as least squares in y.
        slope = np.hypot(f, self.turn)
        return f + slope * self._left(y, f), self.spread(f, parameters) ** -2

    def residuals(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        return self._left(y, f) / parameters[0]

    def forward(self, values: Floats) -> Floats:
        """The transform; -inf or NaN where there is none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(values) if self.turn == 0.0 else np.arcsinh(values / self.turn)

    def _left(self, y: Floats, f: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            left = self.forward(y) - self.forward(f)
        return np.where(np.isfinite(left), left, np.inf)


@dataclass(frozen=True)
class Mixed(Noise):
    """Normal of variance a^2 + b^2 f^2: a part of one size and one in proportion."""

    kind = "mixed"
    free = 2

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        left = y - f
        if not np.isfinite(left).all():
            return (math.inf, math.inf)
        # By its ratio b/a the likelihood has its best a in closed form.
        ratios = np.concatenate([[0.0], RATIOS]) / max(float(np.sqrt(np.mean(f**2))), TINY)
        shapes = 1.0 + (ratios[:, None] * f) ** 2
        total = float(counts.sum())
        squares = (left**2 / shapes) @ counts / total
        costs = 0.5 * np.log(np.maximum(squares, TINY)) + 0.5 * np.log(shapes) @ counts / total
        best = int(np.argmin(costs))
        freedom = total / max(total - constants, 1.0)
        size = max(math.sqrt(freedom * float(squares[best])), self._least(y))
        return (size, size * float(ratios[best]))

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        spread = self.spread(f, parameters)
        return normal((y - f) / spread) + np.log(spread)

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return np.hypot(parameters[0], parameters[1] * f)


@dataclass(frozen=True)
class Robust(Noise):
    """Student's t of one size everywhere, its degrees of freedom out of 1, 2, 4 and 8: single rows
    may lie far away."""

    kind = "robust"
    free = 2
    far = True

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        best, least = (math.inf, TAILS[-1]), math.inf
        for tail in TAILS:
            scale = _tailed_scale(y - f, counts, constants, tail, self._least(y))
            if math.isfinite(scale):
                cost = float(counts @ self.costs(y, f, (scale, tail)))
                if cost < least:
                    best, least = (scale, tail), cost
        return best

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        scale, tail = parameters
        normaliser = (
            math.lgamma(tail / 2) - math.lgamma((tail + 1) / 2) + 0.5 * math.log(tail * math.pi)
        ) + math.log(scale)
        return (tail + 1) / 2 * np.log1p(((y - f) / scale) ** 2 / tail) + normaliser

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        scale, tail = parameters
        return np.full(len(f), scale * math.sqrt((tail + 3) / (tail + 1)))

    def working(self, y: Floats, f: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
        return y, self.trust(y, f, parameters) / parameters[0] ** 2

    def residuals(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        left = (y - f) / parameters[0]
        return left * np.sqrt(self.trust(y, f, parameters))

    def trust(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        """Weight of each row, largest on the formula, 0 for one infinitely far away, (n,)."""
        scale, tail = parameters
        return (tail + 1) / (tail + ((y - f) / scale) ** 2)

    def lets_go(self, y: Floats, f: Floats, parameters: Parameters) -> npt.NDArray[np.bool_]:
        """Which rows it hardly believes, (n,)."""
        tail = parameters[1]
        most = (tail + 1) / tail  # the weight of a row on the formula
        return self.trust(y, f, parameters) < HARDLY * most


@dataclass(frozen=True)
class Counts(Noise):
    """Poisson: whole numbers that the formula is the expectation of."""

    kind = "counts"
    free = 0

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        return ()

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        from scipy.special import gammaln

        costs = np.full(len(f), np.inf)
        can = f > 0
        costs[can] = f[can] - y[can] * np.log(f[can]) + gammaln(y[can] + 1)
        return costs

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return np.sqrt(np.maximum(f, _sizes(f)))


@dataclass(frozen=True)
class Given(Noise):
    """Normal, of the standard errors that the user gives.

    Attributes:
        sigma: (n,) of the target, positive.
    """

    kind = "given"
    free = 0
    sigma: Floats = field(default_factory=lambda: np.ones(0), compare=False)

    def parameters(self, y: Floats, f: Floats, counts: Floats, constants: int) -> Parameters:
        return ()

    def costs(self, y: Floats, f: Floats, parameters: Parameters) -> Floats:
        return normal((y - f) / self.sigma) + np.log(self.sigma)

    def spread(self, f: Floats, parameters: Parameters) -> Floats:
        return self.sigma

    def at(self, rows: npt.NDArray[np.intp]) -> Noise:
        return replace(self, sigma=self.sigma[rows])


def sigma_alone(noise: object, sigma: object) -> None:
    """Refuses a model beside standard errors of the target.

    Raises:
        InputError: both are given.
    """
    if sigma is not None and noise not in ("auto", "absolute"):
        raise InputError(f"sigma: given with noise={noise!r}; sigma says all of the noise")


def normal(z: Floats) -> Floats:
    """-log of the standard normal density."""
    return 0.5 * z**2 + HALF_LOG_2PI


def _sizes(f: Floats) -> Floats:
    """|f|, where it is not all but zero."""
    size = np.abs(f)
    usual = float(np.median(size))
    return np.maximum(size, max(FLOOR * usual, TINY))


def _scale(left: Floats, counts: Floats, constants: int, least: float) -> float:
    """Standard deviation of residuals, degrees of freedom taken off; not below rounding."""
    if not np.isfinite(left).all():
        return math.inf
    freedom = max(float(counts.sum()) - constants, 1.0)
    return max(math.sqrt(float(counts @ left**2) / freedom), least)


def _tailed_scale(left: Floats, counts: Floats, constants: int, tail: float, least: float) -> float:
    """The scale of Student's t with `tail` degrees of freedom, by reweighting."""
    if not np.isfinite(left).all():
        return math.inf
    order = np.argsort(np.abs(left))
    middle = order[np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)]
    scale = max(1.48 * abs(float(left[middle])), least)
    freedom = max(float(counts.sum()) - constants, 1.0)
    for _ in range(MOST_STEPS):
        weights = (tail + 1) / (tail + (left / scale) ** 2)
        after = max(math.sqrt(float(counts @ (weights * left**2)) / freedom), least)
        if abs(after - scale) <= 1e-4 * scale:
            break
        scale = after
    return scale


def resolution(y: Floats) -> float:
    """The standard error of rounding y to the decimals that it is written with; 0 where it has more
    than ten digits, so that nothing was rounded.

    y: (n,) finite.
    """
    largest = float(np.max(np.abs(y), initial=0.0))
    if largest == 0.0:
        return 0.0
    lead = math.floor(math.log10(largest))
    for digits in range(1, 11):
        unit = 10.0 ** (lead + 1 - digits)
        if np.all(np.abs(y - np.round(y / unit) * unit) <= 4 * np.finfo(np.float64).eps * largest):
            return unit / math.sqrt(12.0)
    return 0.0


def named(kind: str, y: Floats) -> Noise:
    """The model of a name, for a target that it has been checked for."""
    if kind == "log":
        return Logarithmic(turn=0.0 if y.min() > 0 else turn_of(y))
    plain: tuple[Noise, ...] = (Absolute(), Relative(), Mixed(), Robust(), Counts())
    return next(noise for noise in plain if noise.kind == kind)


def turn_of(y: Floats) -> float:
    """Where asinh turns logarithmic: at the small ones among the values that are not zero."""
    return float(np.quantile(np.abs(y[y != 0]), TURN))


def counted(y: Floats) -> bool:
    """Whether all are whole numbers and none is negative."""
    return bool(y.min() >= 0 and np.all(y == np.round(y)))


def check_target(kind: str, y: Floats) -> None:
    """Refuses a model that the target cannot follow.

    Raises:
        InputError: says why.
    """
    if kind == "counts" and not counted(y):
        raise InputError('noise: "counts" is for whole numbers, none negative; y has others')
    if kind == "relative" and not y.all():
        row = int(np.argmin(np.abs(y)))
        raise InputError(
            f'noise: "relative" and y is 0 at row {row}, of no error at all; use "mixed"'
        )
