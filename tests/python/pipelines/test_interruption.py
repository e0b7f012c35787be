"""Signals end runs, and what was found until then comes back."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.pipelines import stages
from closedform.searches import interruption, values
from closedform.searches.backends import dispatch

PACKAGE = os.path.dirname(cf.__file__)
# Lines of the pipelines, drawn by chance.
MOMENTS = int(os.environ.get("CLOSEDFORM_MOMENTS", "24"))


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 2.0, (200, 6))
    return X, np.sin(3 * X[:, 0]) * X[:, 1] + X[:, 2] / X[:, 3] + 0.1 * rng.normal(size=200)


def lines_run(run: object) -> list[tuple[str, int]]:
    """The package's lines that run within `held`, in their order, each once."""
    seen: dict[tuple[str, int], None] = {}

    def trace(frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            seen[(frame.f_code.co_filename, frame.f_lineno)] = None
        return trace

    sys.settrace(trace)
    try:
        run()  # type: ignore[operator]
    finally:
        sys.settrace(None)
    return [at for at in seen if not at[0].endswith("interruption.py")]


def interrupted_at(at: tuple[str, int], run: object) -> tuple[object, bool]:
    """What the run gives back where Ctrl-C comes at this line, and whether it came by there."""
    sent = False

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal sent
        if frame.f_code.co_filename != at[0]:
            return trace if frame.f_code.co_filename.startswith(PACKAGE) else None
        if event == "line" and frame.f_lineno == at[1] and not sent and _holds():
            sent = True
            os.kill(os.getpid(), signal.SIGINT)
        return trace

    sys.settrace(trace)
    try:
        return run(), sent  # type: ignore[operator]
    finally:
        sys.settrace(None)


def _holds() -> bool:
    return signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def test_a_signal_at_any_line_of_discover_keeps_what_was_found() -> None:
    X, y = data()

    def run() -> cf.Discovery:
        return cf.discover(X, y, time=1.0, max_size=12, threads=2)

    lines = lines_run(run)
    assert len(lines) > 200
    chosen = np.random.default_rng(1).permutation(len(lines))[:MOMENTS]
    came = 0
    for at in [lines[i] for i in chosen]:
        found, sent = interrupted_at(at, run)
        came += sent
        assert isinstance(found, cf.Discovery), at
        assert np.isfinite(found.formula(X)).all(), at
        assert not _core.interrupt_requested()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert came > len(chosen) // 2  # of lines that the clock lets it come by again


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_long_search_with_its_front(number: int) -> None:
    X, y = data()
    sent = []

    def send(progress: cf.Progress) -> None:
        if not sent and progress.best is not None and progress.best.inputs:
            sent.append(number)
            os.kill(os.getpid(), number)

    front = cf.search(X, values=y, time=20, callback=send, threads=2)
    assert front.stopped == "interrupted"
    assert len(front) > 1


def test_the_second_signal_raises() -> None:
    def twice() -> None:
        with interruption.held():
            os.kill(os.getpid(), signal.SIGINT)
            assert interruption.requested()
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert not interruption.requested()


def test_a_users_own_handler_is_left_alone() -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with interruption.held():
            os.kill(os.getpid(), signal.SIGTERM)
            assert not interruption.requested()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_other_threads_change_no_handlers() -> None:
    kept = []

    def look() -> None:
        with interruption.held():
            kept.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert kept == [signal.default_int_handler]


def test_the_command_prints_what_it_has_when_it_is_terminated(tmp_path: object) -> None:
    path = os.path.join(str(tmp_path), "data.csv")
    X, y = data()
    header = ",".join([*(f"x{j}" for j in range(6)), "y"])
    np.savetxt(path, np.column_stack([X, y]), delimiter=",", header=header, comments="")
    process = subprocess.Popen(
        [sys.executable, "-m", "closedform", "discover", path, "--target", "y", "--time", "600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "search" not in process.stderr.readline():
        pass
    process.terminate()
    said, _ = process.communicate()
    assert "y = " in said
    assert process.returncode == 130


def test_no_search_begins_once_a_run_is_to_conclude(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    searched = dispatch.search

    def search(table: object, *told: object) -> object:
        begun.append("asked" if asked else "before")
        return searched(table, *told)  # type: ignore[arg-type]

    asked: list[str] = []

    def ask(progress: cf.Progress) -> bool:
        if progress.phase == "search x1*x2":  # of a variable that the surrogate tells
            asked.append(progress.phase)
        return bool(asked)

    for module in (stages, values):
        monkeypatch.setattr(module.dispatch, "search", search)
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 2, (150, 2))
    y = np.sin(X[:, 0] * X[:, 1]) + 0.01 * rng.normal(size=150)
    told = {"noise": "absolute", "time": math.inf, "evaluations": 8000, "threads": 1}
    found = cf.discover(X, y, callback=ask, **told)  # type: ignore[arg-type]
    assert asked
    assert found.stopped == "interrupted"
    assert begun == ["before", "before"]
