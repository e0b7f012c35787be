"""What a function is made of: its tree of sums and products, and parts of one input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from closedform._typing import Floats
from closedform.figures.canvas import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A leaf is its text; a node its sign and what it joins.
Branch: TypeAlias = "str | tuple[str, Sequence[Branch]]"


def draw_tree(axes: Axes, tree: Branch) -> Axes:
    """Draws a tree: leaves side by side below, and above them what joins them.

    Args:
        axes: of matplotlib, to draw on.
        tree: texts of the leaves within (sign, parts) of the nodes.

    Returns:
        The axes.
    """
    depth = _depth(tree)
    width = _draw_branch(axes, tree, 0.0, depth)[1]
    axes.set_xlim(-0.6, width - 0.4)
    axes.set_ylim(-0.5, depth + 0.5)
    axes.set_axis_off()
    return axes


def _depth(tree: Branch) -> int:
    return 0 if isinstance(tree, str) else 1 + max(map(_depth, tree[1]))


def _draw_branch(axes: Axes, tree: Branch, left: float, height: int) -> tuple[float, float]:
    """Draws from `left` on; gives where its middle is, and where there is room again."""
    if isinstance(tree, str):
        _box(axes, left, 0, tree, "round", "tab:blue")
        return left, left + 1
    sign, parts = tree
    middles = []
    for part in parts:
        below = 0 if isinstance(part, str) else height - 1
        middle, left = _draw_branch(axes, part, left, below)
        middles.append((middle, below))
    here = (middles[0][0] + middles[-1][0]) / 2
    for middle, below in middles:
        axes.plot([here, middle], [height, below], color="0.6", linewidth=1.2, zorder=1)
    _box(axes, here, height, sign, "circle", "0.3")
    return here, left


def _box(axes: Axes, x: float, y: float, text: str, shape: str, color: str) -> None:
    box = {"boxstyle": f"{shape},pad=0.4", "facecolor": "white", "edgecolor": color}
    axes.text(x, y, plain(text), ha="center", va="center", bbox=box, zorder=2)


def draw_part(axes: Axes, x: Floats, values: Floats, *, name: str, steps: bool = False) -> Axes:
    """Draws a part of one input.

    Args:
        axes: of matplotlib, to draw on.
        x, values: (n,) each, of the input and of the part there.
        name: of the input.
        steps: the input has few values; there is nothing between them.

    Returns:
        The axes.
    """
    axes.plot(x, values, "o" if steps else "-", color="tab:blue")
    axes.set_xlabel(plain(name))
    axes.set_ylabel(plain(f"f({name})"))
    axes.grid(alpha=0.3)
    return axes
