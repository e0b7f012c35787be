"""From gradients, exact or of trained networks, to the concepts of rules.py.

    python bench/neurons/run.py exact [--rules 1 2] [--draws 10] [--time 20] [--threads 2]
    python bench/neurons/run.py trained [--rules 1 2] [--time 60] [--threads 2]

`exact`: 1,000 rows and the concept's own unit gradients, with and without symmetries. A run counts
only where the formula returned is the concept in minimal form (`rules.same_concept`).

`trained`: networks of train.py through `cf.interpret`. Counted are the form with its constants
within 5 % (`rules.same_form`), and whether the formula with its fitted threshold decides fresh rows
as the true rule does: in at least 99 % and at least as often as the network. Rule 2's form need
not be the one chosen: a linear formula is nearly as good and much smaller. It must be on the front
and have a smaller loss on fresh rows than every smaller formula.

Ends with status 1 where anything that must hold does not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterable

import numpy as np
from rules import OPERATORS, RULES, Rule, same_concept, same_form

import closedform as cf
from closedform.gradient_selection import gradient_errors
from closedform.unit_gradients import unit_gradients

ROWS, SHARE = 1000, 0.9
SECONDS = {True: 0.4, False: 0.9}  # median that must be reached, with and without symmetries
UNMERGED = "123457"  # rules that must be found without symmetries, too
FRESH_ROWS, FRESH_SEED, AGREEMENT = 10_000, 2 * 10**6, 0.99
ON_THE_FRONT = "2"


def exact(rule: Rule, symmetries: bool, options: argparse.Namespace) -> bool:
    """Prints how often and how fast a rule is found from its own gradients."""
    right, seconds, notes = 0, [], []
    for seed in range(options.draws):
        X, _ = rule.draw(ROWS, seed)
        U = rule.unit_gradients(X)
        begun = time.perf_counter()
        front = cf.search(
            X,
            gradients=U,
            symmetries=symmetries,
            operators=OPERATORS,
            time=options.time,
            threads=options.threads,
            seed=seed,
        )
        seconds.append(time.perf_counter() - begun)
        wrong = same_concept(front.best, rule)
        right += not wrong
        notes += [f"  draw {seed}: {wrong}: {front.best}"] if wrong else []
        if rule.name == "2" and front.symmetries is not None and front.symmetries.merges:
            notes.append(f"  draw {seed}: merged, {front.symmetries}")
    median = statistics.median(seconds)
    met = right >= SHARE * options.draws and median <= SECONDS[symmetries]
    asked = symmetries or rule.name in UNMERGED
    print(
        f"rule {rule.name}, symmetries {'on ' if symmetries else 'off'}: "
        f"{right:2}/{options.draws} minimal, median {median:5.2f} s, "
        f"slowest {max(seconds):5.2f} s{'' if met else ', missed' if asked else ', not asked for'}",
        *notes,
        sep="\n",
        flush=True,
    )
    return met or not asked


def trained(rule: Rule, options: argparse.Namespace) -> bool:
    """Prints what is read from a trained network, and how it decides."""
    from train import trained as trained_network
    from train import training_rows

    network = cf.network(trained_network(rule, options.seed), classifier=True)
    X, _ = training_rows(rule, options.seed)
    begun = time.perf_counter()
    found = cf.interpret(
        network,
        X,
        operators=OPERATORS,
        time=options.time,
        threads=options.threads,
        seed=options.seed,
        weights="boundary" if options.boundary else None,
    )
    seconds = time.perf_counter() - begun

    fresh, labels = rule.draw(FRESH_ROWS, FRESH_SEED)
    by_network = float(np.mean((network.value(fresh) > 0) == labels))
    threshold = np.inf if found.threshold is None else found.threshold
    by_formula = float(np.mean((found.formula(fresh) > threshold) == labels))
    if rule.name in ON_THE_FRONT:
        form = on_the_front(rule, found.front, network)
    else:
        form = same_form(found.formula, rule)
    decides = by_formula >= max(AGREEMENT, by_network)
    print(
        f"rule {rule.name}: {seconds:.1f} s, {found.stopped}; decides {by_formula:.2%} of fresh "
        f"rows right, the network {by_network:.2%}{'' if decides else ', missed'}; "
        f"form {form or 'right'}",
        f"  T = {found.formula}  (loss {found.formula.loss:.2e}, threshold {found.threshold})",
        f"  f = {found.link.formula or 'isotonic'}; {found.fidelity}",
        *(f"  {line}" for line in str(found.symmetries).splitlines()),
        sep="\n",
        flush=True,
    )
    if options.fronts:
        print(found.front, flush=True)
    return decides and not form


def on_the_front(rule: Rule, front: Iterable[cf.Formula], network: cf.Network) -> str:
    """Why no formula of a front has the rule's form and beats all smaller ones; "" if one does."""
    X, _ = rule.draw(FRESH_ROWS, FRESH_SEED + 1)
    held_out = unit_gradients(network, X)
    least, reasons = np.inf, ["nothing on the front"]
    for formula in front:
        loss = float(np.mean(gradient_errors(formula, held_out.X, held_out.U)))
        wrong = same_form(formula, rule)
        if not wrong and loss < least:
            return ""
        if wrong and "gradients off" not in wrong:
            reasons.append(wrong)
        least = min(least, loss)
    return reasons[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["exact", "trained"])
    parser.add_argument("--rules", nargs="+", default=[rule.name for rule in RULES])
    parser.add_argument("--draws", type=int, default=10, help="exact: of rows and search")
    parser.add_argument("--seed", type=int, default=0, help="trained: of network and search")
    parser.add_argument("--time", type=float, help="seconds of each run: 20 exact, 60 trained")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--boundary", action="store_true", help="trained: rows weigh F(1 - F)")
    parser.add_argument("--fronts", action="store_true", help="trained: print whole fronts")
    options = parser.parse_args()
    rules = [rule for rule in RULES if rule.name in options.rules]
    if options.what == "exact":
        options.time = options.time or 20.0
        met = [exact(rule, merged, options) for merged in (True, False) for rule in rules]
    else:
        options.time = options.time or 60.0
        met = [trained(rule, options) for rule in rules]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
