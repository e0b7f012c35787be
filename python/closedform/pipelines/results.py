"""What `discover` and `interpret` found, and their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from closedform.errors import InputError
from closedform.figures.canvas import axes_of, check_available
from closedform.figures.link import draw_link
from closedform.formulas.formula import Formula, shortened
from closedform.formulas.front import Front
from closedform.formulas.merging import Merging
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines.held_out import Errors
from closedform.pipelines.neuron_verdict import Fidelity, NeuronVerdict
from closedform.pipelines.pieces import Interval
from closedform.pipelines.verdict import Verdict
from closedform.reports import page
from closedform.reports.report import Report, Section
from closedform.reports.text import text_of
from closedform.searches.noise_plan import NoisePlan
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Separability
from closedform.surrogates.similarity import Similarity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from closedform.pipelines.monotone_link import MonotoneLink

Way: TypeAlias = Literal["through_surrogate", "direct"]
_WAYS = {
    "surrogate": "surrogate",
    "through_surrogate": "formula through the surrogate",
    "direct": "formula from the data directly",
}
_MEASURES = ["rmse", "nrmse", "mean_relative", "max_abs", "log_density"]
_NAMED = 20  # rows far off
_DRAWN = 2000  # rows in a picture


@dataclass(frozen=True, repr=False)
class Discovery:
    """What `discover` found.

    Attributes:
        formula: the formula to use.
        front: the Pareto front of both ways together; losses are on the rows searched, which the
            noise model weighs.
        verdict: "law", "approximation" or "no law" (`verdict.kind`), and the numbers behind it.
        noise: how the target was taken to scatter, `noise.main`, and how that was settled.
        surrogate, separability, similarity: what the structure was read from, and the fewer
            variables that do; None where that stage was not reached or not asked for. A first short
            search of the data comes before them: where it finds an exact law, they are not made.
            They are of the target's logarithm where `noise.logarithmic` and it is positive.
        strategy: "per-dimension", "per-block" or "global", as the structure is; "direct" where
            there is none.
        errors: held-out errors of "surrogate", "through_surrogate" (formula found by way of the
            surrogate) and "direct" (formula searched on the data alone); None for a way not taken.
        chosen: which of the two formulas `formula` is, decided on the rows searched.
        stopped: "exact", "time", "evaluations" or "interrupted".
        outliers: where the noise is "robust", rows of the table that weigh less than a tenth of one
            on the formula.
    """

    formula: Formula
    front: Front
    verdict: Verdict
    noise: NoisePlan
    surrogate: Surrogate | None
    separability: Separability | None
    similarity: Similarity | None
    strategy: str
    errors: Mapping[str, Errors | None]
    chosen: Way
    stopped: str
    outliers: tuple[int, ...] = ()

    def report(self, path: str | Path) -> None:
        """Writes a page with the formula, the front, the errors and the structure."""
        page.write(discovery_report(self), path)

    def plot(self, X: object = None, y: object = None, *, name: str = "y") -> Figure:
        """Draws the front; with rows also predicted against actual values, and residuals.

        Args:
            X: (n, d) rows, as the formula takes them; None for the front alone.
            y: (n,) their target.
            name: of the target.

        Returns:
            A figure of matplotlib with one picture or three.

        Raises:
            InputError: matplotlib is not installed, or rows that cannot be used.
        """
        check_available("plot")
        import matplotlib.pyplot as plt

        if (X is None) != (y is None):
            raise InputError("X, y: only one of them is given; give both, or neither")
        pictures = 1 if X is None else 3
        figure, axes = plt.subplots(
            1, pictures, figsize=(4.8 * pictures, 3.6), squeeze=False, layout="constrained"
        )
        self.front.plot(axes[0, 0])
        if X is not None:
            self.formula.plot(X, y, axes[0, 1], name=name)
            self.formula.plot(X, y, axes[0, 2], kind="residuals", name=name)
        return figure

    def __repr__(self) -> str:
        return f"Discovery({shortened(self.formula.text)!r}, {self.verdict.kind})"

    def __str__(self) -> str:
        return text_of(discovery_report(self))

    def _repr_html_(self) -> str:
        return page.fragment(discovery_report(self), ["Verdict", "Errors on held-out rows"])


@dataclass(frozen=True, repr=False)
class Interpretation:
    """What `interpret` found: the neuron computes link(formula).

    Attributes:
        formula: the formula to use, called T below; oriented so that the neuron rises with it.
        front: the Pareto front; losses are mean |u - v|^2 of unit gradients on the rows searched.
        link: phi of f = phi(T), a callable on values of T; `link.formula` is its closed form in T
            or None, `link.isotonic` the fit without a form.
        threshold: the class is positive where T is above it; None where the neuron is no
            classifier's output, or all rows are of one class, or the level set is another.
        level_set: the intervals of T in which the class is positive; None where the neuron is no
            classifier's output.
        fidelity: measured on rows set aside.
        verdict: "concept found", "approximation" or "no closed form found" (`verdict.kind`), and
            the numbers behind it.
        symmetries: the inputs that were merged before the search; None with symmetries=False.
        gradients: the unit gradients, and how many rows were dropped as saturated.
        network: one line on the neuron and what was taken off it.
        stopped: why the search ended: "exact", "time", "evaluations" or "interrupted".
    """

    formula: Formula
    front: Front
    link: MonotoneLink
    threshold: float | None
    level_set: tuple[Interval, ...] | None
    fidelity: Fidelity
    verdict: NeuronVerdict
    symmetries: Merging | None
    gradients: UnitGradients
    network: str
    stopped: str

    def report(self, path: str | Path) -> None:
        """Writes a page with the formula, its link, the fidelity and the front."""
        page.write(interpretation_report(self), path)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draws the neuron's values over the formula's, with the link between them.

        Args:
            axes: of matplotlib, to draw on; None for a new figure.

        Returns:
            The axes.

        Raises:
            InputError: matplotlib is not installed, or other axes.
        """
        return _draw_link(self, axes_of(axes))

    def __repr__(self) -> str:
        measured = self.fidelity
        agreement = "" if measured.agreement is None else f", agreement {measured.agreement:.2%}"
        return "\n".join(
            [
                f"Interpretation: {self.verdict.kind}",
                f"  T = {shortened(self.formula.text)}",
                "  " + "; ".join(map(shortened, _link_lines(self)[1:])),
                f"  cosine {measured.cosine:.4f}, rank correlation "
                f"{measured.rank_correlation:.4f}{agreement}, on {measured.rows} rows set aside",
                f"  searched {self.gradients}; ended by {self.stopped}",
            ]
        )

    def __str__(self) -> str:
        return text_of(interpretation_report(self))

    def _repr_html_(self) -> str:
        return page.fragment(
            interpretation_report(self), ["Verdict", "Neuron", "Fidelity on held-out rows"]
        )


