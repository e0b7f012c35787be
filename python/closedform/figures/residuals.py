"""How well predictions meet a target: one over the other, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.figures.canvas import plain, step_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_predicted(
    axes: Axes,
    actual: Floats,
    predicted: Floats,
    *,
    name: str = "y",
    held_out: npt.NDArray[np.bool_] | None = None,
) -> Axes:
    """Draws predictions over the actual values, and the line where they are equal.

    Args:
        axes: of matplotlib, to draw on.
        actual, predicted: (n,); at most 5000 rows are drawn, evenly spaced.
        name: of the target.
        held_out: (n,) rows to tell from the others; None where there are none.

    Returns:
        The axes.
    """
    _dots(axes, actual, predicted, held_out)
    ends = [float(np.min(actual)), float(np.max(actual))]
    axes.plot(ends, ends, color="0.3", linewidth=1)
    axes.set_xlabel(plain(f"actual {name}"))
    axes.set_ylabel(plain(f"predicted {name}"))
    axes.grid(alpha=0.3)
    return axes


def draw_residuals(
    axes: Axes,
    actual: Floats,
    predicted: Floats,
    *,
    name: str = "y",
    held_out: npt.NDArray[np.bool_] | None = None,
) -> Axes:
    """Draws what is left of the target over the predictions; arguments as `draw_predicted`."""
    _dots(axes, predicted, actual - predicted, held_out)
    axes.axhline(0.0, color="0.3", linewidth=1)
    axes.set_xlabel(plain(f"predicted {name}"))
    axes.set_ylabel(plain(f"actual - predicted {name}"))
    axes.grid(alpha=0.3)
    return axes


def _dots(axes: Axes, x: Floats, y: Floats, held_out: npt.NDArray[np.bool_] | None) -> None:
    step = step_for(len(x))
    if held_out is None or not held_out.any():
        axes.plot(x[::step], y[::step], ".", color="tab:blue", markersize=4)
        return
    for rows, color, label in (
        (~held_out, "tab:blue", "searched"),
        (held_out, "tab:orange", "held out"),
    ):
        axes.plot(x[rows][::step], y[rows][::step], ".", color=color, markersize=4, label=label)
    axes.legend(markerscale=2)
