"""What residuals hold that noise does not: how far they follow from the inputs."""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import dct

from closedform._typing import Floats
from closedform.searches.effective_rows import spread_evenly

LARGEST = 4.0  # residuals beyond so many standard errors say no more
# Of the Gaussian process: rows, correlation lengths, and signal-to-noise ratios.
MOST_ROWS = 700
LENGTHS = (0.02, 0.08, 0.3, 1.0, 3.0)
RATIOS = np.geomspace(1e-4, 10.0, 11)
FEWEST_ORDERED = 8  # rows that have an order worth looking at


def structure_left(X: Floats, residuals: Floats, most: int = MOST_ROWS) -> float:
    """Nats by which a smooth function of all inputs, or a rougher one of a single input, explains
    residuals better than noise alone.

    Args:
        X: (n, d) the inputs. residuals: (n,) over their standard errors. most: rows that all
            inputs together are looked at on.
    """
    z = np.clip(residuals, -LARGEST, LARGEST)
    return max(_of_all_inputs(X, z, most), _of_one_input(X, z))


def _of_all_inputs(X: Floats, z: Floats, most: int) -> float:
    """By which a Gaussian process with noise explains them better: the log likelihood ratio,
    largest over correlation lengths and signal-to-noise ratios; the overall variance is the best
    one for each."""
    rows = np.unique(np.linspace(0, len(z) - 1, min(len(z), most)).astype(int))
    z, points = z[rows], spread_evenly(X[rows])
    norms = (points**2).sum(axis=1)
    squares = np.maximum(norms[:, None] + norms - 2.0 * points @ points.T, 0.0)
    middle = float(np.median(squares[np.triu_indices(len(z), 1)])) if len(z) > 1 else 1.0
    if not (z.any() and middle > 0 and np.isfinite(z).all()):
        return 0.0
    n = len(z)
    white = 0.5 * n * math.log(float(z @ z) / n)
    best = 0.0
    for length in LENGTHS:
        values, vectors = np.linalg.eigh(np.exp(-squares / (2.0 * length * middle)))
        along = (vectors.T @ z) ** 2
        for ratio in RATIOS:
            spectrum = 1.0 + ratio * np.maximum(values, 0.0)
            smooth = 0.5 * (n * math.log(float(np.sum(along / spectrum)) / n))
            best = max(best, white - smooth - 0.5 * float(np.log(spectrum).sum()))
    return best


def _of_one_input(X: Floats, z: Floats) -> float:
    """By which the first cosines over the ranks of an input are larger than the others.

    Many rows in the order of one input tell what few rows that are near in all of them cannot: the
    teeth that are left of steps. The log likelihood ratio, largest over inputs and how many cosines
    there are (order selection: Eubank and Hart, Annals of Statistics 20, 1992), less what so many
    tries win by chance.

    X: (n, d). z: (n,).
    """
    centred = z - z.mean()
    columns = [x for x in X.T if np.ptp(x) > 0]
    if len(z) < FEWEST_ORDERED or not columns or not (np.isfinite(z).all() and centred.any()):
        return 0.0
    counts = 2 ** np.arange(int(math.log2(len(z) // 2)) + 1)
    best = 0.0
    for x in columns:
        waves = dct(centred[np.argsort(x, kind="stable")] / centred.std(), norm="ortho")[1:]
        sizes = np.maximum(np.cumsum(waves**2)[counts - 1] / counts, 1.0)
        best = max(best, float(np.max(0.5 * counts * (sizes - 1.0 - np.log(sizes)))))
    return max(0.0, best - math.log(len(counts) * len(columns)))