def discovery_report(discovery: Discovery, name: str = "y") -> Report:
    """The front, the formula, its held-out errors and why it was found that way.

    Args:
        name: the target's.
    """
    return Report(
        title=f"A formula for {name}",
        name=name,
        formula=discovery.formula,
        front=discovery.front,
        loss="loss (mean squared error)",
        sections=[
            Section("Verdict", _verdict_lines(discovery)),
            Section("Constants", table=_constant_rows(discovery.formula)),
            Section(
                "Errors on held-out rows",
                table=_error_rows(discovery),
                marked=[list(_WAYS).index(discovery.chosen)],
            ),
            Section("Why", _reasons(discovery)),
        ],
    )


def interpretation_report(found: Interpretation) -> Report:
    """The front, the formula, its link and threshold, how faithful they are, and why."""
    return Report(
        title="The formula of a neuron",
        name="T",
        formula=found.formula,
        front=found.front,
        loss="loss (mean |u - v|² of unit gradients)",
        sections=[
            Section("Verdict", _neuron_verdict_lines(found)),
            Section("Neuron", _link_lines(found), draw=partial(_draw_link, found)),
            Section("Fidelity on held-out rows", table=_fidelity_rows(found)),
            Section("Why", _merges(found)),
        ],
    )


def _draw_link(found: Interpretation, axes: Axes) -> Axes:
    link = found.link
    step = -(-len(found.gradients.X) // _DRAWN)
    rows = found.formula(found.gradients.X[::step]), found.gradients.f[::step]
    line = np.linspace(link.isotonic.at[0], link.isotonic.at[-1], 300)
    return draw_link(
        axes,
        rows,
        (line, link.isotonic(line)),
        closed_form=None if link.formula is None else (line, link(line)),
        label=f"f = {link.formula}"[:60],
        threshold=found.threshold,
    )


def _verdict_lines(discovery: Discovery) -> list[str]:
    rivals = [f"as good by these data: {rival}" for rival in discovery.front.rivals]
    rows = ", ".join(map(str, discovery.outliers[:_NAMED]))
    more = " and more" if len(discovery.outliers) > _NAMED else ""
    far = [f"rows far off: {rows}{more}"] if rows else []
    return [str(discovery.verdict), f"noise: {discovery.noise}", *far, *rivals]


def _constant_rows(formula: Formula) -> list[list[str]]:
    rows = [["value", "standard error", "95 % interval"]]
    for constant in formula.constants:
        low, high = constant.interval
        known = constant.standard_error > 0
        rows.append(
            [
                str(constant),
                f"{constant.standard_error:.3g}" if known else "",
                f"{low:.6g} to {high:.6g}" if known else "",
            ]
        )
    return rows


def _error_rows(discovery: Discovery) -> list[list[str]]:
    rows = [["", "rmse", "nrmse", "mean relative", "max abs", "log density"]]
    for way, label in _WAYS.items():
        errors = discovery.errors.get(way)
        mark = " (chosen)" if way == discovery.chosen else ""
        measured = ["not taken"] if errors is None else []
        if errors is not None:
            measured = [f"{getattr(errors, measure):.4g}" for measure in _MEASURES]
        rows.append([label + mark, *measured, *[""] * (len(_MEASURES) - len(measured))])
    return rows


def _reasons(discovery: Discovery) -> list[str]:
    structure, similarity = discovery.separability, discovery.similarity
    of = "structure of the logarithm" if discovery.noise.logarithmic else "structure"
    return [
        f"strategy: {discovery.strategy}",
        *([] if similarity is None else [f"variables: {similarity}"]),
        *([] if structure is None else [f"{of}: {structure}", f"decided: {structure.reason}"]),
        f"chosen: {_WAYS[discovery.chosen]}",
        f"ended by: {discovery.stopped}",
    ]


def _link_lines(found: Interpretation) -> list[str]:
    link = found.link.formula
    lines = [f"f: {found.network}"]
    lines.append("f = phi(T), no closed form found" if link is None else f"f = {link}")
    if found.link.extrema:
        at = ", ".join(f"{extremum:.6g}" for extremum in found.link.extrema)
        lines.append(f"phi turns around at T = {at}")
    if found.threshold is not None:
        lines.append(f"class 1 where T > {found.threshold!r}")
    elif found.level_set:
        parts = [f"{low:.6g} < T < {high:.6g}" for low, high in found.level_set]
        lines.append(f"class 1 where {' or '.join(parts)}")
    return lines


def _neuron_verdict_lines(found: Interpretation) -> list[str]:
    rivals = [f"within noise: {rival}" for rival in found.verdict.rivals]
    return [str(found.verdict), *rivals]


def _fidelity_rows(found: Interpretation) -> list[list[str]]:
    measured = found.fidelity
    rows = [
        ["", "value"],
        ["mean cosine of gradients", f"{measured.cosine:.6f}"],
        ["rank correlation with the neuron", f"{measured.rank_correlation:.6f}"],
    ]
    if measured.agreement is not None:
        rows.append(["agreement with the network's classes", f"{measured.agreement:.3%}"])
    return [*rows, ["rows within the band", str(measured.rows)]]


def _merges(found: Interpretation) -> list[str]:
    return [
        f"searched: {found.gradients}",
        *([] if found.symmetries is None else str(found.symmetries).splitlines()),
        f"ended by: {found.stopped}",
    ]
