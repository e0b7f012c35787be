"""Exported C against C written by hand and against sympy's.

The formula is V1, exp(-(x1 - 1)^2) / (1.2 + (x2 - 2.5)^2), found by `discover` in its own training
rows. All functions are compiled with the same flags, each in a file of its own so that none is
inlined, and checked against each other before a time is printed. sympy's are its derivatives after
`sympy.cse`, printed by its C printer.
"""

from __future__ import annotations

import ctypes
import itertools
import statistics
import subprocess
import tempfile
import time as clock
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.problem import grid
from bench.record import Record, Target
from bench.regression import VLADISLAVLEVA

Floats = npt.NDArray[np.float64]

FLAGS = ("-std=c99", "-O3", "-fno-math-errno")
ROWS, ROUNDS, REPEATS = 4096, 41, 50
# Two compilations of the same arithmetic differ by some per cent in where they lie.
AS_FAST = Target("ratio", 0.95)
TEXTBOOK = "exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2)"

BY_HAND = """
#include <math.h>
double by_hand(double x1, double x2)
{
    return exp(-(x1 - 1) * (x1 - 1)) / (1.2 + (x2 - 2.5) * (x2 - 2.5));
}
"""
# The derivatives as one would write them, sharing what is seen to be shared.
BY_HAND_DERIVATIVES = """
#include <math.h>
double by_hand_2(double x1, double x2, double g[2], double h[4])
{
    const double a = x1 - 1, b = x2 - 2.5;
    const double q = 1 / (1.2 + b * b);
    const double f = exp(-a * a) * q;
    g[0] = -2 * a * f;
    g[1] = -2 * b * q * f;
    h[0] = (4 * a * a - 2) * f;
    h[1] = h[2] = 4 * a * b * q * f;
    h[3] = (8 * b * b * q - 2) * q * f;
    return f;
}
"""
LOOP = """
double {name}({arguments});
double loop_{name}(int n, const double *x, double *out)
{{
    double sum = 0.0;
    for (int repeat = 0; repeat < {repeats}; ++repeat) {{
        for (int i = 0; i < n; ++i) {{
            sum += out[7 * i] = {name}(x[2 * i], x[2 * i + 1]{outputs});
        }}
    }}
    return sum;
}}
"""


def sympy_code(text: str) -> str:
    """Value, gradient and Hessian as sympy differentiates, shares and prints them."""
    import sympy

    x = sympy.symbols("x1 x2", real=True)
    f = cf.Formula(text, ("x1", "x2")).sympy()
    outputs = [f, *(f.diff(v) for v in x), *(f.diff(v, w) for v in x for w in x)]
    shared, results = sympy.cse(outputs)
    targets = ["const double f", "g[0]", "g[1]", *(f"h[{i}]" for i in range(4))]
    lines = [f"const double {name} = {sympy.ccode(value)};" for name, value in shared]
    lines += [f"{t} = {sympy.ccode(r)};" for t, r in zip(targets, results, strict=True)]
    head = "#include <math.h>\ndouble sympys(double x1, double x2, double g[2], double h[4])\n{\n"
    return head + "\n".join(lines) + "\nreturn f;\n}\n"


