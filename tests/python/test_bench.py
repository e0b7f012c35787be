"""The suite's own parts: the laws it holds as data, what counts as found, what is reported."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import closedform as cf
from bench import (
    blackbox,
    budgets,
    coverage,
    engines,
    fastsrb,
    feynman,
    gpu,
    laws,
    nist,
    noise,
    papers,
    srbench,
    verdicts,
    vladislavleva,
)
from bench.kept import Kept
from bench.neurons import systems
from bench.problem import Problem, judge, right_form
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


NOISELESS = tuple(noise.noisy(law, "absolute", 0.0, 200) for law in noise.LAWS)


@pytest.mark.parametrize("law", NOISELESS, ids=lambda law: law.name)
def test_a_law_has_its_own_form_whatever_its_constants(law: noise.Noisy) -> None:
    formula = cf.Formula(law.text, law.names)
    constants = np.array(formula._expression.constants)
    moved = formula._expression.with_constants((constants * 1.01).tolist())
    assert right_form(law, cf.Formula(moved.text(list(law.names)), law.names))
    assert not right_form(law, cf.Formula("x1", law.names))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1.1*x1*x2*x3/x4", True),
        ("1.1*x1*x2*x3/x4 + 0.1*x1", True),  # 0 in the place of 0.1
        ("1.1*x1*x2*x3/(x4 + log(x4 + 0.1))", False),
        ("x1*x2*x3/x4 + x1 + x2 + x3 - x1 - x2 - x3", False),  # too long
        ("x1*x2*x3/x4*sqrt(x1 - 2)", False),  # no value at some points
    ],
)
def test_forms_are_judged_without_noise(text: str, right: bool) -> None:
    law = noise.noisy("I.39.22", "absolute", 0.2, 200)
    assert right_form(law, cf.Formula(text, law.names)) is right


@pytest.mark.parametrize("kind", noise.KINDS)
def test_noise_is_of_the_kind_and_size_named(kind: str) -> None:
    law = noise.noisy("I.37.4", kind, 0.05, 2000)
    X, y = law.training(seed=3)
    rows = np.count_nonzero(np.isfinite(law.measured(seed=3)[0]).all(axis=1))
    assert (0.8 < rows / 2000 < 0.9) if kind == "missing" else rows == 2000
    assert X.shape == (rows, int(kind.split()[1]) if " " in kind else 3)
    f = law.truth(X)
    unit = 1.0
    if kind == "counts":
        np.testing.assert_array_equal(y, np.round(y))
        unit = 0.05**2 * f.mean()
    off = unit * y - f
    spread = float(np.std(f))
    gross = np.abs(off) > 4.5 * spread
    assert np.count_nonzero(gross) == (40 if kind == "outliers" else 0)
    sizes = {"relative": f, "log": f, "counts": np.sqrt(f * f.mean())}
    sizes["mixed"] = np.hypot(f, 0.5 * spread)
    scale = sizes.get(kind, spread)
    assert np.std((off / scale)[~gross]) == pytest.approx(0.05, rel=0.1)
    if kind.startswith(("irrelevant", "correlated")):
        of = np.corrcoef(X.T)[3:, :3].max(axis=1)
        expected = noise.CORRELATION if kind.startswith("correlated") else 0.0
        np.testing.assert_allclose(of, expected, atol=0.1)
    again = noise.noisy("I.37.4", kind, 0.05, 2000).training(seed=3)
    np.testing.assert_array_equal(again[1], y)


def test_a_run_kept_in_a_file_is_not_repeated(tmp_path: Path) -> None:
    file = str(tmp_path / "runs.jsonl")
    calls = []

    def work() -> dict[str, Any]:
        calls.append(1)
        return {"error": math.inf, "formula": "x1\n"}

    first = Kept(file).run({"law": "a", "seed": 1}, work)
    assert Kept(file).run({"seed": 1, "law": "a"}, work) == first
    assert len(calls) == 1
    text = Path(file).read_text(encoding="utf-8")
    Path(file).write_text(text + '\n{"asked": {"la', encoding="utf-8")  # cut short
    Kept(file).run({"law": "b", "seed": 1}, work)
    assert len(calls) == 2
    kept = Kept(file)
    for law in ("a", "b"):
        assert kept.run({"law": law, "seed": 1}, work) == first
    assert len(calls) == 2


@pytest.mark.parametrize("name", nist.SETS)
def test_certified_constants_have_the_certified_residuals(name: str) -> None:
    own = nist.squares(nist.certified(name), *nist.rows(name))
    np.testing.assert_allclose(own, nist.SETS[name].squares, rtol=1e-5)


@pytest.mark.parametrize("forms", papers.FORMS.values())
def test_a_law_of_a_paper_is_its_own_form(forms: dict[str, Any]) -> None:
    for text, draw in forms.values():
        names = [f"x{j + 1}" for j in range(draw(1, 0).shape[1])]
        law = cf.Formula(text, names)
        assert np.isfinite(law(draw(2000, 5))).all()
        assert papers.is_form(law, text, draw)
        assert not papers.is_form(cf.Formula("x1 + 1", names), text, draw)


def test_the_major_stress_is_on_the_surface() -> None:
    pairs = papers.minor_stresses(2000, seed=4)
    major = cf.Formula(papers.MAJOR_STRESS, ("x1", "x2"))(pairs)
    assert (major >= pairs.max(axis=1)).all()
    all_three = np.column_stack([major, pairs])
    i1, i2, i3 = laws.invariants(all_three)
    np.testing.assert_allclose(i1 * i2 / i3, laws.MATSUOKA_NAKAI, rtol=1e-10)
    mobilised = cf.Formula(papers.MOBILISED, ("x1", "x2", "x3"))(all_three)
    np.testing.assert_allclose(mobilised, laws.MATSUOKA_NAKAI, rtol=1e-10)


def test_indentation_tables_are_read_by_their_columns(tmp_path: Path) -> None:
    for angle in papers.ANGLES:
        head = "Case,n,E (GPa),sy (GPa),C (GPa),dP/dh (N/m),Wp/Wt"
        rows = f"7,0.1,10,0.03,{angle},1,\n8,0.3,50,2,3,,0.5"
        (tmp_path / f"FEM_{angle}deg.csv").write_text(f"{head}\n{rows}\n", encoding="utf-8")
    X, C, materials = papers.indentation(tmp_path)
    np.testing.assert_allclose(X[0], [0.1, 10, 0.03, math.tan(math.radians(50))])
    assert C.tolist() == [50, 3, 60, 3, 70, 3, 80, 3]
    assert materials.tolist() == [7, 8] * 4


FASTSRB = """
lens: {difficulty: easy, prepared: 1 / (1 / v1 + v2 / v3), accept: [((v1*v3)/((v1*v2)+v3))], vars: {
  v1: {sample_range: [1e-3, 1.0e-1], sample_type: [log, pos_neg]},
  v2: {sample_range: [1, 3], sample_type: [int, pos]},
  v3: {sample_range: [0.5, 2], sample_type: [uni, pos]}, v0: {}}}
