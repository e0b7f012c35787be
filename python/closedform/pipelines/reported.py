"""Results as reports: what a page or a terminal tells of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from closedform.figures.data import draw_data
from closedform.figures.link import draw_link
from closedform.figures.residuals import draw_predicted, draw_residuals
from closedform.formulas.formula import Formula
from closedform.formulas.grouped import GroupedFormula
from closedform.pipelines.provenance import Provenance
from closedform.reports.report import Picture, Report, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from closedform.pipelines.held_out import Errors
    from closedform.pipelines.results import Discovery, Interpretation
    from closedform.surrogates.separability import Separability

_WAYS = {
    "surrogate": "surrogate",
    "through_surrogate": "formula through the surrogate",
    "direct": "formula from the data directly",
}
_MEASURES = ["rmse", "nrmse", "mean_relative", "max_abs", "log_density"]
_NAMED = 20  # rows far off
_NAMED_INPUTS = 50
_DRAWN = 2000  # rows in a picture
_INPUTS_DRAWN = 4  # of the data's pictures
_CURVE = 400  # points


def discovery_report(discovery: Discovery) -> Report:
    """The front, the formula, its held-out errors and why it was found that way."""
    name = discovery.provenance.target
    errors = discovery.errors[discovery.chosen]
    key = [
        ("verdict", discovery.verdict.kind),
        *([] if errors is None else [("error on held-out rows (nrmse)", f"{errors.nrmse:.3g}")]),
        ("nodes", str(discovery.formula.complexity)),
        ("rows searched", f"{discovery.provenance.rows:,}"),
        ("seconds", f"{discovery.provenance.seconds:.1f}"),
    ]
    return Report(
        title=f"A formula for {name}",
        name=name,
        formula=discovery.formula,
        front=discovery.front,
        loss="loss (mean squared error)",
        key=key,
        sections=[
            Section("Data and fit", pictures=[*_data_pictures(discovery), *_fits(discovery)]),
            Section("Verdict", _verdict_lines(discovery)),
            Section("Constants", table=_constant_rows(discovery.formula)),
            *_groups(discovery.formula),
            Section(
                "Errors on held-out rows",
                table=_error_rows(discovery.errors, discovery.chosen),
                marked=[list(_WAYS).index(discovery.chosen)],
            ),
            Section("Why", _reasons(discovery), pictures=_structure(discovery.separability)),
            Section("Provenance", table=_provenance_rows(discovery.provenance)),
        ],
    )


def interpretation_report(found: Interpretation) -> Report:
    """The front, the formula, its link and threshold, how faithful they are, and why."""
    fidelity = found.fidelity
    agreement = fidelity.agreement
    return Report(
        title="The formula of a neuron",
        name="T",
        formula=found.formula,
        front=found.front,
        loss="loss (mean |u - v|² of unit gradients)",
        key=[
            ("mean cosine of gradients", f"{fidelity.cosine:.4f}"),
            ("rank correlation", f"{fidelity.rank_correlation:.4f}"),
            *([] if agreement is None else [("agreement of classes", f"{agreement:.1%}")]),
            ("rows searched", f"{found.provenance.rows:,}"),
            ("seconds", f"{found.provenance.seconds:.1f}"),
        ],
        sections=[
            Section("Verdict", _neuron_verdict_lines(found)),
            Section("Neuron", link_lines(found), pictures=[partial(draw_found_link, found)]),
            Section("Constants", table=_constant_rows(found.formula)),
            Section("Fidelity on held-out rows", table=_fidelity_rows(found)),
            Section("Why", _merges(found)),
            Section("Provenance", table=_provenance_rows(found.provenance)),
        ],
    )


def draw_found_link(found: Interpretation, axes: Axes) -> Axes:
    """Draws a neuron's values over its formula's, with the link between them."""
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


def _data_pictures(discovery: Discovery) -> list[Picture]:
    """The target over the inputs that the formula reads, then others."""
    formula, sample = discovery.formula, discovery.sample
    own = formula.own_names
    read = [own.index(name) for name in formula.inputs if name in own]
    others = [column for column in range(len(own)) if column not in read]
    pictures: list[Picture] = []
    for column in [*read, *others][:_INPUTS_DRAWN]:
        x = sample.X[:, column]
        curve = None
        if len(formula.names) == 1:
            line = np.linspace(x.min(), x.max(), _CURVE)
            curve = line, formula._expression.evaluate(np.ascontiguousarray(line[:, None]))
        pictures.append(
            partial(
                draw_data,
                x=x,
                y=sample.y,
                x_name=discovery.provenance.inputs[column],
                y_name=discovery.provenance.target,
                curve=curve,
            )
        )
    return pictures


def _fits(discovery: Discovery) -> list[Picture]:
    """Predicted against actual values, and what is left; none where the formula has no value."""
    sample, name = discovery.sample, discovery.provenance.target
    predicted = discovery.formula._expression.evaluate(sample.X)
    defined = np.isfinite(predicted)
    if not defined.any():
        return []
    return [
        partial(
            draw,
            actual=sample.y[defined],
            predicted=predicted[defined],
            name=name,
            held_out=sample.held_out[defined],
        )
        for draw in (draw_predicted, draw_residuals)
    ]


def _structure(structure: Separability | None) -> list[Picture]:
    if structure is None:
        return []
    return [structure.draw_tree, *structure.part_pictures()[:_INPUTS_DRAWN]]


def _provenance_rows(origin: Provenance) -> list[list[str]]:
    inputs = ", ".join(origin.inputs[:_NAMED_INPUTS])
    more = f" and {len(origin.inputs) - _NAMED_INPUTS} more"
    rows = f"{origin.rows:,} searched, {origin.held_out:,} held out"
    left_out = f", {origin.dropped:,} dropped for missing values" if origin.dropped else ""
    return [
        ["what", "value"],
        ["inputs", inputs + (more if len(origin.inputs) > _NAMED_INPUTS else "")],
        ["rows", rows + left_out],
        *([name, _setting(value)] for name, value in origin.settings.items()),
        ["begun", origin.begun.isoformat(sep=" ", timespec="seconds")],
        ["took", f"{origin.seconds:.1f} s, {origin.evaluations:,} evaluations"],
        ["version", f"closedform {origin.version}, {origin.instruction_set}"],
    ]


def _setting(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if value is None:
        return "none given"
    return "no limit" if value == math.inf else str(value)


def _verdict_lines(discovery: Discovery) -> list[str]:
    rivals = [f"as good by these data: {rival}" for rival in discovery.front.rivals]
    rows = ", ".join(map(str, discovery.outliers[:_NAMED]))
    more = " and more" if len(discovery.outliers) > _NAMED else ""
    far = [f"rows far off: {rows}{more}"] if rows else []
    checked = [f"{text}: {known}" for text, known in discovery.formula.checked.items()]
    return [str(discovery.verdict), f"noise: {discovery.noise}", *checked, *far, *rivals]


def _groups(formula: Formula) -> list[Section]:
    """The constants of groups, where they have their own."""
    if not isinstance(formula, GroupedFormula):
        return []
    return [Section(f"Constants by {formula.groups}", table=formula.rows())]


def _constant_rows(formula: Formula) -> list[list[str]]:
    """None of a formula that has no constants."""
    if not formula.constants:
        return []
    physical = any(constant.physical for constant in formula.constants)
    rows = [["value", "standard error", "95 % interval", "", "in full"]]
    rows[0] += ["may be"] * physical
    for constant in formula.constants:
        low, high = constant.interval
        known = constant.standard_error > 0
        rows.append(
            [
                str(constant),
                f"{constant.standard_error:.3g}" if known else "",
                f"{low:.6g} to {high:.6g}" if known else "",
                "simple, part of the form" if constant.fixed else "measured",
                repr(constant.value),
                *([constant.physical] if physical else []),
            ]
        )
    return rows


def _error_rows(found: Mapping[str, Errors | None], chosen: str) -> list[list[str]]:
    rows = [["", "rmse", "nrmse", "mean relative", "max abs", "log density"]]
    for way, label in _WAYS.items():
        errors = found.get(way)
        mark = " (chosen)" if way == chosen else ""
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
        *([f"template: {discovery.template}"] if discovery.template else []),
        f"chosen: {_WAYS[discovery.chosen]}",
        f"ended by: {discovery.stopped}",
    ]


def link_lines(found: Interpretation) -> list[str]:
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
