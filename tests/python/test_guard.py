"""What the guard runs, asserts and prints; no times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import closedform as cf
from bench import guard, guard_builds, guard_work, scale
from bench.guard_work import Figure, Outcome, Task
from bench.suite import SUITE


def test_every_piece_of_work_is_known() -> None:
    benchmark = next(benchmark for benchmark in SUITE if benchmark.name == "guard")
    assert set(benchmark.parameters["what"]) == set(guard.REPEATS)
    assert set(guard_work.LAWS) == {f"V{k}" for k in range(1, 9)}
    single = set(guard.REPEATS) - {"start", "laws"}
    assert set(guard_work.WORKS) == single | set(guard_work.LAWS)


def test_the_law_of_the_mapped_rows_is_its_text() -> None:
    X = guard_work.fresh(100)
    formula = cf.Formula(guard_work.LAW, ("x1", "x2", "x3", "x4"))
    np.testing.assert_allclose(formula(X), guard_work.law(X), rtol=1e-12)


@pytest.mark.parametrize("work", ["fit", "hessian"])
def test_work_on_mapped_rows_asserts_its_answer(work: str, tmp_path: Path) -> None:
    rows = 5000
    scale.mapped(tmp_path, rows, guard_work.INPUTS, guard_work.law)
    outcome = guard_work.WORKS[work](Task(str(tmp_path), rows, threads=2, seed=0))
    assert set(outcome.figures) == {"speed", "memory"}
    assert Outcome.from_plain(json.loads(json.dumps(asdict(outcome)))) == outcome


def _turn(new: Outcome, old: Outcome | None = None) -> Mapping[str, Outcome]:
    return {"": new} if old is None else {"": new, "abc1234": old}


def _speed(value: float, processor: float) -> Outcome:
    return Outcome("error 1e-3", {"speed": Figure(value, "M rows a second", processor)})


def test_ratios_are_new_over_old_of_the_best_turns() -> None:
    turns = [
        _turn(_speed(2.0, 3.0), _speed(1.0, 4.0)),
        _turn(_speed(3.0, 3.0), _speed(3.0, 4.0)),
        _turn(_speed(6.0, 2.0), _speed(4.0, 4.0)),
    ]
    (record,) = guard.records("fit", {"rows": 10}, turns, "abc1234")
    assert record.line() == (
        "guard what=fit of=speed rows=10; error 1e-3; ours 6 M rows a second; "
        "abc1234 4 M rows a second; new/old 1.5 (1 to 2); "
        "new/old of processor time 0.5 (0.5 to 0.75)"
    )


def _law(seconds: float, *found: str) -> Outcome:
    return Outcome("a formula", {"time": Figure(seconds, "seconds", seconds)}, found)


def test_a_law_that_is_no_longer_found_is_a_miss_by_name() -> None:
    turns = [_turn(_law(1.0, "V1"), _law(2.0, "V1")), _turn(_law(5.0), _law(2.0, "V2"))]
    found, seconds = guard.records("laws", {}, turns, "abc1234")
    assert (found.ours, found.theirs, found.verdict) == (1, 2, "miss")
    assert found.answer == "V1; no longer V2"
    assert (seconds.ours, seconds.theirs) == (6, 4)  # the laws' total
    assert seconds.note.startswith("new/old 1.5 (0.5 to 2.5)")
    assert seconds.ratio is None  # the suite's ratio is the other way round


def test_without_another_build_the_committed_figure_is_of_another_occasion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = guard.records("fit", {"rows": 10}, [_turn(_speed(2.0, 3.0))], "")
    assert (record.peer, record.theirs) == ("", None)
    entry = {"about": {"date": "2026-11-22"}, "records": [{**record.plain(), "ours": 4.0}]}
    (tmp_path / "results.json").write_text(json.dumps({"guard": entry}))
    monkeypatch.setattr(guard, "RESULTS", tmp_path / "results.json")
    turns = [_turn(_speed(2.0, 3.0)), _turn(_speed(1.0, 3.0)), _turn(_speed(3.0, 3.0))]
    (record,) = guard.records("fit", {"rows": 10}, turns, "")
    assert (record.peer, record.theirs) == ("committed", 4.0)
    assert record.note == "1 to 3; new/committed 0.75, of another occasion, 2026-11-22"


def test_a_failing_process_says_why() -> None:
    build = guard_builds.Build("abc1234")
    with pytest.raises(FileNotFoundError, match=r"^no C compiler$"):
        build.python("-c", "raise FileNotFoundError('no C compiler')")
    with pytest.raises(RuntimeError, match=r"(?s)abc1234.*AssertionError: wrong"):
        build.python("-c", "raise AssertionError('wrong')")


def test_a_commit_that_is_none_is_refused() -> None:
    with pytest.raises(RuntimeError, match="git rev-parse"):
        guard_builds.built("no-such-commit")