tiny: {difficulty: hard, prepared: v1 * 1e-280, vars: {
  v1: {sample_range: [1, 2], sample_type: [uni, pos]}}}
"""
FASTSRB_RUN: dict[str, Any] = {
    "engine": engines.OURS,
    "evaluations": 10,
    "time": 1.0,
    "laws": "all",
    "state": "",
    "threads": 1,
    "seed": 0,
}


def test_fastsrb_reads_draws_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("yaml")
    monkeypatch.setenv("CLOSEDFORM_DATA", str(tmp_path))
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "fastsrb.yaml").write_text(FASTSRB, encoding="utf-8")
    path = fastsrb.folder()
    assert path is not None
    law = fastsrb.laws(path)["lens"]
    X, y = law.rows(500, np.random.default_rng(0))
    np.testing.assert_allclose(y, 1 / (1 / X[:, 0] + X[:, 1] / X[:, 2]), rtol=1e-12)
    assert set(X[:, 1]) == {1.0, 2.0, 3.0}
    assert X[:, 0].min() < 0 < X[:, 0].max()
    assert 1e-3 <= np.abs(X[:, 0]).min() <= np.abs(X[:, 0]).max() <= 0.1
    parts = [{law.name for law in fastsrb.selected(path, f"{k}/2")} for k in (1, 2)]
    assert parts[0] <= parts[1] == {"lens", "tiny"}
    with pytest.raises(ValueError, match="neither"):
        fastsrb.selected(path, "3/2")

    def discover(law: fastsrb.Law, *_: object) -> fastsrb.Found:
        right = law.name == "lens"
        return fastsrb.Found(right, right, 0.0, "x" if right else "refused: y", 3, 1.0)

    monkeypatch.setattr(fastsrb, "discover", discover)
    records = fastsrb.run(**FASTSRB_RUN)
    rates = {record.parameters["difficulty"]: record.ours for record in records}
    assert rates == {"all": 50.0, "easy": 100.0, "hard": 0.0}
    assert "1 refused" in records[0].answer
    assert "tiny: not found" in capsys.readouterr().out


def test_black_boxes_are_judged_on_rows_that_were_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "benchmarks" / "blackbox"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CLOSEDFORM_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    for rows, name in ((99, "small"), (200, "line")):
        x = rng.normal(size=rows)
        frame = pandas.DataFrame({"x.1": x, "target": 2 * x + 1})
        frame.to_csv(folder / f"{name}.tsv.gz", sep="\t", index=False)
    data = blackbox.table(folder / "line.tsv.gz", 0)
    assert data is not None
    assert data.training.names == ("x_1",)
    assert (len(data.training.y), len(data.judged[1])) == (150, 50)
    assert not set(data.training.y) & set(data.judged[1])
    assert data.explained(cf.Formula("2*x_1 + 1", ["x_1"])) == pytest.approx(1.0)
    assert data.explained(cf.Formula("log(x_1)", ["x_1"])) == 0.0

    monkeypatch.setattr(blackbox, "chosen", lambda *_: cf.Formula("2*x_1", ["x_1"]))
    *tables, median = blackbox.run(engine=engines.OURS, time=1.0, splits=2, threads=1, seed=0)
    assert [record.parameters["table"] for record in tables] == ["line"]
    assert median.ours == tables[0].ours == pytest.approx(0.74, abs=0.1)


def test_a_law_that_is_refused_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise cf.InputError("y: too small")

    monkeypatch.setattr(cf, "discover", refuse)
    law = fastsrb.Law("a", "easy", "v1", (("v1", 1.0, 2.0, ("uni", "pos")),), 1)
    found = fastsrb.discover(law, engines.OURS, 10, engines.Budget(1.0, 1, 0))
    assert not found.chosen
    assert found.formula == "refused: y: too small"


def test_fastsrb_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOSEDFORM_DATA", str(tmp_path))
    (record,) = fastsrb.run(**FASTSRB_RUN)
    assert math.isnan(record.ours)
    assert "CLOSEDFORM_DATA" in record.peer


def test_recovery_from_noise_is_counted_with_the_verdicts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ours(problem: Problem, budget: engines.Budget) -> noise.Found:
        right = problem.name == "V1"
        return noise.Found(right, True, problem.text, "law", 1.0)

    monkeypatch.setattr(noise, "missing", lambda peer: f"{peer} left out: it is not here")
    monkeypatch.setitem(noise.ENGINES, "closedform", ours)
    every: dict[str, Any] = {
        "rows": 200,
        "time": 1.0,
        "state": str(tmp_path / "runs"),
        "threads": 1,
        "seed": 0,
    }
    assert noise.run(law="V1", kind="relative", level=0.0, **every) == []
    records = [
        record
        for law in ("V1", "I.8.14")
        for record in noise.run(law=law, kind="relative", level=0.1, **every)
    ]
    assert [record.ours for record in records] == [1.0, 0.0]
    monkeypatch.delitem(noise.ENGINES, "closedform")  # what is in the file is not run
    assert noise.run(law="V1", kind="relative", level=0.1, **every) == records[:1]
    (total,) = noise.summarise(records)
    assert (total.ours, total.theirs, total.unit) == (1.0, None, "of 2 laws")
    assert total.answer == "right forms; 2 on the front"
    assert total.note == "called laws: 1 of them, 1 of the wrong"
    assert total.peer == "pyoperon left out: it is not here"
    monkeypatch.setattr(noise, "LAWS", ("V1", "I.8.14"))
    monkeypatch.setitem(noise.ENGINES, "closedform", ours)
    here = {"kind": "relative", "rows": 200, "noise": 0.1}
    counted = {"laws": 2, "closedform": 1, "wrong laws": 1, "pyoperon": None}
    assert noise.counted(Kept(every["state"])) == [here | counted]


def test_verdicts_of_noise_are_kept_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.linspace(1.0, 2.0, 40)
    nothing = np.random.default_rng(0).normal(size=40)
    tables = [("normal", x[:, None], nothing), ("law", x[:, None], x**2)]
    monkeypatch.setattr(verdicts, "noise", lambda rng: iter(tables))
    asked: dict[str, Any] = {"draws": 1, "evaluations": 300, "threads": 1, "seed": 0}
    asked["state"] = str(tmp_path / "runs.jsonl")
    first = verdicts.run_noise(**asked)
    assert first[0].answer == "1 law on law"
    assert first[0].ours == 50.0
    monkeypatch.setattr(cf, "discover", lambda *_, **__: pytest.fail("asked again"))
    assert verdicts.run_noise(**asked) == first


@pytest.mark.parametrize("kind", coverage.NOISES)
def test_constants_are_covered_under_each_noise(kind: str) -> None:
    shares = coverage.covered(coverage.FORMS["power"], kind, 60, 40, seed=0) / 40
    assert (shares >= 0.8).all()


@pytest.mark.parametrize(
    ("less", "more", "worse"),
    [
        ((True, 0.01), (False, 0.01), True),
        ((False, 0.02), (True, 0.5), False),
        ((False, 0.02), (False, 0.04), True),
        ((True, 0.02), (True, 0.021), False),
    ],
)
def test_a_choice_that_is_worse(
    less: tuple[bool, float], more: tuple[bool, float], worse: bool
) -> None:
    steps = [{"right": right, "error": error} for right, error in (less, more)]
    assert budgets._worse(*steps) is worse


@pytest.mark.parametrize("system", systems.SYSTEMS, ids=lambda system: system.name)
def test_a_system_knows_its_concept_and_nothing_else(system: systems.System) -> None:
    X = system.draw(100, 0)
    assert np.ptp(system.value(X)) > 0
    concept = cf.Formula(system.concept, system.names)
    np.testing.assert_allclose(system.value(X), concept(X), rtol=1e-12)
    assert system.wrong_form(cf.Formula(f"exp(0.1*({system.concept}))", system.names)) == ""
    assert "cosine" in system.wrong_form(cf.Formula("x1 + x2*x2", system.names))
    long = f"{system.concept} + 1 + 1 + 1"
    assert "nodes" in system.wrong_form(cf.Formula(long, system.names))


def test_laws_are_told_their_units_unless_they_contradict_them(tmp_path: Path) -> None:
    ranges = ",".join(f"v{k}_name,v{k}_low,v{k}_high" for k in range(1, 11))
    rows = ["fall,s,g*t**2/2,g,1,5,t,1,5", "odd,s,g*t/2,g,1,5,t,1,5"]
    for name in srbench.FILES:
        told = [f"Filename,Output,Formula,{ranges}", *(row + "," * 24 for row in rows)]
        (tmp_path / name).write_text("\n".join(told))
        rows = []
    quantities = ["Variable,m,s,kg,T,V", "s,1,0,0,0,0", "g,1,-2,0,0,0", "t,0,1,0,0,0"]
    (tmp_path / srbench.UNITS).write_text("\n".join(quantities))
    fall, odd = srbench.laws(tmp_path)
    assert fall.units.keys() == {"x1", "x2", "y"}
    assert odd.units == {}
