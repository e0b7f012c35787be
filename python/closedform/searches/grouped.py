"""Search for one form of several groups of rows, whose constants are each group's own.

The islands fit all constants group by group (cpp/src/objective/group_objective.hpp). Of what they
find, constants are then shared among the groups wherever that describes the data shorter: half the
log of the number of rows a number (Schwarz 1978).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from closedform import _core
from closedform._choices import NoiseKind
from closedform._typing import Floats
from closedform.formulas.constants import Constant, Constants
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front, pareto
from closedform.formulas.group_fit import GroupRows
from closedform.formulas.grouped import GroupedFormula
from closedform.formulas.noise import EXACT, FLOOR, Absolute, Given, Noise, Relative, Robust, named
from closedform.searches.budget import Budget
from closedform.searches.description_length import TELLING
from closedform.searches.evidence import Evidence, constant_cost
from closedform.searches.group_judge import Asker, Found, Judge
from closedform.searches.group_shape import Shape, Shapes
from closedform.searches.logarithm import search_logarithm
from closedform.searches.objectives import Values
from closedform.searches.settings import Settings
from closedform.searches.template_parts import nothing_found
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.groups import Groups
from closedform.tables.rows import variance

MOST_GROUPS = 32  # that the islands see
MOST_ROWS = 1024  # of these together
SHARE = 0.85  # of the time, for the islands


def search_groups(
    table: Matrix,
    data: Data,
    groups: Groups,
    noise: NoiseKind,
    settings: Settings,
    form: _core.Template | None = None,
) -> tuple[Front, Evidence]:
    """`search` for values with groups, in a form of the user's if there is one, on arguments that
    have been checked.

    Returns:
        A front of `GroupedFormula`; of `Formula` where no constant is a group's own.
    """
    budget = Budget(settings.time, settings.evaluations, None)
    order = np.argsort(groups.index, kind="stable")
    used, index = np.unique(groups.index[order], return_inverse=True)
    labels = [groups.labels[i] for i in used]
    X = np.ascontiguousarray(table.values[order], dtype=np.float64)
    y = data.target[order]
    counts = np.ones(len(y)) if data.weights is None else data.weights[order]
    sigma = None if data.sigma is None else data.sigma[order]
    noises, precisions = _models(noise, y, sigma)
    weights = counts
    few = _seen(index, settings.seed)
    seen = replace(table, values=np.ascontiguousarray(X[few]))
    shapes = Shapes(table.names, form)
    shapes.add_start(table, settings)
    for precision in precisions:
        weights = counts if precision is None else counts * precision
        some = Values(y[few], weights[few], counts[few], groups=index[few].astype(np.int64))
        # What scatters in proportion is found sooner by its logarithm, where factors are terms.
        halves = 1 if precision is None or not y.min() > 0 or form is not None else 2
        share = replace(
            settings,
            time=budget.seconds(SHARE / len(precisions) / halves),
            evaluations=budget.quota(1.0 / len(precisions) / halves),
        )
        if halves == 2:
            by_logarithm, looked = search_logarithm(seen, some, share)
            shapes.texts += by_logarithm
            if looked is not None:
                budget.spend(looked.evaluations, looked.reason)
        found = shapes.search(seen, some, share)
        budget.spend(found.evaluations, found.reason)
        if found.reason in ("interrupted", "exact"):
            break
    exact = EXACT * variance(y, weights)
    models = [GroupRows(X, y, counts, weights, index.astype(np.int64), model) for model in noises]
    judge = Judge(table.names, models, settings, exact, budget.ends())
    client = None if settings.cluster is None else settings.cluster.client
    allowed = [shape for shape in shapes.found() if settings.allows(shape.formula)]
    settled, shown = _settled(judge, Asker(judge, client), allowed)
    if form is not None and settled[0].shape.whole is None:
        raise nothing_found(settings.rules is not None)
    size = float(counts.sum())
    written = [_written(one, size, labels, groups.name) for one in settled]
    if isinstance(written[0], GroupedFormula):
        written[0].rmse = dict(zip(labels, shown.tolist(), strict=True))
    order_of = sorted(range(len(written)), key=lambda i: (written[i].complexity, written[i].loss))
    best = settled[0]
    near = [i for i, one in enumerate(settled) if i and one.length <= best.length + TELLING]
    front = Front(
        [written[i] for i in order_of],
        best=order_of.index(0),
        rivals=[order_of.index(i) for i in near],
        stopped=found.reason,
        evaluations=budget.spent,
        seconds=budget.elapsed(),
    )
    with np.errstate(all="ignore"):
        residuals = np.empty(len(y))
        noise_ = models[best.model].noise
        residuals[order] = noise_.residuals(y, best.fit.values, best.fit.parameters)
    null = min(constant_cost(model, y, counts) for model in noises) + math.log(len(y))
    evidence = Evidence(
        noise_, best.fit.parameters, null - best.length, residuals, best.formula.loss <= exact
    )
    return front, evidence


def _settled(judge: Judge, asker: Asker, shapes: Sequence[Shape]) -> tuple[list[Found], Floats]:
    """The members of a front, the shortest description first, and the errors of that one's groups
    at rows left out."""
    forms = [(shape,) for shape in shapes]
    judged = [one for one in asker.each(Judge.best, forms, least=1) if one is not None]
    if not judged:
        judged = [judge.constant()]
    told = {id(one.formula): one for one in judged}
    members = [told[id(member)] for member in pareto(one.formula for one in judged)]
    # What is not on the front by its loss may describe the rows shorter: it has fewer constants.
    shortest = min(judged, key=lambda one: one.length)
    if shortest not in members:
        members.append(shortest)
    members.sort(key=lambda one: one.length)
    shared = asker.each(Judge.shared, [(one,) for one in members])
    settled = [new or one for new, one in zip(shared, members, strict=True)]
    settled.sort(key=lambda one: one.length)
    different: dict[str, Found] = {}
    for one in settled:  # the same form may have been fitted from several starts
        different.setdefault(_skeleton(one), one)
    settled = list(different.values())
    return settled, judge.left_out(settled[0])


def _skeleton(one: Found) -> str:
    """The form with its constants marked as shared or not."""
    marks = ["s" if shared else "g" for shared in one.fit.shared.tolist()]
    return one.form.text([*one.formula.names, *marks])


def _models(
    kind: NoiseKind, y: Floats, sigma: Floats | None
) -> tuple[list[Noise], list[Floats | None]]:
    """Models that formulas may be judged by, and how precise rows are where they are searched: what
    all rows together follow would say nothing of their scatter around groups."""
    sizes = np.maximum(np.abs(y), FLOOR * float(np.median(np.abs(y))) or 1.0)
    if sigma is not None:
        return [Given(sigma=sigma)], [sigma**-2.0]
    if kind == "auto":
        alike = bool(y.min() > 0 or y.max() < 0)
        models: list[Noise] = [Absolute(), *([Relative()] if alike else []), Robust()]
        return models, [None, sizes**-2.0] if alike else [None]
    by_size = {"relative": sizes**-2.0, "log": sizes**-2.0, "counts": 1.0 / np.maximum(y, 1.0)}
    return [named(kind, y)], [by_size.get(kind)]


def _seen(index: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    """Rows for the islands: of the largest groups, of each as many of its rows, in order."""
    sizes = np.bincount(index)
    largest = np.sort(np.argsort(-sizes, kind="stable")[:MOST_GROUPS])
    rng = np.random.default_rng(seed)
    most = MOST_ROWS // len(largest)
    chosen = []
    for group in largest:
        rows = np.flatnonzero(index == group)
        if len(rows) > most:
            rows = np.sort(rng.choice(rows, most, replace=False))
        chosen.append(rows)
    return np.concatenate(chosen)


def _written(one: Found, size: float, labels: Sequence[str], name: str) -> Formula:
    """Shared constants as numbers, the others as parameters. size: how many rows count."""
    fit, formula = one.fit, one.formula
    own = np.flatnonzero(~fit.shared)
    freedom = max(1.0, size - fit.free)
    taken = set(formula.names)
    fresh = (f"p{k}" for k in range(1, len(formula.names) + len(own) + 2) if f"p{k}" not in taken)
    called = {int(k): next(fresh) for k in own}
    texts = [called.get(k, f"({value!r})") for k, value in enumerate(fit.constants[0].tolist())]
    text = one.form.text([*formula.names, *texts])
    constants = Constants(
        [float(fit.constants[0, k]) for k in np.flatnonzero(fit.shared)],
        np.diag(fit.errors[0, fit.shared] ** 2),
        freedom=freedom,
    )
    if not called:
        plain = Formula(text, formula.names, formula.loss)
        plain.parts = one.shape.parts(texts, {}, name)
        if len(plain.constants) == len(constants):
            plain.constants = constants
        return plain
    parameters = {
        called[int(k)]: {
            label: Constant(float(value), float(error), freedom=freedom, name=called[int(k)])
            for label, value, error in zip(
                labels, fit.constants[:, k], fit.errors[:, k], strict=True
            )
        }
        for k in own
    }
    found = GroupedFormula(text, formula.names, parameters, name, formula.loss)
    found.parts = one.shape.parts(texts, parameters, name)
    if len(found.constants) == len(constants):
        found.constants = constants
    return found
