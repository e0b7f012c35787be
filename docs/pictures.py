"""Draws the pictures of "How it works" from runs of the library itself, and recovery from noise."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import closedform as cf


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "closedform"}):
        figure.savefig(path, metadata={"Date": None})


def draw(folder: Path) -> None:
    """Writes structure.svg, parts.svg, link.svg and noise.svg into a folder."""
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
    _save(_recovery(), folder / "noise.svg")


def _recovery() -> Figure:
    """Right forms over noise, from what `bench noise` counted."""
    file = Path(__file__).parents[1] / "bench" / "results" / "noise.csv"
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    sizes = sorted({int(row["rows"]) for row in rows})
    # There are ten colours.
    styles = {
        kind: {"color": f"C{i % 10}", "linestyle": "-" if i < 10 else ":"}
        for i, kind in enumerate(sorted({row["kind"] for row in rows}))
    }
    figure = Figure(figsize=(3.6 * len(sizes) + 2, 3.6), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for axis, size in zip(axes, sizes, strict=True):
        here = [row for row in rows if int(row["rows"]) == size]
        for kind, style in styles.items():
            line = [row for row in here if row["kind"] == kind]
            if not line:
                continue
            noise = [100 * float(row["noise"]) for row in line]
            right = [100 * int(row["closedform"]) / int(row["laws"]) for row in line]
            axis.plot(noise, right, marker="o", label=kind, **style)
        peer = [row for row in here if row["kind"] == "absolute" and row["pyoperon"]]
        if peer:
            noise = [100 * float(row["noise"]) for row in peer]
            right = [100 * int(row["pyoperon"]) / int(row["laws"]) for row in peer]
            axis.plot(noise, right, "k--", marker="x", label="absolute, pyoperon")
        axis.set(title=f"{size} rows", xlabel="noise, %", ylim=(-3, 103))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    axes[0].set_ylabel("right forms, % of the laws")
    return figure