def loops(
    functions: Sequence[tuple[str, int, str]], where: Path
) -> dict[str, Callable[..., float]]:
    """A timing loop over each function (name, highest derivative, source)."""
    objects = []
    for name, order, source in functions:
        arguments = "double, double" + ", double *" * order
        outputs = "".join(f", out + 7 * i + {offset}" for offset in (1, 3)[:order])
        loop = LOOP.format(name=name, arguments=arguments, outputs=outputs, repeats=REPEATS)
        for kind, text in (("function", source), ("loop", loop)):
            path = where / f"{kind}_{name}.c"
            path.write_text(text)
            objects.append(str(path.with_suffix(".o")))
            command = ["gcc", *FLAGS, "-fPIC", "-c", str(path), "-o", objects[-1]]
            subprocess.run(command, check=True)
    library = where / "bench.so"
    subprocess.run(["gcc", "-shared", *objects, "-o", str(library), "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    result: dict[str, Callable[..., float]] = {}
    for name, _, _ in functions:
        result[name] = loaded[f"loop_{name}"]
        loaded[f"loop_{name}"].restype = ctypes.c_double
    return result


def pointer(array: Floats) -> object:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def nanoseconds(by_name: dict[str, Callable[..., float]], X: Floats) -> dict[str, list[float]]:
    """Time of one call, in turn for all functions: what slows the machine slows all of them."""
    times: dict[str, list[float]] = {name: [] for name in by_name}
    out = np.empty((len(X), 7))
    for _, (name, loop) in itertools.product(range(ROUNDS), by_name.items()):
        begun = clock.perf_counter()
        loop(len(X), pointer(X), pointer(out))
        times[name].append((clock.perf_counter() - begun) / (REPEATS * len(X)) * 1e9)
    return times


def run(*, time: float, threads: int, seed: int) -> list[Record]:
    """Times of one call; `time` is what `discover` has to find the formula in."""
    problem = VLADISLAVLEVA["V1"]
    X, y = problem.training(seed)
    found = cf.discover(X, y, time=time, threads=threads, seed=seed).formula
    fresh = grid(((-0.2, 4.2),) * 2, (0.1, 0.1))
    rmse = float(np.sqrt(np.mean((found(fresh) - problem.truth(fresh)) ** 2)))
    assert rmse <= 1e-6, f"V1 was not found: {found}"
    textbook = cf.Formula(TEXTBOOK, ("x1", "x2"))

    X = np.random.default_rng(0).uniform(0.3, 4, (ROWS, 2))
    functions = [
        ("by_hand", 0, BY_HAND),
        ("exported", 0, textbook.code("c", name="exported")),
        ("exported_as_found", 0, found.code("c", name="exported_as_found")),
        ("exported_1", 1, textbook.code("c", 1, name="exported_1")),
        ("by_hand_2", 2, BY_HAND_DERIVATIVES),
        ("exported_2", 2, textbook.code("c", 2, name="exported_2")),
        ("exported_as_found_2", 2, found.code("c", 2, name="exported_as_found_2")),
        ("sympys", 2, sympy_code(TEXTBOOK)),
    ]
    with tempfile.TemporaryDirectory() as directory:
        by_name = loops(functions, Path(directory))
        check(functions, by_name, textbook, X)
        times = nanoseconds(by_name, X)
    records = []
    for name, order, _ in functions:
        if "by_hand" in name:
            continue
        hand = "by_hand_2" if order == 2 else "by_hand"
        records.append(
            Record(
                "export",
                {"function": name},
                f"{('value', 'value, gradient', 'value, gradient, Hessian')[order]} of V1",
                statistics.median(times[name]) * 1e-9,
                peer="C by hand" if order != 1 else "the value by hand",
                theirs=statistics.median(times[hand]) * 1e-9,
                targets=(AS_FAST,) if order == 0 else (),
            )
        )
    return records


def check(
    functions: Sequence[tuple[str, int, str]],
    by_name: dict[str, Callable[..., float]],
    textbook: cf.Formula,
    X: Floats,
) -> None:
    """Asserts that all compute the same."""
    results = {}
    for name, order, _ in functions:
        out = np.zeros((ROWS, 7))
        by_name[name](ROWS, pointer(X), pointer(out))
        results[name] = out
        columns = slice(0, (1, 3, 7)[order])
        reference = results["by_hand_2" if "by_hand_2" in results else "by_hand"]
        if order == 1:
            np.testing.assert_allclose(out[:, 1:3], textbook.gradient(X), rtol=1e-13)
        else:
            tolerance = 1e-5 if "found" in name else 1e-12
            np.testing.assert_allclose(
                out[:, columns], reference[:, columns], rtol=tolerance, atol=tolerance
            )
