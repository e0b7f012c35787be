"""The PySR engine: what needs no Julia always, the rest (marked julia) wherever Julia starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.searches import interruption, settings
from closedform.searches.backends import hall_of_fame, julia_start, pysr
from closedform.searches.objectives import Directions, Labels, Objective, Values
from closedform.searches.progress import Callback
from closedform.searches.rules import Rules
from closedform.searches.settings import Settings
from closedform.tables.checks import Matrix

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 2, (40, 2))
Y = X[:, 0] * X[:, 1]
GRADIENTS = np.stack([X[:, 1], X[:, 0]], axis=1)
U = GRADIENTS / np.linalg.norm(GRADIENTS, axis=1, keepdims=True)
NAMES = ("x1", "x2")


def made(callback: Callback | None = None, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "operators": ("+", "*", "pow", "sin", "inv"),
        "max_size": 20,
        "time": 30.0,
        "backend": "pysr",
    }
    return settings.checked_settings(settings.Arguments(**given | changes), callback)


TARGETS: dict[str, Objective] = {
    "values": Values(Y, None),
    "gradients": Directions(U, None, None, False),
    "labels": Labels(np.where(Y > 1, 1.0, -1.0), None),
}


# the mapping -------------------------------------------------------------------------------------


def test_rules_become_parameters_and_units() -> None:
    pytest.importorskip("pint", reason="pint is not installed")
    limits = {
        "depth": 6,
        "operands": {"pow": (None, 1), "sin": 5},
        "nesting": {"sin": {"sin": 0, "pow": 1}},
    }
    units = {"x1": "kg", "x2": "m/s^2", "y": "N"}
    rules = Rules.read(units, "free", limits, NAMES, ["y"])
    given = pysr.arguments(TARGETS["values"], replace(made(), rules=rules))
    assert given["maxdepth"] == 6
    assert given["constraints"] == {"^": (-1, 1), "sin": 5}
    assert given["nested_constraints"] == {"sin": {"sin": 0, "^": 1}}
    assert given["dimensionless_constants_only"] is False
    told = pysr.units_of(rules, NAMES)
    assert told == {"X_units": ["kg^(1)", "m^(1)*s^(-2)"], "y_units": "kg^(1)*m^(1)*s^(-2)"}
    others = Rules.read({"x1": "pixel"}, "dimensionless", None, NAMES, ["y"])
    with pytest.raises(InputError, match="units: pixel is not for PySR"):
        pysr.units_of(others, NAMES)


def test_settings_become_parameters_of_the_regressor() -> None:
    given = pysr.arguments(TARGETS["values"], made(evaluations=1000, max_size=5))
    assert given["binary_operators"] == ["+", "*", "^"]
    assert given["unary_operators"] == ["sin", "inv"]
    assert given["max_evals"] == 1000
    assert given["maxsize"] == 7  # PySR takes no less; longer formulas are left out afterwards
    assert given["precision"] == 64
    assert given["parallelism"] == "multithreading"
    assert "random_state" not in given  # it would be a promise that threads do not keep
    alone = pysr.arguments(TARGETS["values"], made(threads=1, seed=7))
    assert (alone["parallelism"], alone["deterministic"], alone["random_state"]) == (
        "serial",
        True,
        7,
    )


def test_each_target_has_its_loss() -> None:
    losses = {name: pysr.arguments(target, made()) for name, target in TARGETS.items()}
    assert losses["values"]["elementwise_loss"] == "L2DistLoss()"
    assert losses["labels"]["elementwise_loss"] == "L1HingeLoss()"
    assert "elementwise_loss" not in losses["gradients"]
    assert losses["gradients"]["should_simplify"] is False
    assert "should_simplify" not in losses["values"]
    assert "batching" not in losses["gradients"]  # 40 rows
    many = Directions(np.tile(U, (10, 1)), None, None, False)
    assert pysr.arguments(many, made())["batch_size"] == 100


def test_options_are_passed_on_and_come_last() -> None:
    options = {"populations": 8, "verbosity": 1, "should_simplify": True}
    given = pysr.arguments(TARGETS["gradients"], made(options=options))
    assert {key: given[key] for key in options} == options


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": {"maxsize": 9}}, ["options", "'maxsize'", "max_size"]),
        ({"options": {"loss_function": "f"}}, ["options", "'loss_function'", "gradients"]),
        ({"options": {"denoise": True}}, ["options", "'denoise'"]),
        ({"options": {"checkpoint": "f"}}, ["options", "'checkpoint'", "output_directory"]),
        ({"seed": 2**32}, ["seed", "4294967295"]),
    ],
)
def test_what_cannot_be_mapped_is_refused_by_name(
    changes: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        pysr.check(made(**changes))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["mass", "v_0"], ["mass", "v_0"]),
        (["mass", "β"], ["x1", "x2"]),  # PySR takes no Greek letters
        (["gamma", "beta"], ["x1", "x2"]),  # functions to sympy
        (["less", "b"], ["x1", "x2"]),  # a function to PySR
    ],
)
def test_columns_keep_their_names_where_pysr_takes_them(
    names: list[str], labels: list[str]
) -> None:
    assert pysr.pysr_labels(names, {"less"}) == labels


def test_juliapkg_is_told_of_zygote() -> None:
    document = json.loads((Path(cf.__file__).parent / "juliapkg.json").read_text())
    assert document["packages"]["Zygote"]["uuid"] == "e88e6eb3-aa80-5325-afca-941959d7151f"


# the hall of fame --------------------------------------------------------------------------------

HALL = 'Complexity,Loss,Equation\n1,2.5,"b"\n3,0.1,"1.5 * a"\n5,1e-3,"square(a) * (b + -1.0e-5)"\n'


def hall_at(path: Path, text: str, target: Objective, **changes: Any) -> hall_of_fame.HallOfFame:
    path.write_text(text)
    return hall_of_fame.HallOfFame(path, Matrix(X, NAMES), ("a", "b"), target, made(**changes))


def test_equations_come_back_in_the_columns_names(tmp_path: Path) -> None:
    hall = hall_at(tmp_path / "hall.csv", HALL, TARGETS["values"])
    assert hall.texts() == ["x2", "1.5*x1", "x1**2*(x2 + -1e-05)"]
    small = hall_at(tmp_path / "hall.csv", HALL, TARGETS["values"], max_size=3)
    assert small.texts() == ["x2", "1.5*x1"]


def test_a_signal_that_is_held_stops_the_engine(tmp_path: Path) -> None:
    hall = hall_at(tmp_path / "hall.csv", HALL, TARGETS["values"], time=600.0)
    with interruption.held():
        assert not hall.look()
        os.kill(os.getpid(), signal.SIGINT)
        assert hall.look()
    assert hall.reason == "interrupted"


def test_a_file_cut_short_has_a_whole_copy(tmp_path: Path) -> None:
    path = tmp_path / "hall.csv"
    assert hall_of_fame.equations(path) == []
    (tmp_path / "hall.csv.bak").write_text(HALL)
    for cut in ("", "Complex", HALL[: HALL.index("square") + 3]):
        path.write_text(cut)
        assert hall_of_fame.equations(path)[:2] == ["b", "1.5 * a"]


def test_looking_on_ends_a_search(tmp_path: Path) -> None:
    path, values = tmp_path / "hall.csv", TARGETS["values"]
    told: list[cf.Formula | None] = []

    def stop(progress: Any) -> bool:
        told.append(progress.best)
        return len(told) > 1

    hall = hall_at(path, HALL, values, callback=stop)
    assert [hall.look(), hall.look()] == [False, True]
    assert hall.reason == "interrupted"
    best = told[0]
    assert best is not None  # and its loss is not the file's word but its own
    assert best.loss == pytest.approx(np.mean((best(X) - Y) ** 2), rel=1e-12)

    exact = hall_at(path, HALL + '7,1e-9,"1.0000001 * (a * b)"\n', values)
    assert exact.look()
    assert exact.reason == "exact"

    late = hall_at(path, HALL, values, time=1e-9)
    assert late.look()
    assert late.reason == "time"

    def fail(progress: Any) -> bool:
        raise ZeroDivisionError("mine")

    failing = hall_at(path, HALL, values, callback=fail)
    assert failing.look()  # raised into Julia it would be lost
    assert isinstance(failing.error, ZeroDivisionError)


# the call, with a stand-in for Julia --------------------------------------------------------------


class StandIn:
    """What pysr.py touches of Julia's Main and of PySR: notes the calls and writes a hall."""

    def __init__(self, equations: list[str], fails: BaseException | None = None) -> None:
        self.lines: list[str] = []
        self.objectives: list[Any] = []
        self.parameters: dict[str, Any] = {}
        self.fitted: dict[str, Any] = {}
        self.equations, self.fails = equations, fails
        self.GradientCosine = SimpleNamespace(
            Objective=lambda *given: self.objectives.append(given)
        )
        self.export_sympy = SimpleNamespace(sympy_mappings={})

    def seval(self, line: str) -> Callable[..., Any]:
        self.lines.append(line)
        return lambda *given: given[0]

    def PySRRegressor(self, **parameters: Any) -> StandIn:
        self.parameters = parameters
        return self

    def fit(self, X: Any, y: Any, **given: Any) -> None:
        self.fitted = {"X": X, "y": y, **given}
        folder = Path(self.parameters["output_directory"]) / self.parameters["run_id"]
        folder.mkdir()
        lines = [f'{k},1.0,"{text}"\n' for k, text in enumerate(self.equations)]
        (folder / "hall_of_fame.csv").write_text("Complexity,Loss,Equation\n" + "".join(lines))
        if self.fails is not None:
            raise self.fails


