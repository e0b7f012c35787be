"""Time that was given and Ctrl-C, by the clock: for a machine that does nothing else.

CLOSEDFORM_BUDGETS=1 runs it (`.ci/long` does). What CI holds by itself is that every stage ends
where it is when its time is over: tests of the stages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    "CLOSEDFORM_BUDGETS" not in os.environ, reason="asserts on seconds: CLOSEDFORM_BUDGETS=1"
)

# Prints the seconds from the beginning, or from the signal, to the end.
PROGRAM = """
import json, os, signal, sys, threading, time
import numpy as np
import closedform as cf

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began this may ignore it
task = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.uniform(0.5, 2.0, (task["rows"], task["columns"]))
y = X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + 0.1 * rng.normal(size=len(X))
G = 1e-3 * rng.normal(size=X.shape)
G[:, 0] += X[:, 1]
G[:, 1] += X[:, 0]
calls = {
    "discover": lambda X, y, G, **limit: cf.discover(X, y, **limit),
    "surrogate": lambda X, y, G, **limit: cf.Surrogate(**limit).fit(X, y),
    "values": lambda X, y, G, **limit: cf.search(X, values=y, **limit),
    "gradients": lambda X, y, G, **limit: cf.search(X, gradients=G, **limit),
    "modes": lambda X, y, G, **limit: cf.Surrogate(modes=100, segments=30, **limit).fit(X, y),
    "interpret": lambda X, y, G, **limit: cf.interpret((value, slopes), X, **limit),
}

def value(X):
    return X[:, 0] * X[:, 1] + np.sin(X[:, 2])

def slopes(X):
    G = np.zeros_like(X)
    G[:, 0], G[:, 1], G[:, 2] = X[:, 1], X[:, 0], np.cos(X[:, 2])
    return G

call = calls[task["kind"]]
call(X[:50, :3], y[:50], G[:50, :3], time=0.2)  # what is imported
begun = [time.monotonic()]

def send():
    begun[0] = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)

timer = threading.Timer(0.2 * task["time"], send)
if task["signal"]:
    timer.start()
try:
    call(X, y, G, time=task["time"])
except KeyboardInterrupt:  # of what has nothing to return
    pass
ended = time.monotonic() - begun[0]
assert not timer.is_alive(), f"it was over before the signal, after {ended} s"
print(json.dumps(ended))
"""

TASKS = [
    ("discover", 500, 600, 20.0),
    ("discover", 300, 40, 10.0),
    ("discover", 1_000_000, 10, 30.0),
    ("surrogate", 500, 300, 3.0),
    ("surrogate", 500, 600, 3.0),
    ("surrogate", 1_000_000, 10, 5.0),
    ("modes", 200, 3, 10.0),
    ("modes", 200, 100, 5.0),
    ("interpret", 500, 600, 10.0),
    ("values", 200, 2000, 3.0),
    ("values", 100, 5000, 5.0),
    ("values", 1_000_000, 10, 5.0),
    ("gradients", 300, 300, 3.0),
    ("gradients", 300, 1000, 5.0),
]


def seconds(task: dict[str, object]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(task)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return float(json.loads(done.stdout))


@pytest.mark.parametrize(("kind", "rows", "columns", "time"), TASKS)
def test_time_is_kept(kind: str, rows: int, columns: int, time: float) -> None:
    task = {"kind": kind, "rows": rows, "columns": columns, "time": time, "signal": False}
    assert seconds(task) <= 1.01 * time + 0.5


@pytest.mark.parametrize(("kind", "rows", "columns", "time"), TASKS)
def test_ctrl_c_is_heard(kind: str, rows: int, columns: int, time: float) -> None:
    task = {"kind": kind, "rows": rows, "columns": columns, "time": 2 * time, "signal": True}
    assert seconds(task) <= 1.0
