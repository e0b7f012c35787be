"""The suite's own parts: the laws it holds as data, what counts as found, what is reported."""

from __future__ import annotations

import math

import numpy as np
import pytest

import closedform as cf
from bench import engines, feynman, gpu, vladislavleva
from bench.problem import Problem, judge
from bench.record import Record, Target
from closedform import _core


@pytest.mark.parametrize("laws", [feynman.PROBLEMS, vladislavleva.PROBLEMS])
def test_every_law_is_finite_over_its_ranges_and_ours_is_numpys(laws: tuple[Problem, ...]) -> None:
    assert len({law.name for law in laws}) == len(laws)
    for law in laws:
        X = law.uniform(5000, seed=1)
        truth = law.truth(X)
        assert np.all(np.isfinite(truth)), law.name
        assert np.ptp(truth) > 0, law.name
        for column in range(X.shape[1]):  # every input matters
            moved = X.copy()
            moved[:, column] = np.roll(X[:, column], 1)
            assert not np.allclose(law.truth(moved), truth, rtol=1e-6), (law.name, column)
        formula = cf.Formula(law.text, law.names)
        np.testing.assert_allclose(formula(X), truth, rtol=1e-11, err_msg=law.name)


def test_there_are_at_least_forty_feynman_formulas() -> None:
    assert len(feynman.PROBLEMS) >= 40


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("6*sin(x1)*cos(x2)", True),
        ("6.0001*sin(x1)*cos(x2)", False),
        ("6*sin(x1)*cos(x2) + x1*x1 - x1*x1 + x1 - x1", False),  # right, but too long
    ],
)
def test_exact_is_the_truth_at_about_its_size(text: str, exact: bool) -> None:
    law = next(law for law in vladislavleva.PROBLEMS if law.name == "V6")
    assert judge(law, cf.Formula(text, law.names))[0] is exact


def test_a_program_in_prefix_notation_reads_as_a_formula() -> None:
    text = engines._infix("add(mul(X0, -0.5), exp(div(X1, X0)))")
    assert cf.Formula(text, ("X0", "X1"))(np.array([[2.0, 4.0]]))[0] == -1.0 + math.exp(2.0)


@pytest.mark.skipif(not _core.cuda_problem()[0], reason="a GPU can be used here")
@pytest.mark.parametrize("what", gpu.CASES)
def test_without_a_gpu_the_suite_says_why(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.run(what, dtype="float32", rows=10, link=25.0, threads=1, seed=0) == []
    assert "no GPU can be used: " in capsys.readouterr().out


FASTER = Target("ratio", 10)


@pytest.mark.parametrize(
    ("ours", "theirs", "beyond", "verdict"),
    [
        (1.0, 11.0, False, "pass"),
        (1.0, 9.0, False, "miss"),
        (1.0, 11.0, True, "pass"),  # the peer would have needed longer still
        (1.0, 9.0, True, ""),  # nobody knows
        (math.inf, 9.0, False, "miss"),
        (1.0, None, False, ""),
    ],
)
def test_verdicts(ours: float, theirs: float | None, beyond: bool, verdict: str) -> None:
    record = Record("x", {}, "right", ours, theirs=theirs, beyond=beyond, targets=(FASTER,))
    assert record.verdict == verdict
    assert Record.from_plain(record.plain()) == record