def stood_in(monkeypatch: pytest.MonkeyPatch, julia: StandIn) -> None:
    monkeypatch.setitem(sys.modules, "pysr", julia)
    monkeypatch.setattr(julia_start, "start", lambda threads: julia)


def test_gradients_travel_as_an_objective_and_row_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    julia = StandIn(["a", "-1.0 * (a * b) + 3.0"])
    stood_in(monkeypatch, julia)
    scales = np.ones_like(U)
    target = Directions(U, scales, np.ones(len(U)), False)
    found = pysr.search(Matrix(X, ("a", "b")), target, made())
    ((directions, factors, weights, signed),) = julia.objectives
    assert directions.shape == factors.shape == (2, len(X))
    assert np.array_equal(directions, U.T)
    assert (weights is target.weights, signed) == (True, False)
    assert np.array_equal(julia.fitted["y"], np.arange(1, len(X) + 1))
    assert julia.fitted["X"].shape == X.shape  # no column but the user's
    assert julia.fitted["weights"] is None
    # Functions are variables of Main while the fit lasts, and named by the text PySR is given.
    for key in ("early_stop_condition", "loss_function"):
        arguments, _, call = julia.parameters[key].partition(" -> ")
        name = call.removesuffix(arguments)
        assert f"value -> (global {name} = value; nothing)" in julia.lines
        assert f"{name} = nothing" in julia.lines
    # Sign, scale and offset mean nothing to directions.
    assert found.entries[-1][0] == "a*b"
    assert found.entries[-1][1] < 1e-14


