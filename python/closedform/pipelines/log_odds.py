"""Log odds of a class, linear in a margin: what makes probabilities of a classifier's formula."""

from __future__ import annotations

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from closedform._typing import Floats

FREE = 1e6  # scale of the log odds' prior: hardly any
FAR = 3.0  # quartile ranges, beyond which margins say no more
HARD = 1e-4  # a label is as sure: classes told apart without a mistake have no steepest odds


def log_odds(T: Floats, signs: Floats, weights: Floats | None) -> tuple[float, float, float]:
    """Log odds of a margin, slope * T + offset, and those of a row whose margin is undefined.

    A logistic regression says where the odds are even, and one on labels that are softened as Platt
    has them how steep they are there: as if each class had one more row, of which nothing is known.
    So classes that are told apart without a mistake have finite odds, too, and are told apart.

    Args:
        T, signs: (n,), signs of 1.0 and -1.0. weights: (n,) or None for equal ones.
    """
    w = np.ones(len(T)) if weights is None else weights
    above, below = float(w[signs > 0].sum()), float(w[signs < 0].sum())
    prior = math.log((above + 1) / (below + 1))
    defined = np.isfinite(T) & (w > 0)
    T, signs, w = _near(T[defined], w[defined]), signs[defined], w[defined]
    scale = float(np.ptp(T)) if len(T) else 0.0
    if not scale > 0 or len(np.unique(signs)) < 2:
        return 0.0, prior, prior
    slope, offset = _logistic(T / scale, np.where(signs > 0, 1 - HARD, HARD), w)
    if slope == 0:
        return 0.0, prior, prior
    even = -scale * offset / slope
    soft = np.where(signs > 0, (above + 1) / (above + 2), 1 / (below + 2))
    slope = _logistic((T - even) / scale, soft, w, offset=False)[0] / scale
    return slope, -slope * even, prior


def _near(T: Floats, weights: Floats) -> Floats:
    """T, (n,), with what is far beyond its quartiles brought nearer: a pole says no more."""
    order = np.argsort(T)
    counts = np.cumsum(weights[order])
    low, high = T[order][np.searchsorted(counts, counts[-1:] * [0.25, 0.75])] if len(T) else (0, 0)
    reach = FAR * (high - low)
    near: Floats = np.clip(T, low - reach, high + reach) if reach > 0 else T
    return near


def _logistic(
    T: Floats, positive: Floats, weights: Floats, *, offset: bool = True
) -> tuple[float, float]:
    """Slope and offset of log odds; `positive` (n,) says how likely each row is so."""
    # Newton's steps: sums of repeated rows and of weighted ones are to end alike.
    odds = LogisticRegression(C=FREE, fit_intercept=offset, solver="newton-cholesky", tol=1e-10)
    both = np.concatenate([weights * positive, weights * (1 - positive)])
    with warnings.catch_warnings():  # where they stall it goes on by gradients, and says so
        warnings.simplefilter("ignore", ConvergenceWarning)
        odds.fit(np.tile(T, 2)[:, None], np.repeat([1, 0], len(T)), sample_weight=both)
    return float(odds.coef_[0, 0]), float(odds.intercept_[0]) if offset else 0.0
