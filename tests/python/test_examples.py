"""The solvers in examples/: found, written, compiled and run as their README says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(command: list[str], where: Path) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return done.stdout


def export(example: str, where: Path) -> None:
    run([sys.executable, str(EXAMPLES / example / "export.py")], where)


def test_lorenz_in_cvode(tmp_path: Path) -> None:
    if shutil.which("cc") is None or not Path("/usr/include/cvode/cvode.h").exists():
        pytest.skip("cc and libsundials-dev are not both installed")
    export("lorenz", tmp_path)
    source = str(EXAMPLES / "lorenz" / "lorenz.c")
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}"]
    libraries = ["-lsundials_cvode", "-lsundials_nvecserial", "-lm"]
    run(["cc", *flags, source, *libraries, "-o", "lorenz"], tmp_path)
    assert "explains" in run(["./lorenz"], tmp_path)


def test_return_mapping_in_fortran(tmp_path: Path) -> None:
    if shutil.which("gfortran") is None:
        pytest.skip("gfortran is not installed")
    export("yield_surface", tmp_path)
    source = str(EXAMPLES / "yield_surface" / "return_mapping.f90")
    flags = ["-std=f2008", "-O2", "-Wall", "-Wextra", "-Werror"]
    run(["gfortran", *flags, "yield_function.f90", source, "-o", "return_mapping"], tmp_path)
    assert "I1 I2 / I3" in run(["./return_mapping"], tmp_path)
