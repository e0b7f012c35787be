"""Laws found from tables: how often, at what size, how long.

Every case is run on several draws of its rows; a run counts only if `discover`'s formula is right
on fresh points, and, where the structure is named, if the tree read from the surrogate is the right
one. Nothing counts as found that was not checked against the truth.
"""

from __future__ import annotations

import math
import statistics
import time as clock
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.problem import grid
from bench.record import Record
from bench.vladislavleva import PROBLEMS

Floats = npt.NDArray[np.float64]
Table = tuple[Floats, Floats]

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "log", "square")
LORENZ = ("10*(x2 - x1)", "x1*(28 - x3) - x2", "x1*x2 - 8/3*x3")
LORENZ_STATES = ((-20.0, 20.0), (-25.0, 25.0), (0.0, 45.0))
FRICTION = math.radians(30)
MATSUOKA_NAKAI = 9 + 8 * math.tan(FRICTION) ** 2  # I1 I2 / I3, compression positive


@dataclass(frozen=True)
class Case:
    """A law, how its rows are drawn and when an answer counts.

    Attributes:
        draw: rows to learn from, by seed.
        right: what is wrong with a discovery, or "" if nothing.
        tree: text of the structure that must have been read where one was, that is where the law
            was not found before; "" where none is asked for.
    """

    name: str
    draw: Callable[[int], Table]
    right: Callable[[cf.Discovery], str]
    tree: str = ""


