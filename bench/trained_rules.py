"""Rules read from networks that were trained on them, through `cf.interpret`.

Counted are the form with its constants within 5 % (`rules.same_form`), and whether the formula with
its fitted threshold decides fresh rows as the true rule does: in at least 99 % and at least as
often as the network. Rule 2's form need not be the one chosen: a linear formula is nearly as good
and much smaller. It must be on the front and have a smaller loss on fresh rows than every smaller
formula. Networks are trained once and kept (`neurons.train`).
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterable, Sequence

import numpy as np

import closedform as cf
from bench.neurons.rules import OPERATORS, RULES, Rule, same_form
from bench.peers import missing
from bench.record import Record
from closedform.neurons.unit_gradients import unit_gradients
from closedform.searches.objectives import Directions
from closedform.searches.steepest_drop import gradient_errors

FRESH_ROWS, FRESH_SEED, AGREEMENT = 10_000, 2 * 10**6, 0.99
ON_THE_FRONT = "2"


def run(*, rule: str, weights: str, time: float, threads: int, seed: int) -> list[Record]:
    """Seconds of `interpret`; infinite where the form or the decisions are not the rule's."""
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
    by_network = float(np.mean((network.value(fresh) > 0) == labels))
    threshold = np.inf if found.threshold is None else found.threshold
    by_formula = float(np.mean((found.formula(fresh) > threshold) == labels))
    if rule in ON_THE_FRONT:
        wrong = on_the_front(truth, found.front, network)
    else:
        wrong = same_form(found.formula, truth)
    right = by_formula >= max(AGREEMENT, by_network) and not wrong
    return [
        Record(
            "rules.trained",
            parameters,
            f"form {wrong or 'right'}; decides {by_formula:.2%}, the network {by_network:.2%}",
            seconds if right else math.inf,
            note=f"{found.formula}; {found.fidelity}",
        )
    ]


def summarise(records: Sequence[Record]) -> list[Record]:
    """How many rules are read and decided as they should be, of those run."""
    ran = [record for record in records if not math.isnan(record.ours)]
    if not ran:
        return [records[0]]
    found = [record for record in ran if math.isfinite(record.ours)]
    missed = " ".join(str(record.parameters["rule"]) for record in ran if record not in found)
    return [
        Record(
            "rules.trained",
            {key: value for key, value in ran[0].parameters.items() if key != "rule"},
            "form and decisions",
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
