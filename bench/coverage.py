"""How often 95 % intervals of constants have the truth within, over many draws of the same law.

A part of `python -m bench verdicts`. The law's form is known; its constants are fitted under the
noise model that the draws have, from values near the truth, as a search leaves them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

import closedform as cf
from bench.problem import Floats
from bench.record import Record, Target
from closedform.formulas.noise import (
    Absolute,
    Counts,
    Given,
    Logarithmic,
    Mixed,
    Noise,
    Relative,
    Robust,
)
from closedform.searches.judged import judged, sample_of
from closedform.searches.objectives import Values

# Texts with the constants that are asked for: numbers that nobody would take for simple ones.
FORMS = {
    "polynomial": "25.3*x1**2 + 17.1",
    "decay": "71.3*exp(-0.613*x1) + 13.7",
    "saturation": "93.1*x1/(1.83 + x1)",
    "power": "21.7*x1**1.37",
    "wave": "14.7*sin(1.23*x1) + 39.1",
}
LOW, HIGH = 1.0, 5.0
ROWS = (20, 60, 300)
AWAY = 1.03  # times the truth: where a fit begins
BOUNDS = (90.0, 98.0)  # percent, of 1,000 draws
WIDER = 2.0  # standard errors of a share, by which those of fewer draws may be outside

Draw = Callable[[Floats, np.random.Generator], tuple[Floats, Noise]]


def _absolute(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return f + 0.05 * np.std(f) * rng.normal(size=len(f)), Absolute()


def _relative(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return f * (1.0 + 0.05 * rng.normal(size=len(f))), Relative()


def _log(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return f * np.exp(0.05 * rng.normal(size=len(f))), Logarithmic()


def _mixed(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return f + np.hypot(0.05 * np.std(f), 0.03 * f) * rng.normal(size=len(f)), Mixed()


def _tails(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return f + 0.05 * np.std(f) * rng.standard_t(2, len(f)), Robust()


def _counts(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    return rng.poisson(f).astype(np.float64), Counts()


def _given(f: Floats, rng: np.random.Generator) -> tuple[Floats, Noise]:
    sigma = rng.uniform(0.02, 0.2, len(f)) * np.std(f)
    return f + sigma * rng.normal(size=len(f)), Given(sigma=sigma)


NOISES: dict[str, Draw] = {
    "absolute": _absolute,
    "relative": _relative,
    "log": _log,
    "mixed": _mixed,
    "robust": _tails,
    "counts": _counts,
    "given": _given,
}


def covered(text: str, noise: str, rows: int, draws: int, seed: int) -> Floats:
    """How many draws have the truth of each constant within its interval, (k,)."""
    law = cf.Formula(text, ["x1"])
    truth = np.array([constant.value for constant in law.constants])
    away = law._expression.with_constants((AWAY * truth).tolist()).text(["x1"])
    begin = cf.Formula(away, ["x1"])
    within = np.zeros(len(truth))
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        X = rng.uniform(LOW, HIGH, (rows, 1))
        y, model = NOISES[noise](law(X), rng)
        sample = sample_of(X, Values.of(y, None, (model,)), 0)
        found = judged(begin.refit(X, y), model, sample, 12, math.inf, held=[False] * len(truth))
        for k, constant in enumerate(found.constants()):
            low, high = constant.interval
            within[k] += low <= truth[k] <= high
    return within


def run(*, noise: str, draws: int, threads: int, seed: int) -> list[Record]:
    """The share of every form's constants, worst and best; fits take one thread."""
    del threads
    records = []
    for rows in ROWS:
        shares = {
            f"{form}, {constant.value:g}": 100.0 * within / draws
            for form, text in FORMS.items()
            for constant, within in zip(
                cf.Formula(text, ["x1"]).constants,
                covered(text, noise, rows, draws, seed),
                strict=True,
            )
        }
        low, high = (
            bound + sign * WIDER * 100.0 * math.sqrt(bound / 100 * (1 - bound / 100) / draws)
            for bound, sign in zip(BOUNDS, (-1, 1), strict=True)
        )
        outside = {what: share for what, share in shares.items() if not low <= share <= high}
        records.append(
            Record(
                "verdicts.coverage",
                {"noise": noise, "rows": rows, "draws": draws},
                "; ".join(f"{share:.1f} % of {what}" for what, share in outside.items())
                or f"all from {min(shares.values()):.1f} to {max(shares.values()):.1f} %",
                100.0 * (1.0 - len(outside) / len(shares)),
                unit="% of constants covered as often as they should be",
                targets=(Target("ours", 100.0),),
                note=f"{min(shares.values()):.1f} to {max(shares.values()):.1f} %",
            )
        )
    return records