@pytest.mark.parametrize(
    "stop", [KeyboardInterrupt(), RuntimeError("JuliaError: InterruptException:")]
)
def test_ctrl_c_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch, stop: BaseException) -> None:
    stood_in(monkeypatch, StandIn(["x1", "x1 * x2"], stop))
    found = pysr.search(Matrix(X, NAMES), TARGETS["values"], made())
    assert found.reason == "interrupted"
    assert found.entries[-1][0] == "x1*x2"


def test_another_error_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    stood_in(monkeypatch, StandIn(["x1"], RuntimeError("JuliaError: BoundsError")))
    with pytest.raises(RuntimeError, match="BoundsError"):
        pysr.search(Matrix(X, NAMES), TARGETS["values"], made())


# what is said where Julia cannot be used ----------------------------------------------------------


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """PySR is there, of a supported version, and the environment says nothing of Julia."""
    monkeypatch.setattr(julia_start, "find_spec", lambda name: object())
    monkeypatch.setattr(julia_start.metadata, "version", lambda name: "1.5.10")
    for name in (julia_start.EXE, julia_start.PROJECT):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def own_julia(monkeypatch: pytest.MonkeyPatch, folder: Path, version: str, manifest: str) -> None:
    executable = folder / "julia"
    executable.write_text(f"#!/bin/sh\necho julia version {version}\n")
    executable.chmod(0o755)
    (folder / "Manifest.toml").write_text(manifest)
    monkeypatch.setenv(julia_start.EXE, str(executable))
    monkeypatch.setenv(julia_start.PROJECT, str(folder))


