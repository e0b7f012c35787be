"""Random small tasks, each in a process of its own: none crashes, none leaves what was asked."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import closedform as cf
from closedform.searches.settings import KNOWN_OPERATORS

SIZES = range(1, 13)
TASKS = int(os.environ.get("CLOSEDFORM_TASKS", "16"))
# One task; its arguments are those that the test drew.
PROGRAM = """
import json, sys
import numpy as np
import closedform as cf

task = json.loads(sys.argv[1])
rng = np.random.default_rng(task["seed"])
X = rng.uniform(0.2, 3.0, (40, task["columns"])) * task["scale"]
y = X[:, 0] ** 2 / task["scale"] + np.sin(X[:, -1] / task["scale"])
limits = dict(operators=task["operators"], max_size=task["max_size"], evaluations=2000, time=20,
              threads=2, seed=task["seed"])
if task["kind"] == "discover":
    found = cf.discover(X, y, **limits)
    fronts = [found.front, [found.formula]]
elif task["kind"] == "values":
    start = ["sin(x1) - 2*x1/(x1 + 1)"]
    fronts = [cf.search(X, values=y, start=start, **limits)]
elif task["kind"] == "gradients":
    fronts = [cf.search(X, gradients=rng.normal(size=X.shape), **limits)]
else:
    fronts = [cf.search(X, labels=(y > np.median(y)).astype(float), **limits)]
said = [[(f.text, f.complexity, sorted(f.operators)) for f in front] for front in fronts]
print(json.dumps(said))
"""


def drawn(number: int) -> dict[str, object]:
    rng = np.random.default_rng(number)
    kind = ("values", "discover", "gradients", "labels")[number % 4]
    # The step has no gradient.
    operators = sorted(KNOWN_OPERATORS - ({">"} if kind == "gradients" else set()))
    return {
        "seed": number,
        "kind": kind,
        "operators": [str(op) for op in rng.choice(operators, rng.integers(1, 5), replace=False)],
        "max_size": int(rng.choice(SIZES)),
        "columns": int(rng.integers(2 if kind == "gradients" else 1, 4)),
        "scale": float(rng.choice([1.0, 1e6])),
    }


def outcome(task: dict[str, object]) -> list[list[tuple[str, int, list[str]]]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(task)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{task}: {done.returncode}\n{done.stderr[-2000:]}"
    fronts: list[list[tuple[str, int, list[str]]]] = json.loads(done.stdout)
    return fronts


@pytest.mark.parametrize("number", range(TASKS))
def test_no_operator_and_no_size_beyond_what_was_asked(number: int) -> None:
    task = drawn(number)
    for front in outcome(task):
        assert front, task
        for text, complexity, operators in front:
            assert complexity <= task["max_size"], (task, text)
            assert set(operators) <= set(task["operators"]), (task, text)


def test_start_formulas_with_other_operators_are_left_out() -> None:
    X = np.linspace(0.5, 2.0, 30)[:, None]
    front = cf.search(
        X,
        values=X[:, 0] * 3.0,
        operators=["+", "*"],
        evaluations=500,
        start=["sin(x1)", "x1"],
    )
    assert all(formula.operators <= {"+", "*"} for formula in front)


def test_a_thread_in_the_core_when_python_ends_does_not_abort() -> None:
    program = """
import threading, time
import numpy as np
import closedform as cf

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
begun = threading.Event()

def work():
    cf.search(X, values=rng.normal(size=200), time=60, threads=1, callback=lambda _: begun.set())

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
