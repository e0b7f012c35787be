"""Is a formula the concept of a neuron, near it, or nothing? From how far it can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from closedform._typing import FloatMatrix
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.searches.objectives import Directions
from closedform.searches.steepest_drop import PARALLEL, gradient_errors

Kind = Literal["concept found", "approximation", "no closed form found"]

# Of the cosine, and of the rank correlation: below the first a formula says little of a neuron,
# from the second on it may be its concept. Right forms of trained networks had 0.986 and more, most
# wrong ones, and those of networks trained too little, 0.983 and less. Within a narrow band ranks
# are of little range.
LIKE, CLOSE = 0.9, 0.985
RANKS_LIKE, RANKS_CLOSE = 0.8, 0.9
AGREES = 0.97  # share of the rows that a concept decides as the network does
# Of the other class's share of the rows, what an approximation of a classifier must not get wrong.
HALF = 0.5
# What a larger formula takes away from the loss is the network's own error up to this factor: of
# right forms it took up to 14 times.
FACTOR = 15.0
OF_NOISE = 2.0  # times what several networks differ by, a concept's loss at most


@dataclass(frozen=True)
class Fidelity:
    """How well a formula stands for a neuron, on rows that nothing was fitted to or chosen by.

    Attributes:
        cosine: mean cosine of the formula's and the neuron's gradients, within the band. The
            formula has been oriented to rise with the neuron, so no sign is free any more. As in
            the loss, 2 - 2 cos, a row where only one of them has a gradient counts 1/2.
        rank_correlation: Spearman's, of the formula's values with the neuron's, within the band.
        agreement: share of all rows, saturated ones included, at which the formula is above its
            threshold where the network's probability is above 1/2; None without a threshold.
        rows: how many rows within the band were measured.
    """

    cosine: float
    rank_correlation: float
    agreement: float | None
    rows: int


@dataclass(frozen=True)
class NeuronVerdict:
    """What the formula of a neuron is worth.

    Attributes:
        kind: "concept found": gradients, ranks and decisions are the neuron's, as nearly as any
            formula found, or as another network, would have them. "approximation": alike, but
            something is missing. "no closed form found": else.
        loss: mean |u - v|^2 of unit gradients on the rows set aside.
        reached: the smallest loss of any formula of the front there.
        noise: what the gradients of a network scatter by, half the mean |u - v|^2 of two; None for
            a single network.
        rivals: formulas of the front that these rows cannot tell from the one chosen: their losses
            differ by less than two standard errors of the difference.
    """

    kind: Kind
    loss: float
    reached: float
    noise: float | None
    rivals: tuple[Formula, ...]

    def __str__(self) -> str:
        told = [f"{self.kind}: gradients are off by {self.loss:.2g}"]
        told.append(f"the best of the front by {self.reached:.2g}")
        if self.noise is not None:
            told.append(f"networks scatter by {self.noise:.2g}")
        return "; ".join(told)


def judge(
    front: Front,
    X: FloatMatrix,
    directions: Directions,
    fidelity: Fidelity,
    *,
    rarer: float,
    noise: float | None,
) -> NeuronVerdict:
    """The verdict on the best formula of a front.

    Args:
        X: (n, d) rows set aside.
        directions: the neuron's there.
        fidelity: measured on them.
        rarer: share of the class that fewer rows have.
        noise: of `NeuronVerdict`.
    """
    chosen = front.best
    errors = [gradient_errors(formula, X, directions) for formula in front]
    own = errors[list(front).index(chosen)]
    loss = float(np.mean(own))
    reached = min(float(np.mean(e)) for e in errors)
    cosine = 1.0 - loss / 2
    rank = fidelity.rank_correlation
    decides = 1.0 if fidelity.agreement is None else fidelity.agreement
    floor = max(PARALLEL, FACTOR * reached)
    if noise is not None:
        floor = max(PARALLEL, OF_NOISE * noise)
    least = CLOSE if noise is None else LIKE
    close = cosine >= least and rank >= RANKS_CLOSE and decides >= AGREES
    kind: Kind = "no closed form found"
    if close and loss <= floor and chosen.inputs:
        kind = "concept found"
    elif cosine >= LIKE and rank >= RANKS_LIKE and 1 - decides <= HALF * rarer:
        kind = "approximation"
    rivals = tuple(
        formula
        for formula, e in zip(front, errors, strict=True)
        if formula is not chosen and _within_noise(own, e)
    )
    return NeuronVerdict(kind, loss, reached, noise, rivals)


def as_near(loss: float, reached: float) -> bool:
    """Whether a formula of this loss may be a neuron's concept, where another one reached a loss:
    the difference may be the network's own error."""
    return 1.0 - loss / 2 >= CLOSE and loss <= max(PARALLEL, FACTOR * reached)


def _within_noise(errors: np.ndarray, others: np.ndarray) -> bool:
    difference = others - errors
    if not np.isfinite(difference).all():
        return False
    standard_error = float(np.std(difference)) / math.sqrt(len(difference))
    return abs(float(np.mean(difference))) <= 2.0 * standard_error + PARALLEL
