"""Exported code against an obvious reference in extended precision, in every language that runs.

CLOSEDFORM_EXPRESSIONS sets how many random expressions are drawn (500 for a full check); with
`pytest -s` the worst errors are printed.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jets
import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.searches.settings import KNOWN_OPERATORS

NAMES = ("x", "y", "z")
EXPRESSIONS = int(os.environ.get("CLOSEDFORM_EXPRESSIONS", "30"))
ROWS = 8
TOLERANCE = 1e-13
ROUNDINGS = 2
UNDERFLOW = 1e-200  # what is smaller is a product of numbers that double can no longer tell from 0
UNARY = [name for name, known in _core.OPERATORS.items() if known.operands == 1 and known.power < 2]


@dataclass
class Case:
    """An expression with its truth: (rows, 13) of value, gradient, Hessian, and error bounds.

    Attributes:
        defined: rows that have all of them.
        clear: rows where no rounding decides whether there is a value, as it does in log(sin(1e9)).
    """

    formula: cf.Formula
    truth: np.ndarray
    bound: np.ndarray
    defined: np.ndarray
    clear: np.ndarray


def random_text(rng: random.Random, size: int) -> str:
    if size <= 1:
        leaf = rng.choice([*NAMES, *NAMES, "constant"])
        return leaf if leaf != "constant" else repr(round(rng.uniform(0.1, 4), rng.randint(0, 12)))
    if rng.random() < 0.45:
        inner = random_text(rng, size - 1)
        form = rng.choice([*(f"{name}({{}})" for name in UNARY), "({})**2", "({})**3", "-({})"])
        return form.format(inner)
    left = rng.randint(1, max(1, size - 2))
    a, b = random_text(rng, left), random_text(rng, max(1, size - 1 - left))
    op = rng.choice(["+", "-", "*", "/", ">", "pow", "max", "min", "whole"])
    if op in ("pow", "max", "min"):
        return f"{op}({a}, {b})"
    return f"pow({a}, {rng.randint(-5, 9)})" if op == "whole" else f"({a}) {op} ({b})"


@cache
def rows() -> np.ndarray:
    X = np.random.default_rng(1).uniform(0.2, 2.2, (ROWS, len(NAMES)))
    X.setflags(write=False)
    return X


def clear(formula: cf.Formula) -> np.ndarray:
    moves = np.random.default_rng(2).uniform(-1e-12, 1e-12, (16, *rows().shape))
    finite = [np.isfinite(formula(rows() * (1 + move))) for move in moves]
    return np.all(finite, axis=0) | ~np.any(finite, axis=0)


@cache
def cases() -> tuple[Case, ...]:
    """Random expressions that have a value of moderate size at some row at least."""
    rng = random.Random(7)
    found: list[Case] = []
    used: frozenset[str] = frozenset()
    while len(found) < EXPRESSIONS or used != KNOWN_OPERATORS:
        formula = cf.Formula(random_text(rng, rng.randint(2, 24)), NAMES)
        truth, bound = jets.columns(formula.text, NAMES, rows())
        defined = np.isfinite(truth).all(axis=1) & np.isfinite(bound).all(axis=1)
        defined &= (abs(truth) < 1e12).all(axis=1) & np.isfinite(formula.gradient(rows())).all(
            axis=1
        )
        if defined.any():
            found.append(Case(formula, truth, bound, defined, clear(formula)))
            used |= formula.operators
    return tuple(found)


def check(language: str, results: np.ndarray) -> None:
    """results: (expressions, rows, 13)."""
    parts = {"value": slice(0, 1), "gradient": slice(1, 4), "hessian": slice(4, 13)}
    worst = dict.fromkeys((*parts, "ours"), (0.0, ""))
    plain, entries = 0, 0
    for case, result in zip(cases(), results, strict=True):
        text = str(case.formula)
        ours = np.column_stack([case.formula(rows()), case.formula.gradient(rows())])
        # As defined as the formula: at a row where that has no value, the code has none.
        finite = np.isfinite(result[:, 0])
        np.testing.assert_array_equal(finite[case.clear], np.isfinite(ours[case.clear, 0]), text)
        truth, bound = case.truth[case.defined], case.bound[case.defined]
        # Rounding alone makes an error near `bound` units: entries so ill conditioned that a few of
        # them are more than the tolerance are held to that, all others to the tolerance itself.
        scale = np.maximum(abs(truth), bound * (ROUNDINGS * 2.0**-53 / TOLERANCE))
        scale = np.maximum(scale, UNDERFLOW)
        plain += int((scale <= abs(truth)).sum())
        entries += int(((truth != 0) | (bound != 0)).sum())
        error = abs(result[case.defined] - truth) / scale
        found = {name: float(error[:, part].max()) for name, part in parts.items()}
        found["ours"] = float(
            (abs(result[case.defined, :4] - ours[case.defined]) / scale[:, :4]).max()
        )
        worst = {name: max(worst[name], (found[name], text)) for name in worst}
    print(
        f"{language:8} {len(results)} expressions, worst relative error "
        + ", ".join(f"{name} {error:.1e}" for name, (error, _) in worst.items())
        + f"; {plain / entries:.1%} of {entries} entries to plain {TOLERANCE:.0e}"
    )
    for name, (error, text) in worst.items():
        assert error <= TOLERANCE, f"{language}, {name}: {error:.1e}: {text}"
    assert plain >= 0.75 * entries


def sources(language: str) -> list[str]:
    return [case.formula.code(language, 2, name=f"f{i}") for i, case in enumerate(cases())]


C_ALL = """
void {name}(int n, const double *x, double *out)
{{
    for (int i = 0; i < n; ++i, x += 3) {{
{calls}
    }}
}}
"""
C_CALL = "        *out = f{0}(x[0], x[1], x[2], out + 1, out + 4); out += 13;"
FORTRAN_ALL = """
subroutine evaluate(n, x, values) bind(c)
   use, intrinsic :: iso_c_binding
{uses}
   implicit none
   integer(c_int), value :: n
   real(c_double), intent(in) :: x(3, n)
   real(c_double), intent(inout) :: values(13, {count}, n)
   integer :: i
   do i = 1, n
{calls}
   end do
