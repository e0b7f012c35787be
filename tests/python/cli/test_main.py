"""The command line: what it prints, where, and how it fails."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.cli import main
from closedform.cli.arguments import parser
from closedform.errors import InputError
from closedform.formulas.constants import Constants
from closedform.formulas.noise import Absolute
from closedform.pipelines.provenance import Provenance, Sample
from closedform.pipelines.verdict import Verdict
from closedform.searches import telling
from closedform.searches.noise_plan import NoisePlan
from closedform.searches.progress import Progress

EXAMPLE = Path(__file__).parents[3] / "docs" / "pendulum.csv"


@dataclasses.dataclass
class Errors:
    rmse: float
    nrmse: float
    mean_relative: float
    max_abs: float
    log_density: float


def formula(text: str, loss: float) -> cf.Formula:
    made = cf.Formula(text, ["a", "b"], loss)
    made.constants = Constants([c.value for c in made.constants], np.array([[1e-4]]))
    return made


class FakeSeparability:
    reason = "the pair is additive"
    template = "f1(x1) + f2(x2)"

    def draw_tree(self, axes: Any) -> Any:
        return axes

    def part_pictures(self) -> list[Any]:
        return []

    def __str__(self) -> str:
        return "f(a) + g(b)"


def fake_discovery() -> cf.Discovery:
    """Stands in for a search of a minute."""
    front = cf.Front([formula("2.5", 4.0), formula("1.5*a + b", 0.0)], rivals=[0])
    return cf.Discovery(
        formula=front.best,
        front=front,
        verdict=Verdict("law", False, 40.0, 0.5, 1.0, "proven", False),
        noise=NoisePlan((Absolute(),), (None,), "as asked"),
        surrogate=None,
        separability=FakeSeparability(),  # type: ignore[arg-type]
        similarity=None,
        strategy="per-dimension",
        errors={
            "surrogate": Errors(0.1, 0.01, float("inf"), 0.2, 1.5),
            "through_surrogate": Errors(0.0, 0.0, 0.0, 0.0, 2.5),
            "direct": None,
        },
        chosen="through_surrogate",
        stopped="exact",
        provenance=Provenance(
            "y", ("a", "b"), 170, 30, 0, {"seed": 7}, "1.2.3", "any", datetime(2026, 1, 1)
        ),
        sample=Sample(np.ones((3, 2)), np.ones(3), np.zeros(3, dtype=bool)),
        outliers=(3, 7),
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replaces the search by a fake; gives the list of what it was called with."""
    seen: list[dict[str, Any]] = []

    def discover(X: object, y: object, **options: Any) -> cf.Discovery:
        seen.append({"X": X, "y": y, **options})
        best = formula("1.5*a + b", 0.0)
        for phase in ("surrogate", "search", "search"):
            if options["callback"](Progress(phase, 1.0, 59.0, 1000, best, 0.5, "half way")):
                break
        return fake_discovery()

    monkeypatch.setitem(
        sys.modules, "closedform.pipelines.discovery", SimpleNamespace(discover=discover)
    )
    return seen


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("id,a,b,w,y\n1,1,2,1,3\n2,2,2,1,4\n3,3,1,2,5\n")
    return path


