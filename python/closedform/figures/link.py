"""A neuron's values over its formula's, with the link between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from closedform._typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_link(
    axes: Axes,
    rows: tuple[Floats, Floats],
    isotonic: tuple[Floats, Floats],
    *,
    closed_form: tuple[Floats, Floats] | None = None,
    label: str = "",
    threshold: float | None = None,
) -> Axes:
    """Draws rows as dots, the fits of them as lines, and the threshold between two classes.

    Args:
        axes: of matplotlib, to draw on.
        rows, isotonic, closed_form: values of T and of f each, (n,) and (n,).
        label: of the closed form in the legend.
        threshold: of T.

    Returns:
        The axes.
    """
    axes.plot(*rows, ".", color="0.6", markersize=3, label="rows")
    axes.plot(*isotonic, color="tab:orange", label="isotonic")
    if closed_form is not None:
        axes.plot(*closed_form, color="tab:blue", label=label)
    if threshold is not None:
        axes.axvline(threshold, color="0.3", linestyle=":", label="threshold")
    axes.set_xlabel("T")
    axes.set_ylabel("neuron f")
    axes.grid(alpha=0.3)
    axes.legend()
    return axes
