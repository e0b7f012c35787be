"""A project of a user's own (tests/consumer) builds against what the wheel installs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import closedform as cf

CONSUMER = Path(__file__).parents[1] / "consumer"


def test_c_cpp_and_fortran_programs_build_on_the_wheel(tmp_path: Path) -> None:
    try:
        package = cf.get_cmake_dir()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("cmake or ninja is not installed")
    header = Path(cf.get_include(), "closedform", "c_api.h")
    assert "closedform_evaluate" in header.read_text()
    for command in (
        ["cmake", "-S", CONSUMER, "-B", tmp_path, "-G", "Ninja", f"-Dclosedform_DIR={package}"],
        ["cmake", "--build", tmp_path, "--parallel", "2"],
        ["ctest", "--test-dir", tmp_path, "--output-on-failure"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
