"""Where pictures are drawn."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from closedform.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_LABEL = 40  # characters
MOST_DOTS = 5000  # more only cover one another


def available() -> bool:
    """Whether pictures can be drawn: by matplotlib, of the extra `plots`."""
    return importlib.util.find_spec("matplotlib") is not None


def check_available(name: str) -> None:
    """Says so early when pictures cannot be drawn.

    Args:
        name: of what asks for them, in the message.

    Raises:
        InputError: matplotlib (the extra `plots`) is not installed.
    """
    if not available():
        raise InputError(f"{name}: needs matplotlib; pip install 'closedform[plots]'")


def axes_of(axes: Axes | None) -> Axes:
    """The axes given; else those of a new figure, which notebooks show.

    Raises:
        InputError: matplotlib is not installed, or these are no axes.
    """
    check_available("plot")
    from matplotlib.axes import Axes

    if axes is None:
        import matplotlib.pyplot as plt

        return plt.subplots(layout="constrained")[1]
    if not isinstance(axes, Axes):
        raise InputError(f"axes: must be matplotlib's Axes, not {type(axes).__name__}")
    return axes


def row_of_axes(count: int) -> tuple[Figure, list[Axes]]:
    """A new figure, which notebooks show, and its axes side by side.

    Raises:
        InputError: matplotlib is not installed.
    """
    check_available("plot")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, count, figsize=(4.8 * count, 3.6), squeeze=False, layout="constrained"
    )
    return figure, list(axes[0])


def label(text: str) -> str:
    """A name that fits into a picture."""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def plain(text: str) -> str:
    """A name that is set as it is: matplotlib takes what stands between two dollars for TeX."""
    return label(text).replace("$", r"\$")


def step_for(rows: int) -> int:
    """Every how many rows one is drawn."""
    return max(1, -(-rows // MOST_DOTS))
