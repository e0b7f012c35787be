"""Is the formula a law, an approximation, or nothing? From what its residuals still hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula
from closedform.formulas.noise import Robust
from closedform.formulas.singularities import Finite, box_of, finite_in_box
from closedform.pipelines.changes import goes_along
from closedform.pipelines.held_out import Errors
from closedform.pipelines.structure_left import MOST_ROWS, structure_left
from closedform.searches.description_length import CONSTANT_MARGIN, Choice
from closedform.searches.effective_rows import effective_share
from closedform.searches.evidence import Evidence
from closedform.searches.objectives import Values

Kind = Literal["law", "approximation", "no law"]

ROWS_IN_HASTE = 200
HASTE = 1.0  # seconds
CLEAN = 2.0  # nats: below, chance
INDEPENDENT = 0.8  # share of independent rows, below which residuals go together
MARGIN = 0.05  # of the ranges, by which the box looked at is wider
MOST_LET_GO = 0.1  # of the rows; where more are, what they follow is not known
BETTER = 0.8  # of the formula's held-out error: a surrogate below it knows more


@dataclass(frozen=True)
class Verdict:
    """What the formula is worth.

    Attributes:
        kind: "law": it describes the data at least 5 nats shorter than the constant, its residuals
            hold nothing more, and it has no pole between neighbouring rows. "approximation": better
            than the constant, but something is left. "no law": the constant is not beaten, or by
            something that goes along with the target by chance.
        exact: the target is reproduced to rounding.
        gain: nats by which it describes the data shorter than the constant.
        left: nats by which a smooth function explains the residuals better than noise does; up to 2
            is chance.
        independent: share of rows that are independent by their residuals.
        finite: whether it is finite in the box of the rows and a margin around it: "proven" by
            interval arithmetic, "not proven", or "no" where a pole between rows, or a point without
            a value, was met.
        surrogate_better: the surrogate's errors on held-out rows are clearly smaller.
        let_go: share of rows that a robust model hardly believes; a law has at most a tenth.
        goes_along: it changes from row to row as the target does (`changes.goes_along`); where it
            does not, it is no law.
    """

    kind: Kind
    exact: bool
    gain: float
    left: float
    independent: float
    finite: Finite
    surrogate_better: bool
    let_go: float = 0.0
    goes_along: bool = True

    def __str__(self) -> str:
        if self.exact:
            return f"{self.kind}: exact to rounding"
        told = [f"{self.gain:.3g} nats shorter than the constant"]
        if not self.goes_along:
            told.append("from row to row it changes as the target does not")
        if self.kind != "no law":
            told.append(f"{self.left:.2g} nats of structure left in the residuals")
            if self.independent < INDEPENDENT:
                told.append(f"residuals of neighbours go together ({self.independent:.0%} count)")
            if self.let_go > MOST_LET_GO:
                told.append(f"{self.let_go:.0%} of the rows are far off")
            if self.surrogate_better:
                told.append("the surrogate is closer on held-out rows")
            told.append(
                {
                    "proven": "finite between the rows",
                    "not proven": "not proven finite between the rows",
                    "no": "a pole, or no value, between the rows",
                }[self.finite]
            )
        return f"{self.kind}: {'; '.join(told)}"


def judge(
    choice: Choice,
    formula: Formula,
    X: FloatMatrix,
    objective: Values,
    errors: Mapping[str, Errors | None],
    ends: float = math.inf,
) -> Verdict:
    """The verdict on what was chosen.

    Args:
        formula: what was chosen, in the columns of X.
        X: (n, d) the rows searched. errors: held out, of "surrogate" and the ways.
        ends: by time.monotonic; near it fewer residuals are looked at.
    """
    chosen = choice.chosen
    exact = objective.reproduced(chosen.source)
    constant = not chosen.formula.inputs
    gain = 0.0 if constant else choice.gain
    sample = choice.sample
    independent, left = 1.0, 0.0
    if not exact and not constant and sample.neighbours is not None:
        z = chosen.residuals
        independent = effective_share(z, sample.neighbours)
        rows = MOST_ROWS if ends - monotonic() > HASTE else ROWS_IN_HASTE
        left = structure_left(sample.X[:, : X.shape[1]], z, rows)
    finite: Finite = "no"
    if not choice.pole:
        finite = finite_in_box(formula._expression, *box_of(X, MARGIN))
        if finite != "proven":
            finite = finite_in_box(formula._expression, *box_of(X))
    better = _surrogate_better(errors)
    let_go, along = 0.0, True
    if not exact and not constant:
        f = chosen.formula._expression.evaluate(sample.X, 1)
        along = goes_along(sample.y, f)
        if isinstance(chosen.noise, Robust):
            let_go = float(np.mean(chosen.noise.lets_go(sample.y, f, chosen.parameters)))
    kind: Kind
    if exact:
        kind = "law"
    elif constant or gain < CONSTANT_MARGIN or not along:
        kind = "no law"
    elif (
        left < CLEAN
        and independent >= INDEPENDENT
        and not choice.pole
        and not better
        and let_go <= MOST_LET_GO
    ):
        kind = "law"
    else:
        kind = "approximation"
    return Verdict(kind, exact, gain, left, independent, finite, better, let_go, along)


def judge_form(
    evidence: Evidence,
    formula: Formula,
    X: FloatMatrix,
    own: FloatMatrix,
    ends: float = math.inf,
) -> Verdict:
    """The verdict on a formula whose form was given: a template's, or one of groups.

    Args:
        X: (n, d) the rows searched. own: the same with the parameters of the rows' groups, as the
            formula takes them.
        ends: by time.monotonic; near it fewer residuals are looked at.
    """
    gain = evidence.gain if formula.inputs else 0.0
    rows = np.asarray(X, dtype=np.float64)
    left = 0.0
    if not evidence.exact:
        most = MOST_ROWS if ends - monotonic() > HASTE else ROWS_IN_HASTE
        left = structure_left(rows, evidence.residuals, most)
    finite = finite_in_box(formula._expression, *box_of(own, MARGIN))
    if finite != "proven":
        finite = finite_in_box(formula._expression, *box_of(own))
    kind: Kind = "law" if evidence.exact or left < CLEAN else "approximation"
    if not evidence.exact and gain < CONSTANT_MARGIN:
        kind = "no law"
    return Verdict(kind, evidence.exact, gain, left, 1.0, finite, False)


def _surrogate_better(errors: Mapping[str, Errors | None]) -> bool:
    surrogate = errors.get("surrogate")
    formulas = [e.rmse for way, e in errors.items() if way != "surrogate" and e is not None]
    return surrogate is not None and bool(formulas) and surrogate.rmse < BETTER * min(formulas)
