"""Two constants of a function followed along their valley, what enters linearly solved for.

Variable projection (Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973), by QR: a fit of all
constants with the normal equations sees half the digits, and creeps where they make up for one
another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from closedform._typing import Floats

MOST_STEPS = 40
SLOPE = 1e-6  # relative step of a difference
SETTLED = 1e-9  # relative drop of what is left
FARTHEST = 1e4  # ranges: what lies beyond looks the same from the rows


def refined(
    function: Callable[[Floats, Floats, Floats], Floats],
    a: float,
    b: float,
    x: Floats,
    base: Floats,
    y: Floats,
    weights: Floats,
) -> tuple[float, float, float]:
    """The two constants at the bottom of their valley, and what is left there.

    Levenberg and Marquardt's steps for what the linear factors leave, which are solved for by QR at
    every point; a constant below the range by the logarithm of its distance.
    """
    low, span = float(x.min()), float(np.ptp(x))
    below, root = a < low, np.sqrt(weights)
    basis, _ = np.linalg.qr(base * root[:, None])
    target = y * root - basis @ (basis.T @ (y * root))

    def place(point: Floats) -> tuple[float, float]:
        first = low - float(np.exp(point[0])) if below else float(point[0])
        return first, float(point[1])

    def left_at(point: Floats) -> Floats | None:
        first, second = place(point)
        if not (abs(first - low) <= FARTHEST * span and abs(second) < np.inf):
            return None
        values = function(np.array(first), np.array(second), x) * root
        size = float(np.abs(values).max())
        if not 0.0 < size < np.inf:
            return None
        own = values / size
        own -= basis @ (basis.T @ own)
        squares = float(own @ own)
        if not squares > 0.0:
            return None
        left: Floats = target - own * (own @ target / squares)
        return left

    def slopes(point: Floats) -> Floats | None:
        steps = SLOPE * np.array([1.0 if below else span, max(abs(point[1]), 1e-3)])
        ends = [(left_at(point + step), left_at(point - step)) for step in np.diag(steps)]
        columns = [
            (up - down) / (2 * step)
            for (up, down), step in zip(ends, steps, strict=True)
            if up is not None and down is not None
        ]
        return np.column_stack(columns) if len(columns) == len(steps) else None

    point = np.array([np.log(low - a) if below else a, b])
    with np.errstate(all="ignore"):
        left = left_at(point)
        damping = 1e-3
        for _ in range(MOST_STEPS):
            jacobian = None if left is None else slopes(point)
            if left is None or jacobian is None or not np.isfinite(jacobian).all():
                break
            step, after = _step(left_at, point, left, jacobian, damping)
            if after is None:
                break
            damping = max(step[1] / 10, 1e-15)
            gained = 1 - float(after @ after) / float(left @ left)
            point, left = point + step[0], after
            if gained < SETTLED:
                break
    return *place(point), np.inf if left is None else float(left @ left)


def _step(
    left_at: Callable[[Floats], Floats | None],
    point: Floats,
    left: Floats,
    jacobian: Floats,
    damping: float,
) -> tuple[tuple[Floats, float], Floats | None]:
    """A step that leaves less, its damping, and what it leaves; None where there is none."""
    size = np.linalg.norm(jacobian, axis=0)
    size[size == 0] = 1.0
    right = np.concatenate([-left, np.zeros(len(point))])
    while damping < 1e8:
        damped = np.vstack([jacobian / size, np.sqrt(damping) * np.eye(len(point))])
        step = np.linalg.lstsq(damped, right, rcond=None)[0] / size
        after = left_at(point + step)
        if after is not None and float(after @ after) < float(left @ left):
            return (step, damping), after
        damping *= 10
    return (np.zeros(len(point)), damping), None
