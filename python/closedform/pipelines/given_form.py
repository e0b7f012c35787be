"""`discover` where the user gave the form: a template, or groups with constants of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._choices import NoiseKind
from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula
from closedform.formulas.grouped import GroupedFormula
from closedform.pipelines.held_out import Errors, HeldOut, Rows
from closedform.pipelines.provenance import Provenance, sample_of
from closedform.pipelines.results import Discovery
from closedform.pipelines.verdict import judge_form
from closedform.searches.budget import Budget, last_stage
from closedform.searches.evidence import Evidence
from closedform.searches.grouped import search_groups
from closedform.searches.noise_plan import NoisePlan
from closedform.searches.settings import Settings
from closedform.searches.templates import search_template
from closedform.tables.chunks import Data
from closedform.tables.groups import Groups


@dataclass(frozen=True)
class GivenForm:
    """What the user said of the form: groups of the rows, a template of the whole, or both."""

    groups: Groups | None
    template: _core.Template | None


def discover_form(
    data: Data,
    form: GivenForm,
    noise: NoiseKind,
    settings: Settings,
    held_out: npt.NDArray[np.intp],
    origin: Provenance,
) -> Discovery:
    """The rows that are not held out searched, the errors taken at the others.

    Args:
        origin: of this run.
    """
    last = last_stage(settings.time)
    budget = Budget(settings.time, settings.evaluations, None, kept=last)
    settings = replace(settings, time=budget.left())
    groups, template = form.groups, form.template
    if groups is not None:
        held_out = _of_known_groups(groups, held_out)
    kept = np.setdiff1d(np.arange(len(data.target)), held_out)
    searched, tested = _at(data, kept), _at(data, held_out)
    table = searched.inputs
    if groups is not None:
        own = groups.at(kept)
        front, evidence = search_groups(table, searched, own, noise, settings, template)
    elif template is not None:
        front, evidence = search_template(table, searched, template, noise, settings)
    front = front.of_data(data.inputs.labels, data.inputs.values)
    if settings.rules is not None:
        front = settings.rules.told(settings.rules.kept(front))
    best = front.best
    X, test_X = (
        _columns(best, part.inputs.values, groups, rows)
        for part, rows in ((searched, kept), (tested, held_out))
    )
    errors: dict[str, Errors | None] = {"surrogate": None, "through_surrogate": None}
    budget.spend(front.evaluations, front.stopped)
    return Discovery(
        formula=best,
        front=front,
        verdict=judge_form(evidence, best, searched.inputs.values, X, budget.ends()),
        noise=NoisePlan(
            (evidence.noise,), (None,), "as suits the form", fitted=evidence.parameters
        ),
        surrogate=None,
        separability=None,
        similarity=None,
        strategy="template" if groups is None else "groups",
        errors=errors | {"direct": _errors(evidence, best, tested, test_X)},
        chosen="direct",
        stopped=front.stopped,
        provenance=replace(origin, rows=len(kept), held_out=len(held_out)).ended(budget),
        sample=sample_of(
            Rows(X, searched.target, None, None),
            Rows(test_X, tested.target, None, None),
            settings.seed,
        ),
    )


def _errors(evidence: Evidence, best: Formula, tested: Data, X: FloatMatrix) -> Errors | None:
    if len(tested.target) == 0:
        return None
    rows = Rows(X, tested.target, tested.weights, tested.sigma)
    measure = HeldOut(evidence.noise, evidence.parameters, rows, leave_out=False)
    return measure.of_values(best._expression.evaluate(X, 1))


def _at(data: Data, rows: npt.NDArray[np.intp]) -> Data:
    columns = (data.target, data.weights, data.sigma)
    y, weights, sigma = (None if column is None else column[rows] for column in columns)
    values = data.inputs.values.take(rows, axis=0)
    return Data(replace(data.inputs, values=values), y, weights, sigma)


def _columns(
    formula: Formula,
    X: FloatMatrix,
    groups: Groups | None,
    rows: npt.NDArray[np.intp],
) -> FloatMatrix:
    """Rows as the formula takes them: with the parameters of their groups."""
    X = np.ascontiguousarray(X, dtype=np.float64)
    if not isinstance(formula, GroupedFormula) or groups is None:
        return X
    return formula.with_parameters(X, groups.at(rows), "error")


def _of_known_groups(groups: Groups, held_out: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Those of which at least half of their group stays: the others' constants need them."""
    sizes = np.bincount(groups.index)
    out = np.bincount(groups.index[held_out], minlength=len(sizes))
    few = (2 * out > sizes)[groups.index[held_out]]
    return held_out[~few]
