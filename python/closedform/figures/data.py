"""The data themselves: a target over an input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from closedform._typing import Floats
from closedform.figures.canvas import plain, step_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_data(
    axes: Axes,
    x: Floats,
    y: Floats,
    *,
    x_name: str,
    y_name: str,
    curve: tuple[Floats, Floats] | None = None,
) -> Axes:
    """Draws a target over an input, and the formula where it has no other.

    Args:
        axes: of matplotlib, to draw on.
        x, y: (n,) each; at most 5000 rows are drawn, evenly spaced.
        x_name, y_name: of both.
        curve: the formula's values over the input, (k,) each.

    Returns:
        The axes.
    """
    step = step_for(len(x))
    axes.plot(x[::step], y[::step], ".", color="tab:blue", alpha=0.6, markersize=4)
    if curve is not None:
        axes.plot(*curve, color="tab:orange", linewidth=1.5)
    axes.set_xlabel(plain(x_name))
    axes.set_ylabel(plain(y_name))
    axes.grid(alpha=0.3)
    return axes
