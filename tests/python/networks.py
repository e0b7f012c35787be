"""What tests of networks share."""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")

X = np.random.default_rng(0).normal(size=(2500, 3))  # more than two blocks for a framework


def log_odds(p: np.ndarray) -> np.ndarray:
    return np.log(p) - np.log1p(-p)


def close(ours: np.ndarray | None, theirs: np.ndarray, epsilon: float = 1e-5) -> None:
    """To rounding, relative to the largest number of the array."""
    assert ours is not None
    assert ours.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(theirs).max() > 0  # an all-zero reference would prove nothing
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=epsilon * np.abs(theirs).max())
