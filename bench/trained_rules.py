"""Rules read from networks that were trained on them, through `cf.interpret`.

Counted are the form with its constants within 5 % (`rules.same_form`), and whether the formula with
its fitted threshold decides fresh rows as the true rule does: in at least 99 %, and as often as the
network, by no more than two standard errors of the rows it loses less those it gains (McNemar
1947). Rule 2's form need not be the one chosen: a linear formula is nearly as good and much
smaller. It must be on the front and have a smaller loss on fresh rows than every smaller formula;
the paper counts the linear one, and so many rules are said besides. Networks are trained once and
kept (`neurons.train`).
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterable, Sequence

import numpy as np

import closedform as cf
from bench.neurons.rules import OPERATORS, RULES, Labels, Rule, same_form
from bench.peers import missing
from bench.record import Record
from closedform.neurons.unit_gradients import unit_gradients
from closedform.searches.objectives import Directions
from closedform.searches.steepest_drop import gradient_errors

FRESH_ROWS, FRESH_SEED, AGREEMENT = 10_000, 2 * 10**6, 0.99
ON_THE_FRONT = "2"
PAPERS = "as the paper's, "  # of an answer


def run(*, rule: str, weights: str, time: float, threads: int, seed: int) -> list[Record]:
    """Seconds of `interpret`; infinite where the form, the paper's for one, or the decisions are
    not the rule's."""
    parameters = {"rule": rule, "weights": weights, "time": time}
    if reason := missing("torch"):
        return [Record("rules.trained", parameters, "not run", math.nan, peer=reason)]
    from bench.neurons.train import trained, training_rows

    truth = next(r for r in RULES if r.name == rule)
    network = cf.network(trained(truth, seed), classifier=True)
    X, _ = training_rows(truth, seed)
    begun = clock.perf_counter()
    found = cf.interpret(
        network,
        X,
        operators=OPERATORS,
        time=time,
        threads=threads,
        seed=seed,
        weights="boundary" if weights == "boundary" else None,
    )
    seconds = clock.perf_counter() - begun

    fresh, labels = truth.draw(FRESH_ROWS, FRESH_SEED)
    by_network = (network.value(fresh) > 0) == labels
    threshold = np.inf if found.threshold is None else found.threshold
    by_formula = (found.formula(fresh) > threshold) == labels
    if rule in ON_THE_FRONT:
        wrong = on_the_front(truth, found.front, network)
    else:
        wrong = same_form(found.formula, truth)
    in_paper = bool(wrong and truth.paper and not same_form(found.formula, truth, truth.paper))
    right = _decides(by_formula, by_network) and (in_paper or not wrong)
    told = "right" if not wrong else f"{PAPERS if in_paper else ''}{wrong}"
    said = f"decides {by_formula.mean():.2%}, the network {by_network.mean():.2%}"
    return [
        Record(
            "rules.trained",
            parameters,
            f"form {told}; {said}",
            seconds if right else math.inf,
            note=f"{found.formula}; {found.fidelity}",
        )
    ]


def _decides(by_formula: Labels, by_network: Labels) -> bool:
    """Whether the rows that the formula gets right are enough."""
    lost, gained = np.sum(by_network & ~by_formula), np.sum(by_formula & ~by_network)
    return bool(by_formula.mean() >= AGREEMENT and lost - gained <= 2 * math.sqrt(lost + gained))


def summarise(records: Sequence[Record]) -> list[Record]:
    """How many rules are read and decided as they should be, of those run."""
    ran = [record for record in records if not math.isnan(record.ours)]
    if not ran:
        return [records[0]]
    as_paper = [record for record in ran if math.isfinite(record.ours)]
    found = [record for record in as_paper if PAPERS not in record.answer]
    missed = " ".join(str(record.parameters["rule"]) for record in ran if record not in found)
    return [
        Record(
            "rules.trained",
            {key: value for key, value in ran[0].parameters.items() if key != "rule"},
            f"form and decisions; {len(as_paper)} as the paper counts",
            len(found),
            unit=f"of {len(ran)} rules",
            note=f"missed: {missed}" if missed else "",
        )
    ]


def on_the_front(rule: Rule, front: Iterable[cf.Formula], network: cf.Network) -> str:
    """Why no formula of a front has the rule's form and beats all smaller ones; "" if one does."""
    X, _ = rule.draw(FRESH_ROWS, FRESH_SEED + 1)
    held_out = unit_gradients(network, X)
    directions = Directions(held_out.U, held_out.scales, None, signed=False)
    least, reasons = np.inf, ["nothing on the front"]
    for formula in front:
        loss = float(np.mean(gradient_errors(formula, held_out.X, directions)))
        wrong = same_form(formula, rule)
        if not wrong and loss < least:
            return ""
        if wrong and "gradients off" not in wrong:
            reasons.append(wrong)
        least = min(least, loss)
    return reasons[-1]
