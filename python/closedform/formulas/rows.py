"""Rows that a formula is fitted to or scored at: inputs, target, and how it scatters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from closedform._choices import Kind
from closedform._typing import FloatMatrix, Floats
from closedform.formulas.noise import Given, Noise, check_target, named, sigma_alone
from closedform.tables import checks, scalars


@dataclass(frozen=True)
class Rows:
    """Checked rows.

    Attributes:
        X: (n, d) float64. y, counts: (n,); how often each row counts.
        noise: how y scatters.
        weights: (n,) of the squares of a loss.
    """

    X: Floats
    y: Floats
    counts: Floats
    noise: Noise
    weights: Floats

    @staticmethod
    def checked(X: FloatMatrix, y: object, weights: object, noise: str, sigma: object) -> Rows:
        """Raises:
        InputError: a target, weights, a noise model or errors that cannot be used.
        """
        target = checks.vector(y, len(X))
        counts = np.ones(len(X)) if weights is None else checks.weights(weights, len(X))
        scalars.choice(noise, "noise", get_args(Kind))
        squares = counts
        sigma_alone(noise, sigma)
        if sigma is not None:
            errors = checks.vector(sigma, len(X), name="sigma")
            checks.positive(errors, "sigma")
            model: Noise = Given(sigma=errors)
            squares = counts * errors**-2.0
        else:
            check_target(noise, target)
            model = named(noise, target)
        return Rows(np.ascontiguousarray(X, dtype=np.float64), target, counts, model, squares)

    def loss(self, values: Floats) -> float:
        """The weighted mean of the squared errors of values (n,)."""
        return float(np.average((values - self.y) ** 2, weights=self.weights))
