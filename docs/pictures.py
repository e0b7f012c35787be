"""Draws the pictures of "How it works" from runs of the library itself."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import closedform as cf


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "closedform"}):
        figure.savefig(path, metadata={"Date": None})


def draw(folder: Path) -> None:
    """Writes structure.svg, parts.svg, front.svg and link.svg into a folder."""
    mpl.use("agg")
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 2.0, (300, 3))
    y = np.sin(2 * X[:, 0]) * np.exp(X[:, 1]) + X[:, 2] ** 2
    surrogate = cf.Surrogate(segments=6, modes=3, smoothing=0.0).fit(X, y)
    structure = cf.separability(surrogate, X, y)
    _save(structure.plot("structure"), folder / "structure.svg")
    _save(structure.plot("parts"), folder / "parts.svg")
    neuron = cf.Formula("tanh(x1*x2 - 2)", ["x1", "x2"])
    found = cf.interpret(neuron, X[:, :2], evaluations=2000, operators="+ - *", threads=1)
    _save(found.plot().figure, folder / "link.svg")
