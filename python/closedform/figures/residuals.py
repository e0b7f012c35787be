"""How well predictions meet a target: one over the other, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from closedform._typing import Floats
from closedform.figures.canvas import plain, step_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_predicted(axes: Axes, actual: Floats, predicted: Floats, *, name: str = "y") -> Axes:
    """Draws predictions over the actual values, and the line where they are equal.

    Args:
        axes: of matplotlib, to draw on.
        actual, predicted: (n,); at most 5000 rows are drawn, evenly spaced.
        name: of the target.

    Returns:
        The axes.
    """
    step = step_for(len(actual))
    axes.plot(actual[::step], predicted[::step], ".", color="tab:blue", markersize=4)
    ends = [float(np.min(actual)), float(np.max(actual))]
    axes.plot(ends, ends, color="0.3", linewidth=1)
    axes.set_xlabel(plain(f"actual {name}"))
    axes.set_ylabel(plain(f"predicted {name}"))
    axes.grid(alpha=0.3)
    return axes


def draw_residuals(axes: Axes, actual: Floats, predicted: Floats, *, name: str = "y") -> Axes:
    """Draws what is left of the target over the predictions; arguments as `draw_predicted`."""
    step = step_for(len(actual))
    left = actual[::step] - predicted[::step]
    axes.plot(predicted[::step], left, ".", color="tab:blue", markersize=4)
    axes.axhline(0.0, color="0.3", linewidth=1)
    axes.set_xlabel(plain(f"predicted {name}"))
    axes.set_ylabel(plain(f"actual - predicted {name}"))
    axes.grid(alpha=0.3)
    return axes
