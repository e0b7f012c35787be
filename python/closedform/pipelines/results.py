"""What `discover` and `interpret` found, and their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from closedform.errors import InputError
from closedform.figures.canvas import axes_of, row_of_axes
from closedform.formulas.formula import Formula, shortened
from closedform.formulas.front import Front
from closedform.formulas.merging import Merging
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines.held_out import Errors
from closedform.pipelines.neuron_verdict import Fidelity, NeuronVerdict
from closedform.pipelines.pieces import Interval
from closedform.pipelines.provenance import Provenance, Sample
from closedform.pipelines.reported import (
    discovery_report,
    draw_found_link,
    interpretation_report,
    link_lines,
)
from closedform.pipelines.verdict import Verdict
from closedform.reports import page
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
        stopped: "exact", "good enough", "time", "evaluations" or "interrupted".
        outliers: where the noise is "robust", rows of the table that weigh less than a tenth of one
            on the formula.
        provenance: rows, seed, version, settings and time.
        sample: some of the rows, for pictures.
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
    provenance: Provenance
    sample: Sample = field(repr=False, compare=False)
    outliers: tuple[int, ...] = ()

    @property
    def template(self) -> str | None:
        """The structure that was found, as `template` takes it: to be edited and searched again.
        None where the surrogate shows none."""
        if self.similarity is not None and not self.noise.logarithmic:
            return self.similarity.template
        text = None if self.separability is None else self.separability.template
        if text is not None and self.noise.logarithmic and float(self.sample.y.min()) > 0:
            return f"exp({text})"
        return text

    def report(self, path: str | Path) -> None:
        """Writes a page of HTML that needs nothing else: the formula, what it is worth and what it
        was found in, with pictures.

        Args:
            path: where to write.

        Raises:
            InputError: matplotlib is not installed (`pip install 'closedform[plots]'`), or a place
                that cannot be written to.
            OSError: it could not be written.
        """
        page.write(discovery_report(self), path)

    def plot(self, X: object = None, y: object = None, *, name: str | None = None) -> Figure:
        """Draws the front; with rows also predicted against actual values, and residuals.

        Args:
            X: (n, d) rows, as the formula takes them; None for the front alone.
            y: (n,) their target.
            name: of the target; None for its own.

        Returns:
            A figure of matplotlib with one picture or three.

        Raises:
            InputError: matplotlib is not installed, or rows that cannot be used.
        """
        if (X is None) != (y is None):
            raise InputError("X, y: only one of them is given; give both, or neither")
        name = self.provenance.target if name is None else name
        figure, axes = row_of_axes(1 if X is None else 3)
        self.front.plot(axes[0])
        if X is not None:
            self.formula.plot(X, y, axes[1], name=name)
            self.formula.plot(X, y, axes[2], kind="residuals", name=name)
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
        front: the Pareto front; losses are mean `|u - v|^2` of unit gradients on the rows searched.
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
        provenance: rows, seed, version, settings and time.
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
    provenance: Provenance

    def report(self, path: str | Path) -> None:
        """Writes a page with the formula, its link, the fidelity and the front; as that of
        `Discovery`."""
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
        return draw_found_link(self, axes_of(axes))

    def __repr__(self) -> str:
        measured = self.fidelity
        agreement = "" if measured.agreement is None else f", agreement {measured.agreement:.2%}"
        return "\n".join(
            [
                f"Interpretation: {self.verdict.kind}",
                f"  T = {shortened(self.formula.text)}",
                "  " + "; ".join(map(shortened, link_lines(self)[1:])),
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