end subroutine
"""
FORTRAN_CALL = (
    "      call f{0}(x(1, i), x(2, i), x(3, i), &\n"
    "         values(1, {1}, i), values(2, {1}, i), values(5, {1}, i))"
)


def program(language: str) -> str:
    texts = sources(language)
    numbers = range(len(texts))
    if language == "fortran":
        calls = "\n".join(FORTRAN_CALL.format(i, i + 1) for i in numbers)
        uses = "\n".join(f"   use f{i}_module" for i in numbers)
        return "\n".join(texts) + FORTRAN_ALL.format(uses=uses, calls=calls, count=len(texts))
    calls = "\n".join(C_CALL.format(i) for i in numbers)
    host = "" if language == "c" else 'extern "C" '
    text = "\n".join(texts) + host + C_ALL.format(name="evaluate", calls=calls).lstrip()
    if language == "cuda":  # for a GPU, too; here only the host's half can be run
        calls = "\n".join(C_CALL.format(i) for i in numbers[:: max(1, len(texts) // 10)])
        text += "__global__ " + C_ALL.format(name="on_device", calls=calls).lstrip()
    return text


COMPILERS = {
    "c": ("gcc", "c", "-std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -fPIC"),
    "c++": ("g++", "cpp", "-std=c++17 -Wall -Wextra -Wpedantic -Werror -O1 -fPIC"),
    "cuda": ("nvcc", "cu", "-std=c++17 -Werror all-warnings -O1 -Xcompiler -fPIC"),
    # Unused arguments cannot be marked in Fortran.
    "fortran": (
        "gfortran", "f90", "-std=f2008 -Wall -Wextra -Wno-unused-dummy-argument -Werror -O1 -fPIC"
    ),
}  # fmt: skip


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("language", COMPILERS)
def test_compiled_code_agrees(language: str, tmp_path: Path) -> None:
    compiler, suffix, flags = COMPILERS[language]
    source = tmp_path / f"code.{suffix}"
    source.write_text(program(language), encoding="utf-8")
    library = tmp_path / "code.so"
    command = [tool(compiler), *flags.split(), "-shared", str(source), "-o", str(library), "-lm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    order = (ROWS, len(cases()), 13)
    results = np.full(order, np.nan)
    pointer = ctypes.POINTER(ctypes.c_double)
    X = rows().copy()
    ctypes.CDLL(str(library)).evaluate(
        ROWS, X.ctypes.data_as(pointer), results.ctypes.data_as(pointer)
    )
    check(language, results.transpose(1, 0, 2))


WHOLE_EXPONENTS = """
program main
   use, intrinsic :: iso_fortran_env, only: real64
   use f_module
   implicit none
   real(real64) :: value, gradient(2)
   call f(-1.1_real64, -7.0_real64, value, gradient)
   print *, value, gradient
