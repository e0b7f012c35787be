"""Checkpoints and reports on disks that fail: the run gives what it gives without, and says so."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.attack.files import failing

import closedform as cf
from closedform.cli.main import main
from closedform.searches.checkpoint import Checkpoint

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPIPE)
CALLS = ("open", "write", "fsync", "replace")
PAIRS = [(CALLS[i % len(CALLS)], number) for i, number in enumerate(ERRORS)]
OLD = cf.Front([cf.Formula("x1 + 1", ["x1"], 0.5)])
X = np.random.default_rng(0).uniform(1.0, 2.0, (80, 2))
Y = X[:, 0] ** 2 + X[:, 1]
LIMITS: dict[str, Any] = {"evaluations": 3000, "time": float("inf"), "max_size": 9, "threads": 1}


def texts(front: cf.Front) -> list[str]:
    return [formula.text for formula in front]


@pytest.mark.parametrize(("name", "number"), PAIRS)
def test_a_search_outlives_its_checkpoint(name: str, number: int, tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    OLD.save(path)
    expected = texts(cf.search(X, values=Y, **LIMITS))
    with failing(name, number), pytest.warns(UserWarning, match=r"^check") as told:
        front = cf.search(X, values=Y, options={"checkpoint": path}, **LIMITS)
    assert texts(front) == expected
    assert [os.strerror(number) in str(warning.message) for warning in told] == [True]  # once
    assert os.listdir(tmp_path) == [path.name]
    assert texts(cf.Front.load(path)) == texts(OLD)


RUNS: dict[str, Callable[..., Any]] = {
    "discover": lambda **more: cf.discover(X, Y, noise="absolute", **LIMITS, **more),
    "gradients": lambda **more: cf.search(
        X, gradients=np.column_stack([2 * X[:, 0], np.ones(80)]), **LIMITS, **more
    ),
    "interpret": lambda **more: cf.interpret(
        (lambda X: X[:, 0] * X[:, 1], lambda X: X[:, ::-1].copy()), X, **LIMITS, **more
    ),
    "labels": lambda **more: cf.search(X, labels=Y > 4.0, **LIMITS, **more),
}


@pytest.mark.parametrize("kind", RUNS)
def test_every_kind_of_run_outlives_its_checkpoint(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the fit: noise-free rows may earn some
        expected = RUNS[kind]()
    path = tmp_path / "front.json"
    with failing("fsync", errno.EIO), pytest.warns(UserWarning, match=r"^checkpoint"):
        found = RUNS[kind](options={"checkpoint": path})
    front = getattr(found, "front", found)
    assert texts(front) == texts(getattr(expected, "front", expected))
    assert os.listdir(tmp_path) == []


def test_what_a_disk_takes_again_is_written(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    checkpoint = Checkpoint(path)
    new = cf.Front([cf.Formula("x1*3", ["x1"], 0.25)])
    with failing("replace", errno.ENOSPC), pytest.warns(UserWarning, match="No space"):
        checkpoint.offer(OLD)
    checkpoint.conclude(new)
    assert texts(cf.Front.load(path)) == texts(new)


@pytest.mark.parametrize("place", ["folder", "pipe", "gone"])
def test_a_path_that_turns_into_something_else(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    path = folder / "front.json"
    checkpoint = Checkpoint(path)
    if place == "folder":
        path.mkdir()
    elif place == "pipe":
        os.mkfifo(path)
    else:
        folder.rmdir()
    with pytest.warns(UserWarning, match=r"^checkpoint: cannot be written"):
        checkpoint.conclude(OLD)


@pytest.mark.parametrize(("name", "number"), PAIRS)
def test_a_report_that_fails_leaves_the_old_page_and_the_new_front(
    name: str,
    number: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib")
    data, page, saved = (tmp_path / part for part in ("data.csv", "page.html", "front.json"))
    data.write_text("x,y\n" + "\n".join(f"{i},{2 * i + 1}" for i in range(30)) + "\n")
    page.write_text("old")
    common = ["discover", str(data), "--target", "y", "--evaluations", "1000", "--quiet"]
    with failing(name, number):
        assert main([*common, "--report", str(page)]) == 2
    said = capsys.readouterr()
    assert "y = " in said.out
    assert os.strerror(number) in said.err
    assert "Traceback" not in said.err
    assert page.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["data.csv", "page.html"]
    with failing(name, number):
        assert main([*common, "--save", str(saved), "--report", str(page)]) == 2
    assert not saved.exists()
