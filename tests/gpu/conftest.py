"""Tests of the kernels on a GPU, against the CPU. `python -m pytest` alone does not collect them;
`python -m pytest tests/gpu` does, and skips them with the reason where no GPU can be used. run.sh
beside this does all that a new card asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from closedform import _core

sys.path.insert(0, str(Path(__file__).parent))  # for rounding.py and there.py

PROBLEM, _ = _core.cuda_problem()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PROBLEM:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=f"no GPU can be used: {PROBLEM}"))