def test_discover_prints_front_formula_errors_and_reasons(
    calls: list[dict[str, Any]], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["discover", str(data), "--target", "y", "--drop", "id", "--weights", "w"]
    more = ["--operators=+,*,sin", "--seed", "3", "--max-size", "9", "--threads", "2"]
    assert main.main([*arguments, *more]) == 0
    printed = capsys.readouterr()
    for expected in ["y = 1.5*a + b", "(chosen)", "not taken", "per-dimension", "f(a) + g(b)"]:
        assert expected in printed.out
    assert [line.split()[-1] for line in printed.err.splitlines()] == ["surrogate", "search"]

    (call,) = calls
    assert call["X"].names == ("a", "b")
    np.testing.assert_array_equal(call["weights"], [1, 1, 2])
    assert call["operators"] == ["+", "*", "sin"]
    assert (call["seed"], call["max_size"], call["threads"], call["time"]) == (3, 9, 2, 60)


def test_noise_and_standard_errors(
    calls: list[dict[str, Any]], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["discover", str(data), "--target", "y", "--quiet"]
    assert main.main([*base, "--noise", "log"]) == 0
    assert main.main([*base, "--sigma", "w"]) == 0
    assert [call["noise"] for call in calls] == ["log", "auto"]
    assert calls[0]["sigma"] is None
    np.testing.assert_array_equal(calls[1]["sigma"], [1, 1, 2])
    assert calls[1]["X"].names == ("id", "a", "b")
    assert main.main([*base, "--sigma-x", "0.5"]) == 0
    assert main.main([*base, "--sigma-x", "a=0.5,b=1"]) == 0
    assert [call["sigma_X"] for call in calls] == [None, None, 0.5, {"a": 0.5, "b": 1.0}]
    printed = capsys.readouterr().out
    for told in ("law: 40 nats", "noise: absolute; as asked", "rows far off: 3, 7", "1.500(10)"):
        assert told in printed


def test_a_budget_in_evaluations_is_not_cut_by_time(
    calls: list[dict[str, Any]], data: Path
) -> None:
    base = ["discover", str(data), "--target", "y", "--quiet", "--evaluations", "1000"]
    assert main.main(base) == 0
    assert main.main([*base, "--time", "5"]) == 0
    assert [call["time"] for call in calls] == [float("inf"), 5]


@pytest.mark.usefixtures("calls")
def test_json_is_one_document_and_nothing_else(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["discover", str(data), "--target", "y", "--json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out, parse_constant=lambda name: pytest.fail(name))
    assert printed.err == ""
    assert document["formula"]["text"] == "1.5*a + b"
    assert document["errors"]["surrogate"]["mean_relative"] is None
    assert document["errors"]["direct"] is None
    assert len(document["front"]) == 2
    assert document["provenance"]["settings"] == {"seed": 7}
    assert document["provenance"]["begun"] == "2026-01-01T00:00:00"


def test_columns_may_have_the_names_of_sympy_s_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    rows = np.random.default_rng(0).uniform(1, 2, (40, 3))
    table = np.column_stack([rows, rows[:, 0] * rows[:, 1] + rows[:, 2]])
    path, page = tmp_path / "data.csv", tmp_path / "page.html"
    np.savetxt(path, table, delimiter=",", header="Integer,Float,I,E", comments="")
    limits = ["--target", "E", "--evaluations", "2000", "--threads", "1", "--operators=+,*"]
    assert main.main(["discover", str(path), *limits, "--json", "--report", str(page)]) == 0
    text = json.loads(capsys.readouterr().out)["formula"]["text"]
    again = cf.Formula(text, ["Integer", "Float", "I"])
    np.testing.assert_allclose(again(rows), table[:, 3], rtol=1e-9)
    assert "Integer" in page.read_text()


@pytest.mark.usefixtures("calls")
def test_front_and_page_are_written(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    front, page = tmp_path / "front.json", tmp_path / "page.html"
    outputs = ["--save", str(front), "--report", str(page), "--quiet"]
    assert main.main(["discover", str(data), "--target", "y", *outputs]) == 0
    assert cf.Front.load(front).best.text == "1.5*a + b"
    text = page.read_text()
    for expected in ["A formula for y", "y = 1.5*a + b", "<math", "<svg", "per-dimension"]:
        assert expected in text
    assert not re.search(r"(src|href)=.https?:", text)  # nothing is fetched


def test_live_display(
    calls: list[dict[str, Any]], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main.main(["discover", str(data), "--target", "y"]) == 0
    panel = telling.lines(Progress("search", 1.0, 59.0, 1000, cf.Formula("a", ["a"]), 0.5), "y")
    assert panel == "search  (1 s, 59 s left; 1,000 expressions)\ny = a  loss 0.5"
    assert calls


def test_interrupting_keeps_the_best(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def discover(*_: object, callback: Callable[[Progress], bool], **__: object) -> cf.Discovery:
        assert not callback(Progress("search", 1.0))
        os.kill(os.getpid(), signal.SIGINT)
        assert callback(Progress("search", 2.0))
        return fake_discovery()

    monkeypatch.setitem(
        sys.modules, "closedform.pipelines.discovery", SimpleNamespace(discover=discover)
    )
    before = signal.getsignal(signal.SIGINT)
    assert main.main(["discover", str(data), "--target", "y"]) == 130
    assert "y = 1.5*a + b" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("command", ["", "discover", "interpret", "export", "info"])
def test_every_help_has_examples_that_can_be_typed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([*command.split(), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
    assert shown
    for line in shown:
        typed = shlex.split(line.partition("|")[2] or line)
        assert typed[:2] == ["closedform", command or typed[1]]
        kept = itertools.takewhile(lambda word: word not in "<>", typed[1:])
        assert parser().parse_args(list(kept)).command == typed[1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--version"])
    assert capsys.readouterr().out == f"closedform {cf.__version__}\n"


def test_start_checkpoint_and_device(
    calls: list[dict[str, Any]],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = ["discover", str(data), "--target", "y", "--quiet"]
    saved = tmp_path / "start.json"
    cf.Front([formula("2.5*a", 0.0)]).save(saved)
    again = ["--start", str(saved), "--checkpoint", str(saved), "--device", "auto"]
    assert main.main([*base, *again]) == 0
    assert [str(text) for text in calls[0]["start"]] == ["2.5*a"]
    assert calls[0]["options"]["checkpoint"] == saved
    assert calls[0]["device"] == "auto"
    assert main.main(base) == 0
    assert (calls[1]["options"], calls[1]["device"]) == ({}, "auto")
    capsys.readouterr()
    for more, message in (
        (["--start", str(tmp_path / "no.json")], "--start: cannot read"),
        (["--start", str(data)], "data.csv: not a saved front"),
        (["--checkpoint", str(tmp_path / "no" / "front.json")], "--checkpoint: cannot write"),
        (["--checkpoint", str(data)], "--checkpoint: "),
        (["--device", "gpu"], "argument --device: invalid choice: 'gpu'"),
    ):
        assert message in one_line_error(capsys, [*base, *more])


class Redirected(io.TextIOWrapper):
    def __init__(self, text: str) -> None:
        super().__init__(io.BytesIO(text.encode()))


def test_standard_input_and_output(
    calls: list[dict[str, Any]],
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = ["discover", "-", "--target", "y", "--quiet"]
    monkeypatch.setattr(sys, "stdin", Redirected(data.read_text()))
    assert main.main([*base, "--save", "-"]) == 0
    np.testing.assert_array_equal(calls[0]["y"], [3, 4, 5])
    saved = capsys.readouterr().out
    assert json.loads(saved)["format"] == "closedform front"
    monkeypatch.setattr(sys, "stdin", Redirected(saved))
    assert main.main(["export", "-", "--to", "numpy", "--output", "-"]) == 0
    assert "value = 1.5*a + b" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", Redirected("a,y\n1,2\n2,x\n"))
    error = "standard input: line 3, column 'y': 'x' is not a number"
    assert error in one_line_error(capsys, base)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert "standard input is a terminal" in one_line_error(capsys, base)
    for outputs, message in (
        (["--save", "-", "--report", "-"], "--report: is the same file as --save"),
        (["--save", "-", "--json"], "--json: prints a document, too"),
    ):
        assert message in one_line_error(capsys, ["discover", str(data), "--target", "y", *outputs])


def test_a_page_is_of_the_target_and_may_be_printed(
    calls: list[dict[str, Any]], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    assert main.main(["discover", str(data), "--target", "y", "--quiet", "--report", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")
    assert len(calls) == 1


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["info", "--json"]) == 0
    assert "instruction_set" in json.loads(capsys.readouterr().out)
    assert main.main(["info"]) == 0
    shown = capsys.readouterr().out
    assert "instruction_set" in shown
    assert "\ndevice " in shown


BAD_FILES = {
    "nan": ("a,b,y\n1,2,3\n2,nan,4\n", "line 3, column 'b': nan is not a finite number"),
    "infinity": ("a,b,y\n1,2,3\n2,2,inf\n", "line 3, column 'y': inf is not a finite number"),
    "text": ("a,b,y\n1,two,3\n2,2,4\n", "line 2, column 'b': 'two' is not a number"),
    "one row": ("a,b,y\n1,2,3\n", "too few rows (n_samples = 1); at least 2 are needed"),
    "cut off": ("a,b,y\n1,2,3\n2,2", "is cut off: its last line 3 has 2 fields"),
    "empty": ("", "is empty; give a file with a header"),
}


def one_line_error(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"closedform: error: [^\n]+\n", printed.err)
    return printed.err


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files(
    kind: str, calls: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = BAD_FILES[kind]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    error = one_line_error(capsys, ["discover", str(path), "--target", "y"])
    assert message in error
    assert str(path) in error
    assert not calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "z"], "target: no column 'z' in"),
        (["--target", "y", "--drop", "c"], "drop: no column 'c' in"),
        (["--target", "y", "--weights", "c"], "weights: no column 'c' in"),
        (["--target", "y", "--save", "{tmp}/no/front.json"], "--save: cannot write"),
        (["--target", "y", "--report", "{tmp}"], "is not a file; choose"),
        (["--target", "y", "--time", "-1"], "argument --time: -1 is not a positive number"),
        (["--target", "y", "--time", "soon"], "argument --time: invalid"),
        (["--target", "y", "--evaluations", "0"], "argument --evaluations: 0 is not a positive"),
        (["--target", "y", "--strategy", "guess"], "argument --strategy: invalid choice"),
        (["--target", "y", "--colour"], "unrecognized arguments: --colour"),
        ([], "the following arguments are required: --target"),
    ],
)
def test_bad_arguments(
    arguments: list[str],
    message: str,
    calls: list[dict[str, Any]],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    assert message in one_line_error(capsys, ["discover", str(data), *filled])
    assert not calls  # found before the search began
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{row},1,{row}", "X: column 'b' is 1 in every row; drop it"),
        ("{row},-{row},7", "y: is 7 in every row; give a target that varies"),
    ],
)
def test_constants_in_a_file(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["a,b,y", *(text.format(row=row) for row in range(9))]))
    assert message in one_line_error(capsys, ["discover", str(path), "--target", "y"])


X = np.random.default_rng(0).uniform(1, 2, (20, 2))
Y = X.sum(axis=1)


def changed(array: np.ndarray, value: object, dtype: type = float) -> np.ndarray:
    copy = array.astype(dtype)
    copy.flat[4] = value
    return copy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": changed(X, np.nan)}, "X: row 2, column 'x1' is NaN"),
        ({"X": changed(X, np.inf)}, "X: row 2, column 'x1' is infinite"),
        ({"X": changed(X, "b", object)}, "X: row 2, column 0 is 'b', not a number"),
        ({"X": X[:1], "y": Y[:1]}, "X: has too few rows (n_samples = 1)"),
        ({"X": X[:, :0]}, "X: no columns"),
        ({"X": X * [1, 0]}, "X: column 'x2' is 0 in every row; drop it"),
        ({"y": changed(Y, np.nan)}, "y: row 4 is NaN"),
        ({"y": changed(Y, "b", object)}, "y: row 4 is 'b', not a number"),
        ({"y": Y[:-1]}, "y: has 19 values for 20 rows"),
        ({"y": 0 * Y}, "y: is 0 in every row"),
        ({"weights": changed(Y, -1)}, "weights: row 4 is -1; weights must not be negative"),
        ({"operators": ["+", "gamma"]}, "operators: 'gamma'"),
        ({"operators": []}, "operators: none given"),
        ({"max_size": 0}, "max_size: 0"),
        ({"time": 0}, "time: 0"),
        ({"evaluations": -5}, "evaluations: -5"),
        ({"threads": 0}, "threads: 0"),
        ({"strategy": "guess"}, "strategy: 'guess'"),
        ({"backend": "guess"}, "backend: 'guess'"),
    ],
)
def test_bad_calls(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        cf.discover(**{"X": X, "y": Y, **arguments})
    assert "\n" not in str(caught.value)


def test_the_installed_command_fails_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "closedform", "discover", str(tmp_path / "no.csv")]
    done = subprocess.run([*command, "--target", "y"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("closedform: error: ")
    assert done.stderr.count("\n") == 1
