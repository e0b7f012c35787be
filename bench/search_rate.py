"""Node evaluations a second of a whole search, against the evaluator alone; what the rest is.

A node evaluation is the value of one node of an expression at one row. Derivatives, which take as
long again, are not counted: they are part of the share of time that goes to evaluation.
"""

from __future__ import annotations

import re

import numpy as np

import closedform as cf
from bench import engines
from bench.machine import floors
from bench.neurons import rules
from bench.profile import shares_of
from bench.record import Record
from bench.regression import VLADISLAVLEVA
from bench.timing import medians
from closedform import _core

ROWS = 100_000  # for the evaluator alone
GRADIENT_ROWS = 1000

# What the functions of a profile do; the first pattern that fits counts.
PARTS = {
    "evaluation": r"forward|reverse|unary|binary|node_values|with_operator|dot|normal_equations|"
    r"square_error|explained|KeptBlocks|add_up|"
    r"residual|direction|project|cosine|sums$|sin|cos|exp|log|pow|memset|gather|Objective",
    "constants": r"Eigen|damped_step|fit_constants|pencil|solve",
    "memory": r"malloc|free|unlink_chunk|operator new|page_fault|clear_page|realloc",
    "algebra": r"Form|Builder|Emitter|canonical|compare|structure|skeleton|simplif|emit|reductions|"
    r"power|apply|fold|sort|order|merge",
    "variation": r"Variation|Island|subtree|operands|fix_sizes|mark_ancestors|Hash|Map_base|"
    r"constant_positions|vector|uninit|memmove|memcpy",
}


def run(*, problem: str, time: float, threads: int, seed: int) -> list[Record]:
    """Searches for some seconds; an exact formula ends it sooner."""
    X, goal, names, operators, text = _task(problem, seed)

    def search() -> _core.SearchReport:
        return _core.search(
            X, goal, names, operators, engines.MAX_SIZE, time, 0, threads, seed, [], None, 0.0
        )

    found = search()
    for formula, loss in found["front"]:
        again = goal.loss(formula, names, X)
        assert abs(again - loss) <= 1e-9 * loss + 1e-25, (formula, loss, again)
    rate = found["node_evaluations"] / found["evolving"]

    truth = cf.Formula(text, names)
    tall = np.ascontiguousarray(np.resize(X, (ROWS, X.shape[1])))
    alone = medians({"alone": lambda: truth._expression.evaluate(tall, threads)})["alone"]
    shares = shares_of(search, 0.0)
    return [
        Record(
            "search.rate",
            {"problem": problem, "time": time},
            "losses recomputed",
            rate / 1e9,
            unit="G nodes a second",
            peer="the truth's values alone",
            theirs=truth.complexity * ROWS / alone / 1e9,
            floor=rate / floors(threads).passes,
            note=shares if isinstance(shares, str) else parts(shares),
        )
    ]


def _task(
    problem: str, seed: int
) -> tuple[np.ndarray, _core.Goal, tuple[str, ...], tuple[str, ...], str]:
    """X, goal, names, operators and the truth of "V1" to "V8" or "rule 1" to "rule 7"."""
    if problem in VLADISLAVLEVA:
        law = VLADISLAVLEVA[problem]
        X, y = law.training(seed)
        return X, _core.Goal.values(y, None), law.names, engines.OPERATORS, law.text
    rule = next(r for r in rules.RULES if problem == f"rule {r.name}")
    X, _ = rule.draw(GRADIENT_ROWS, seed)
    goal = _core.Goal.gradients(rule.unit_gradients(X), None, None, False)
    return X, goal, rule.names, rules.OPERATORS, rule.concept


def parts(shares: list[tuple[float, str]]) -> str:
    """Shares of a profile by what the functions do."""
    totals = dict.fromkeys([*PARTS, "other"], 0.0)
    for share, name in shares:
        part = next((p for p, pattern in PARTS.items() if re.search(pattern, name)), "other")
        totals[part] += share
    return ", ".join(f"{part} {total:.0f} %" for part, total in totals.items())
