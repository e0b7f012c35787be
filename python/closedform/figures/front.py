"""A Pareto front: loss over complexity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_front(
    axes: Axes,
    complexity: Sequence[int],
    loss: Sequence[float],
    *,
    chosen: tuple[int, float],
    label: str,
    loss_label: str,
) -> Axes:
    """Draws a front as steps, one member of it marked.

    Args:
        axes: of matplotlib, to draw on.
        complexity, loss: of the front's members, by complexity.
        chosen: complexity and loss of the member to mark.
        label: of that member in the legend.
        loss_label: of the axis.

    Returns:
        The axes.
    """
    from matplotlib.ticker import MaxNLocator

    positive = [value for value in loss if value > 0]
    floor = min(positive, default=1.0) / 10  # where a loss of exactly 0 is drawn
    axes.step(
        complexity,
        [max(value, floor) for value in loss],
        where="post",
        marker="o",
        color="0.45",
        label="front",
    )
    axes.plot(
        [chosen[0]], [max(chosen[1], floor)], "o", color="tab:blue", markersize=10, label=label
    )
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("complexity (nodes)")
    axes.set_ylabel(loss_label)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")  # where a front falls off
    return axes