end program main
"""


def test_fortran_takes_a_negative_base_with_a_whole_exponent(tmp_path: Path) -> None:
    formula = cf.Formula("pow(x, 21) - 2*pow(x, y)", ["x", "y"])
    source = tmp_path / "code.f90"
    source.write_text(formula.code("fortran", 1, name="f") + WHOLE_EXPONENTS, encoding="utf-8")
    flags = COMPILERS["fortran"][2].split()
    command = [tool("gfortran"), *flags, str(source), "-o", str(tmp_path / "code")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    printed = subprocess.run([tmp_path / "code"], capture_output=True, text=True, check=True)
    X = np.array([[-1.1, -7.0]])
    wanted = [*formula(X), *formula.gradient(X)[0]]
    assert np.isfinite(wanted).all()
    np.testing.assert_allclose(list(map(float, printed.stdout.split())), wanted, rtol=1e-13)


JULIA_ALL = """
x = reshape(reinterpret(Float64, read("rows")), 3, :)
open("results", "w") do out
    for i in axes(x, 2), f in ({names},)
        value, gradient, hessian = f(x[1, i], x[2, i], x[3, i])
        write(out, Float64[value; gradient...; hessian[1]...; hessian[2]...; hessian[3]...])
    end
end
"""


def test_julia_code_agrees(tmp_path: Path) -> None:
    julia = tool("julia")
    (tmp_path / "rows").write_bytes(rows().tobytes())
    names = ", ".join(f"f{i}" for i in range(len(cases())))
    text = "\n".join(sources("julia")) + JULIA_ALL.format(names=names)
    (tmp_path / "code.jl").write_text(text, encoding="utf-8")
    command = [julia, "--startup-file=no", "-O0", "code.jl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    results = np.fromfile(tmp_path / "results").reshape(ROWS, len(cases()), 13)
    check("julia", results.transpose(1, 0, 2))


def loaded(text: str, name: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {}
    exec(compile(text, name, "exec"), scope)
    function: Callable[..., Any] = scope[name]
    return function


@pytest.mark.parametrize("language", ["numpy", "jax", "torch"])
def test_array_code_agrees(language: str) -> None:
    library: ModuleType = pytest.importorskip(language, reason=f"{language} is not installed")
    arguments: list[Any] = list(rows().T.copy())
    if language == "jax":
        library.config.update("jax_enable_x64", True)
    if language == "torch":
        arguments = [library.tensor(column) for column in arguments]
    results = []
    with np.errstate(all="ignore"):
        for i, text in enumerate(sources(language)):
            value, gradient, hessian = loaded(text, f"f{i}")(*arguments)
            parts = [np.asarray(value)[:, None], np.asarray(gradient)]
            results.append(np.column_stack([*parts, np.asarray(hessian).reshape(ROWS, 9)]))
    check(language, np.array(results))
