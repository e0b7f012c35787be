"""Names, ranges and comments of exported code, and surrogates as code."""

from __future__ import annotations

import ctypes
import json
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.cli import main
from closedform.codegen.expression import LANGUAGES
from closedform.errors import InputError

GCC = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC", "-O1"]
GFORTRAN = ["gfortran", "-std=f2008", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1"]


def compiled(command: list[str], source: Path) -> ctypes.CDLL:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    library = source.with_name(f"{source.name}.so")
    arguments = [*command, str(source), "-o", str(library), "-lm"]
    done = subprocess.run(arguments, cwd=source.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(library))


def pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def numpy_function(code: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {}
    exec(code, scope)
    function: Callable[..., Any] = scope["formula"]
    return function


def test_quotients_divide() -> None:
    """Where the reciprocal of the divisor is infinite the quotient need not be, as in the formula;
    with derivatives, which divide by the same, too."""
    row = np.array([[0.0, 5e-324], [5e-324, 1e-323], [3.0, 7.0]])
    formula = cf.Formula("x/y", ["x", "y"])
    for order in (0, 1):
        with np.errstate(all="ignore"):  # the gradient is infinite
            results = numpy_function(formula.code("numpy", order))(*row.T)
        values = results[0] if order else results
        np.testing.assert_array_equal(values, formula(row))


# Keywords, names the code itself uses, two that differ in case, letters beyond ASCII, a very long
# one, and ones that would collide once they are made legal.
HARD_NAMES = (
    *("double", "value", "gradient", "t1", "np", "real64", "T", "t", "α", "größe", "_hidden"),
    *(
        "x_",
        "température",
        "温度",
        "u6e29u5ea6",
        "merge",
        "end",
        "formula",
        "gamma",
        "j0",
        "y" * 80,
    ),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_legal_and_distinct(language: str) -> None:
    text = "+".join(f"{i}*sin({name})" for i, name in enumerate(HARD_NAMES, 1))
    formula = cf.Formula(text, HARD_NAMES)
    code = formula.code(language, 1)
    head = re.search(
        r"(?:def|function|double|subroutine) formula\(([^)]*)\)", code.replace("&", "")
    )
    assert head is not None
    arguments = [part.split()[-1] for part in head[1].split(",")][: len(HARD_NAMES)]
    folded = [name.lower() for name in arguments] if language == "fortran" else arguments
    assert len(set(folded)) == len(HARD_NAMES)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name) for name in arguments)
    assert not set(folded) & {"value", "gradient", "formula"}
    assert "alpha" in arguments
    assert "grosse" in arguments
    for column, argument in zip(HARD_NAMES, arguments, strict=True):
        assert column == argument or f"{argument} (column {column})" in code


def test_hard_names_compute_the_same(tmp_path: Path) -> None:
    formula = cf.Formula(
        "+".join(f"{i}*sin({name})" for i, name in enumerate(HARD_NAMES, 1)), HARD_NAMES
    )
    X = np.random.default_rng(0).uniform(-2, 2, (1, len(HARD_NAMES)))
    source = tmp_path / "code.c"
    source.write_text(formula.code("c"), encoding="utf-8")
    c = compiled(GCC, source).formula
    c.restype, c.argtypes = ctypes.c_double, [ctypes.c_double] * len(HARD_NAMES)
    source = tmp_path / "code.f90"
    source.write_text(formula.code("fortran"), encoding="utf-8")
    fortran = compiled(GFORTRAN, source)["__formula_module_MOD_formula"]
    fortran.restype = ctypes.c_double
    for result in (
        c(*X[0]),
        fortran(*(ctypes.byref(ctypes.c_double(v)) for v in X[0])),
        numpy_function(formula.code("numpy"))(*X[0]),
    ):
        assert result == pytest.approx(formula(X)[0], rel=1e-13)


def test_inputs_outside_their_ranges(tmp_path: Path) -> None:
    formula = cf.Formula("a**2*b + c", ("a", "b", "c"), ranges=((0, 1), (-1, 1), (0, 2)))
    points = np.array([[0.5, 0.5, 1], [2, 0.5, 1], [0.5, -3, 1], [-1, 5, 9], [1, 1, 2]])
    inside = np.clip(points, [0, -1, 0], [1, 1, 2])

    value, gradient, hessian = numpy_function(formula.code("numpy", 2, outside="clamp"))(*points.T)
    np.testing.assert_allclose(value, formula(inside), rtol=1e-15)
    np.testing.assert_allclose(gradient, formula.gradient(inside) * (points == inside), rtol=1e-15)
    mixed = 2 * inside[:, 0] * (points == inside)[:, 0] * (points == inside)[:, 1]
    np.testing.assert_allclose(hessian[:, 0, 1], mixed, rtol=1e-15)
    np.testing.assert_array_equal(hessian, hessian.transpose(0, 2, 1))

    source = tmp_path / "code.c"
    source.write_text(formula.code("c", outside="clamp").replace("formula(", "clamped("))
    with source.open("a") as file:
        file.write(formula.code("c", outside="flag"))
    library = compiled(GCC, source)
    library.clamped.restype = library.formula.restype = ctypes.c_double
    library.clamped.argtypes = [ctypes.c_double] * 3
    flags = []
    for point in [*points, np.array([np.nan, 0, 1])]:
        flag = ctypes.c_int(-1)
        library.formula(*map(ctypes.c_double, point), ctypes.byref(flag))
        flags.append(flag.value)
    assert flags == [0, 1, 1, 1, 0, 1]
    np.testing.assert_allclose([library.clamped(*p) for p in points], formula(inside), rtol=1e-15)
    assert np.isnan(library.clamped(np.nan, 0, 1))
    flagged = numpy_function(formula.code("numpy", outside="flag"))(*points.T)[-1]
    np.testing.assert_array_equal(flagged, [0, 1, 1, 1, 0])
    with pytest.raises(InputError, match="outside: the range of 'x'"):
        cf.Formula("x", ["x"]).code("c", outside="flag")
    other = cf.Formula("x", ["x"]).code("numpy", outside="clamp", ranges={"x": (0, 2)})
    np.testing.assert_array_equal(numpy_function(other)([-1.0, 1.0, 3.0]), [0, 1, 2])


def test_the_search_remembers_the_ranges(tmp_path: Path) -> None:
    X = np.random.default_rng(0).uniform(-1, 3, (40, 2))
    front = cf.search(X, values=X[:, 0] * X[:, 1], time=float("inf"), evaluations=3000)
    expected = tuple(zip(X.min(axis=0), X.max(axis=0), strict=True))
    assert front.best.ranges == expected
    path = tmp_path / "front.json"
    front.save(path)
    assert cf.Front.load(path).best.ranges == expected
    assert pickle.loads(pickle.dumps(front.best)).ranges == expected
    assert f"x1, {expected[0][0]:.6g} to {expected[0][1]:.6g} in the data" in front.best.code("c")
    # Files written before ranges were kept have none.
    document = json.loads(path.read_text())
    document.pop("ranges")
    path.write_text(json.dumps(document))
    assert cf.Front.load(path).best.ranges is None
    path.write_text(json.dumps(document | {"ranges": [[0, 1]]}))
    with pytest.raises(ValueError, match=r"ranges: must be one .low, high. for each of 2 inputs"):
        cf.Front.load(path)


def test_comments_cannot_be_left() -> None:
    formula = cf.Formula("x", ["x"])
    for language in LANGUAGES:
        code = formula.code(language, units={"x": "m*/ s\nint i = 1; /* \\"})
        assert "int i" not in re.sub(r"/\*.*?\*/|^(#(?!include)|!).*$", "", code, flags=re.S | re.M)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"language": "cobol"}, "language: 'cobol' is unknown; known are c, c++, cuda, fortran"),
        ({"derivatives": 3}, "derivatives: 3 is out of range; give a whole number 0 to 2"),
        ({"name": "2x"}, "name: '2x' is no name for a function in C99"),
        ({"name": "double"}, "name: 'double' is no name"),
        ({"name": "value"}, "name: 'value' is no name"),
        ({"ranges": {"z": (0, 1)}}, "ranges: 'z' is no input; the inputs are x"),
        ({"ranges": {"x": (1, 0)}}, "ranges: 'x' has (1, 0); give finite low <= high"),
        ({"units": {"z": "m"}}, "units: 'z' is no input"),
        ({"outside": "ignore"}, "outside: 'ignore' is unknown"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        cf.Formula("x + 1", ["x"]).code(**{"language": "c"} | arguments)


def surrogate(outside: str, modes: int = 5) -> cf.Surrogate:
    rng = np.random.default_rng(3)
    X = rng.uniform(-1, 2, (600, 4))
    X[:, 2] = rng.integers(0, 4, 600)
    X[:, 3] = X[:, 3] > 0.3
    y = np.sin(3 * X[:, 0]) * np.exp(X[:, 1]) + X[:, 2] * X[:, 0] - X[:, 3] * X[:, 1] ** 2
    return cf.Surrogate(modes=modes, segments=7, outside=outside).fit(X, y)  # type: ignore[arg-type]


@pytest.mark.parametrize("outside", ["linear", "clamp", "error"])
def test_surrogates_as_code(outside: str, tmp_path: Path) -> None:
    model = surrogate(outside)
    rng = np.random.default_rng(4)
    X = rng.uniform(-1.5, 2.5, (200, 4))
    X[:60] = rng.uniform([-0.9, -0.9, 0, 0], [1.9, 1.9, 3, 1], (60, 4))
    grid = [model.nodes[d][rng.integers(0, len(model.nodes[d]), 60)] for d in range(4)]
    X[60:120] = np.column_stack(grid)  # on nodes, the ends among them
    expected = np.full((len(X), 5), np.nan)
    defined = np.ones(len(X), bool)
    if outside == "error":
        low, high = np.array([(nodes[0], nodes[-1]) for nodes in model.nodes]).T
        defined = ((low <= X) & (high >= X)).all(axis=1)
    expected[defined, 0] = model.predict(X[defined])
    expected[defined, 1:] = model.gradient(X[defined])

    source = tmp_path / "code.c"
    source.write_text(model.code("c", 1) + model.code("c", name="value_alone"))
    c = compiled(GCC, source)
    c.surrogate.restype = c.value_alone.restype = ctypes.c_double
    source = tmp_path / "code.f90"
    source.write_text(model.code("fortran", 1) + model.code("fortran", name="value_alone"))
    fortran = compiled(GFORTRAN, source)
    alone = fortran["__value_alone_module_MOD_value_alone"]
    alone.restype = ctypes.c_double
    results = np.zeros((2, len(X), 6))
    for i, x in enumerate(X):
        row = x.copy()
        results[0, i, 0] = c.surrogate(pointer(row), pointer(results[0, i, 1:5]))
        results[0, i, 5] = c.value_alone(pointer(row))
        fortran["__surrogate_module_MOD_surrogate"](
            pointer(row), pointer(results[1, i, :1]), pointer(results[1, i, 1:5])
        )
        results[1, i, 5] = alone(pointer(row))
    # The modes cancel against each other: relative to the largest, not to a sum that may be 0.
    scale = np.nanmax(abs(expected), axis=0)
    for result in results:
        np.testing.assert_array_equal(np.isnan(result[:, :5]), np.isnan(expected))
        worst = np.nanmax(abs(result[:, :5] - expected) / scale, axis=0)
        print(f"surrogate, {outside}: worst {worst.max():.1e}")
        assert np.all(worst <= 1e-13)
        np.testing.assert_allclose(result[:, 5], result[:, 0], rtol=1e-13, atol=1e-14)


def test_export_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formulas = [cf.Formula("p", ["p", "T"], 1.0), cf.Formula("p/T", ["p", "T"], 0.5)]
    front = cf.Front(formulas)
    saved = tmp_path / "front.json"
    front.save(saved)

    def run(*arguments: str) -> str:
        assert main.main(["export", *arguments]) == 0
        return capsys.readouterr().out

    assert run(str(saved), "--to", "c") == front.best.code("c")
    unit = ["--unit", "p=kPa"]
    code = front[0].code("fortran", 2, name="gas", units={"p": "kPa"})
    options = ["--derivatives", "2", "--name", "gas", "--complexity", "1", *unit]
    assert run(str(saved), "--to", "fortran", *options) == code
    assert run(str(saved), "--to", "julia", "--output", str(tmp_path / "gas.jl")) == ""
    assert (tmp_path / "gas.jl").read_text() == front.best.code("julia")
    model = surrogate("linear", modes=1)
    model.save(tmp_path / "surrogate.npz")
    assert run(str(tmp_path / "surrogate.npz"), "--to", "c") == model.code("c")

    (tmp_path / "bad.json").write_text("{}")
    for arguments, message in (
        ([str(saved), "--to", "cobol"], "language: 'cobol' is unknown"),
        ([str(saved), "--to", "c", "--outside", "clamp"], "outside: the range of 'p'"),
        ([str(saved), "--to", "c", "--complexity", "9"], "--complexity: none of 9 nodes"),
        ([str(saved), "--to", "c", "--unit", "kPa"], "argument --unit: kPa is not INPUT=UNIT"),
        ([str(tmp_path / "bad.json"), "--to", "c"], "not a saved front"),
        ([str(tmp_path / "none.json"), "--to", "c"], "cannot be read"),
        (
            [str(tmp_path / "surrogate.npz"), "--to", "julia"],
            "language: 'julia' is unknown; use one of",
        ),
    ):
        assert main.main(["export", *arguments]) == 2
        assert message in capsys.readouterr().err


# At the edges of the operators' domains, and where a power is 0 or leaves the range of doubles.
EDGES = [
    *("pow(x, y)", "pow(abs(x), y)", "pow(x, 2.5) + y", "pow(x, -3)*y", "pow(x, 0.5)"),
    *("abs(x)*y", "sqrt(x)*y", "x/y", "inv(x) + inv(y)", "log(x*y)", "x**3/y**2", "x - x + y"),
]


@pytest.mark.parametrize("text", EDGES)
def test_edges_are_those_of_the_formula(text: str) -> None:
    bases = (0.0, -0.0, 1.0, -1.0, -2.5, 3.0, 1e-300, 1e300)
    X = np.array([(x, y) for x in bases for y in (0.0, -0.0, 1.0, -1.0, 2.0, 2.5, -3.0)])
    formula = cf.Formula(text, ["x", "y"])
    with np.errstate(all="ignore"):
        value, gradient = numpy_function(formula.code("numpy", 1))(*X.T)
    for result, expected in ((value, formula(X)), (gradient, formula.gradient(X))):
        defined = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(result), defined)
        np.testing.assert_allclose(result[defined], expected[defined], rtol=1e-13)