WHOLE = "".join(f"[[deps.{name}]]\n" for name in julia_start.PACKAGES)


@pytest.mark.parametrize(
    ("version", "manifest", "words"),
    [
        ("1.9.4", WHOLE, ["1.9.4", "too old", "1.10", "juliapkg"]),
        ("1.10.1", WHOLE.replace("Zygote", "Zyg"), ["half installed", "Zygote", "Pkg.add"]),
        ("1.10.1", "", ["half installed", "SymbolicRegression, PythonCall, Zygote missing"]),
    ],
)
def test_ones_own_julia_is_looked_at(
    installed: pytest.MonkeyPatch, tmp_path: Path, version: str, manifest: str, words: list[str]
) -> None:
    own_julia(installed, tmp_path, version, manifest)
    usable, line = julia_start.status()
    assert not usable
    assert all(word in line for word in [*words, "backend='native'"]), line
    with pytest.raises(InputError, match="backend: 'pysr' cannot be used"):
        cf.search(X, values=Y, backend="pysr")


def test_ones_own_julia_is_used(installed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_julia(installed, tmp_path, "1.10.1-DEV", WHOLE)
    usable, line = julia_start.status()
    assert usable
    assert "Julia 1.10.1" in line


def test_what_is_missing_is_named(installed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed.setenv(julia_start.EXE, "julia")
    usable, line = julia_start.status()
    assert not usable
    assert "PYTHON_JULIACALL_EXE is set alone" in line
    installed.setenv(julia_start.PROJECT, str(tmp_path))
    installed.setenv(julia_start.EXE, str(tmp_path / "none"))
    assert "does not run" in julia_start.status()[1]
    installed.setattr(julia_start.metadata, "version", lambda name: "1.4.0")
    assert "PySR 1.4.0 is not supported; pip install 'pysr>=1.5.10,<3'" in julia_start.status()[1]
    installed.setattr(julia_start, "find_spec", lambda name: None)
    assert "PySR is not installed; pip install 'pysr>=1.5.10" in julia_start.status()[1]


def test_a_failed_start_says_what_to_do(installed: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise OSError("Could not resolve host: julialang-s3.julialang.org\nmore")

    installed.setattr(julia_start.importlib, "import_module", fail)
    with pytest.raises(InputError) as caught:
        julia_start.start(None)
    text = str(caught.value)
    assert "\n" not in text
    for words in ("Could not resolve host", "no network here", "PYTHON_JULIACALL_EXE", "native"):
        assert words in text


# with Julia --------------------------------------------------------------------------------------


@pytest.mark.julia
def test_with_julia() -> None:
    """tests/julia, in a process of its own: Julia takes signals, and must come before torch."""
    usable, line = julia_start.status()
    if not usable or "will download" in line:  # nothing is downloaded for a test
        pytest.skip(f"Julia cannot be started: {line}")
    tests = Path(__file__).parents[3] / "julia"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