def uniform(low: float, high: float, rows: int, columns: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


def exact(truth: str, names: tuple[str, ...], fresh: Floats) -> Callable[[cf.Discovery], str]:
    """Equal to the truth at fresh points to 1e-6 of its spread, at no more than its size."""
    law = cf.Formula(truth, names)
    size = law.simplified(OPERATORS).complexity

    def right(found: cf.Discovery) -> str:
        error = np.sqrt(np.mean((found.formula(fresh) - law(fresh)) ** 2)) / np.std(law(fresh))
        if not error <= 1e-6:
            return f"error {error:.1e}"
        larger = found.formula.complexity > size
        return f"{found.formula.complexity} nodes, the truth has {size}" if larger else ""

    return right


def vladislavleva(name: str, tree: str) -> Case:
    problem = next(p for p in PROBLEMS if p.name == name)
    if name == "V1":  # scored beyond the data
        fresh = grid(((-0.2, 4.2),) * 2, (0.1, 0.1))

        def right(found: cf.Discovery) -> str:
            rmse = float(np.sqrt(np.mean((found.formula(fresh) - problem.truth(fresh)) ** 2)))
            return "" if rmse <= 1e-6 else f"RMSE {rmse:.1e} on the test grid"

        return Case("V1", problem.training, right, tree)
    fresh = problem.uniform(2000, 10**6)
    return Case(name, problem.training, exact(problem.text, problem.names, fresh), tree)


def waves(seed: int) -> Table:
    X = uniform(-2, 2, 500, 2, seed)
    return X, np.sin(3 * X[:, 0]) + np.exp(X[:, 1])


def nested(seed: int) -> Table:
    X = uniform(-2, 2, 500, 4, seed)
    return X, X[:, 0] * (X[:, 1] + X[:, 2]) + np.sin(X[:, 3])


def principal_stresses(p: Floats, radius: Floats, theta: Floats) -> Floats:
    """(n, 3) stresses of mean p, deviatoric radius and Lode angle theta."""
    angles = theta[:, None] + np.array([0, -2, 2]) * np.pi / 3
    return p[:, None] + math.sqrt(2 / 3) * radius[:, None] * np.cos(angles)


def invariants(stresses: Floats) -> tuple[Floats, Floats, Floats]:
    a, b, c = stresses.T
    return a + b + c, a * b + b * c + c * a, a * b * c


def yield_surface(seed: int) -> tuple[Floats, Floats, Floats]:
    """p, theta and the radius where I1 I2 = k I3, by bisection up to where a stress is 0."""
    p, theta = np.random.default_rng(seed).uniform((1, 0), (10, np.pi / 3), (3000, 2)).T
    low, high = np.zeros_like(p), math.sqrt(1.5) * p
    high = high / np.maximum(np.cos(np.pi / 3 - theta), 0.5)  # the smallest stress is 0 there
    for _ in range(80):
        middle = (low + high) / 2
        i1, i2, i3 = invariants(principal_stresses(p, middle, theta))
        inside = i1 * i2 <= MATSUOKA_NAKAI * i3
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return p, theta, low


def surface(seed: int) -> Table:
    p, theta, radius = yield_surface(seed)
    return np.column_stack([p, theta]), radius


def surface_in_invariants(seed: int) -> Table:
    i1, i2, i3 = invariants(principal_stresses(*_by_stress(seed)))
    return np.column_stack([i1, i2]), i3


def _by_stress(seed: int) -> tuple[Floats, Floats, Floats]:
    p, theta, radius = yield_surface(seed)
    return p, radius, theta


def on_the_surface(found: cf.Discovery) -> str:
    """I1 I2 / I3 of the formula's own stresses, constant to 0.1 % and the right constant."""
    p, theta, _ = yield_surface(10**6)
    radius = found.formula(np.column_stack([p, theta]))
    i1, i2, i3 = invariants(principal_stresses(p, radius, theta))
    worst = float(np.max(np.abs(i1 * i2 / i3 / MATSUOKA_NAKAI - 1)))
    return "" if worst <= 1e-3 else f"I1 I2 / I3 off by up to {worst:.1e}"


def lorenz(component: int) -> Case:
    """A right-hand side of the Lorenz system with 1 % noise; sigma 10, rho 28, beta 8/3."""
    names = ("x1", "x2", "x3")
    terms = ({"x1": -10, "x2": 10}, {"x1": 28, "x2": -1, "x1*x3": -1}, {"x1*x2": 1, "x3": -8 / 3})
    law = cf.Formula(LORENZ[component], names)

    def draw(seed: int) -> Table:
        rng = np.random.default_rng(seed)
        low, high = np.array(LORENZ_STATES).T
        X = rng.uniform(low, high, (1000, 3))
        y = law(X)
        return X, y + 0.01 * np.std(y) * rng.normal(size=1000)

    def right(found: cf.Discovery) -> str:
        import sympy

        wanted = {sympy.sympify(k, locals=_symbols(names)): v for k, v in terms[component].items()}
        have = sympy.expand(found.formula.sympy()).as_coefficients_dict()
        missing = [
            str(term)
            for term, value in wanted.items()
            if abs(float(have.get(term, 0)) - value) > 0.02 * abs(value)
        ]
        extra = [str(term) for term in have if term not in wanted]
        return f"off: {missing}, extra: {extra}" if missing or extra else ""

    return Case(f"Lorenz {component + 1}", draw, right)


def _symbols(names: Iterable[str]) -> dict[str, object]:
    import sympy

    return {name: sympy.Symbol(name, real=True) for name in names}


def _cases() -> list[Case]:
    two, four = ("x1", "x2"), ("x1", "x2", "x3", "x4")
    stress = np.column_stack(invariants(principal_stresses(*_by_stress(10**6)))[:2])
    return [
        vladislavleva("V1", "product(x1, x2)"),
        vladislavleva("V5", "product(x1, x2, x3)"),
        vladislavleva("V6", "product(x1, x2)"),
        Case("sum", waves, exact("sin(3*x1) + exp(x2)", two, uniform(-2, 2, 2000, 2, 10**6))),
        Case(
            "nested",
            nested,
            exact("x1*(x2 + x3) + sin(x4)", four, uniform(-2, 2, 2000, 4, 10**6)),
            "sum(product(x1, sum(x2, x3)), x4)",
        ),
        Case("surface (p theta)", surface, on_the_surface, "product(x1, x2)"),
        Case(
            "surface (I1 I2)",
            surface_in_invariants,
            exact(f"x1*x2/{MATSUOKA_NAKAI!r}", two, stress),
        ),
        *(lorenz(component) for component in range(3)),
    ]


def run(*, law: str, draws: int, time: float, threads: int, seed: int) -> list[Record]:
    """Median seconds of `discover`, and what was wrong with the first draw that was."""
    case = CASES[law]
    seconds, faults = [], []
    for draw in range(seed, seed + draws):
        X, y = case.draw(draw)
        begun = clock.perf_counter()
        found = cf.discover(X, y, time=time, operators=OPERATORS, seed=draw, threads=threads)
        seconds.append(clock.perf_counter() - begun)
        fault = case.right(found)
        read = found.separability is not None
        if case.tree and read and str(found.separability) != case.tree:
            fault = f"tree {found.separability}; {fault}"
        if fault:
            faults.append(f"draw {draw}: {fault}: {found.formula}")
    return [
        Record(
            "laws",
            {"law": law, "draws": draws, "time": time},
            f"{draws - len(faults)} of {draws} right",
            statistics.median(seconds),
            note="; ".join([f"slowest {max(seconds):.1f} s", *faults[:1]])[:250],
        )
    ]


CASES = {case.name: case for case in _cases()}
