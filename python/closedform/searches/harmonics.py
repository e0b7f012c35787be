"""Oscillations along an input: their frequencies are read from a periodogram, for no fit finds one
from farther away than a fraction of a period over the range."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from closedform._typing import Floats

STEPS = 5  # of a frequency's own width
MOST_ANGLES = 600_000  # frequencies times rows
RATES = np.array([0.0, *(sign * rate for rate in (0.5, 1, 2, 4, 8, 16) for sign in (-1, 1))])
PEAKS = 2
TELLING = 0.15  # share of what is left after a parabola, below which a peak is noise
BATCH = 256  # frequencies at once
FEWEST = 8  # places of an input


def harmonics(x: Floats, y: Floats, weights: Floats) -> Iterator[tuple[float, str]]:
    """Sums of a polynomial, at most a parabola, and one oscillation, which may grow or decay.

    The frequencies lie below that at which the rows sample the input (Nyquist). The periodogram is
    that of Lomb (1976) with a floating mean: at every frequency a least-squares fit of sine and
    cosine to what the polynomial leaves.

    Args:
        x, y, weights: (n,) float64, weights that sum to 1.

    Yields:
        Share of the variance that is left, and text in x.
    """
    low, high = float(x.min()), float(x.max())
    places = len(np.unique(x))
    if places < FEWEST or not high > low:
        return
    middle, span = _round_middle(low, high), high - low
    u = x - middle
    scatter = float(weights @ (y - weights @ y) ** 2)
    if not scatter > 0:
        return
    found: list[float] = []
    for degree in (0, 2):
        base = np.vander(u / span, degree + 1, increasing=True)
        for omega in _peaks(u, _left(base, y, weights), weights, places, span):
            if all(abs(omega - other) > 0.5 / span for other in found):
                found.append(omega)
    for degree in (0, 1, 2):
        base = np.vander(u / span, degree + 1, increasing=True)
        for omega in found:
            fits = (
                _Oscillation(base, u, omega, rate, y, weights, middle, span)
                for rate in (RATES if degree == 0 else RATES[:1])
            )
            best = min(fits, key=lambda fit: fit.left)
            yield best.left / scatter, best.text()


def _round_middle(low: float, high: float) -> float:
    """A short number near the middle of the range: its digits are those that the range has."""
    middle = 0.5 * (low + high)
    if abs(middle) < 2 * (high - low):
        return 0.0
    unit = 10.0 ** math.floor(math.log10(high - low))
    return round(middle / unit) * unit


def _left(base: Floats, y: Floats, weights: Floats) -> Floats:
    root = np.sqrt(weights)
    solution = np.linalg.lstsq(base * root[:, None], y * root, rcond=None)[0]
    left: Floats = y - base @ solution
    return left


def _peaks(u: Floats, y: Floats, weights: Floats, places: int, span: float) -> list[float]:
    """The frequencies, in radians, at the highest peaks of the periodogram, refined."""
    most = math.pi * (places - 1) / span
    step = 2 * math.pi / (STEPS * span)
    most_frequencies = MOST_ANGLES // len(u)
    omegas = np.arange(2 * step, min(most, step * most_frequencies), step)
    scatter = float(weights @ y**2)
    if len(omegas) < 3 or not scatter > 0:
        return []
    power = np.concatenate(
        [_power(u, y, weights, omegas[i : i + BATCH]) for i in range(0, len(omegas), BATCH)]
    )
    power /= scatter
    inner = np.flatnonzero((power[1:-1] >= power[:-2]) & (power[1:-1] > power[2:])) + 1
    highest = inner[np.argsort(-power[inner])][:PEAKS]
    peaks = []
    for at in highest:
        fine = np.linspace(omegas[at - 1], omegas[at + 1], 41)
        own = _power(u, y, weights, fine) / scatter
        if own.max() >= TELLING:
            peaks.append(float(fine[np.argmax(own)]))
    return peaks


def _power(u: Floats, y: Floats, weights: Floats, omegas: Floats) -> Floats:
    """What sine and cosine with a constant explain of the scatter, (frequencies,)."""
    angles = omegas[:, None] * u
    sine, cosine = np.sin(angles), np.cos(angles)
    sine -= (sine @ weights)[:, None]
    cosine -= (cosine @ weights)[:, None]
    ss, cc = (sine**2) @ weights, (cosine**2) @ weights
    sc = (sine * cosine) @ weights
    sy, cy = sine @ (weights * y), cosine @ (weights * y)
    determinant = ss * cc - sc**2
    with np.errstate(all="ignore"):
        power = (cc * sy**2 - 2 * sc * sy * cy + ss * cy**2) / determinant
    power[~(determinant > 1e-9 * ss * cc)] = 0.0
    return power


class _Oscillation:
    """The linear fit of a polynomial and an oscillation of one frequency and rate of growth."""

    def __init__(
        self,
        base: Floats,
        u: Floats,
        omega: float,
        rate: float,
        y: Floats,
        weights: Floats,
        middle: float,
        span: float,
    ) -> None:
        self.omega, self.rate, self.middle, self.span = omega, float(rate) / span, middle, span
        size = np.exp(self.rate * u)
        size /= size.max()
        columns = np.column_stack([base, size * np.sin(omega * u), size * np.cos(omega * u)])
        root = np.sqrt(weights)
        self.solution = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0]
        self.left = float(weights @ (y - columns @ self.solution) ** 2)
        self.largest = float(np.max(self.rate * u))

    def text(self) -> str:
        argument = "x"
        if self.middle:
            argument = f"x - ({self.middle!r})"
        *polynomial, sine, cosine = map(float, self.solution)
        terms = [
            f"({factor / self.span**degree!r})*({argument})**{degree}" if degree else repr(factor)
            for degree, factor in enumerate(polynomial)
        ]
        phase, height = math.atan2(cosine, sine), math.hypot(sine, cosine)
        wave = f"({height!r})*sin({self.omega!r}*({argument}) + ({phase!r}))"
        if self.rate:
            wave += f"*exp({self.rate!r}*({argument}) - ({self.largest!r}))"
        return " + ".join([*terms, wave])
