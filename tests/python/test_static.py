"""The package: importing it stays light, and its extension is typed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import closedform
from closedform import _core

SOURCES = Path(__file__).parents[2] / "python" / "closedform"

HEAVY = set(
    "torch jax flax keras onnx juliacall pysr pandas polars pyarrow narwhals matplotlib sklearn "
    "scipy packaging numpy".split()
)


@pytest.mark.parametrize("module", ["closedform", "closedform.cli.main"])
def test_importing_stays_light(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_pipelines_leave_out_what_takes_long_to_import() -> None:
    code = (
        "import sys, closedform.pipelines.discovery, closedform.pipelines.interpretation\n"
        "import closedform.searches.api\n"
        "print(*sorted({'pandas', 'scipy.stats', 'sklearn', 'sympy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_version_is_the_same_everywhere() -> None:
    citation = (SOURCES.parents[1] / "CITATION.cff").read_text()
    assert f"\nversion: {closedform.__version__}\n" in citation


def test_extension_is_typed() -> None:
    tree = ast.parse((SOURCES / "_core.pyi").read_text())
    stub = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    stub |= {ast.unparse(node.target) for node in tree.body if isinstance(node, ast.AnnAssign)}
    assert {name for name in dir(_core) if not name.startswith("_")} <= stub


def test_the_public_names_are_those_of_the_stub() -> None:
    tree = ast.parse((SOURCES / "__init__.pyi").read_text())
    stub = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {name: getattr(closedform, name).__module__ for name in closedform.__all__} == stub
    assert {*stub, "__version__"} <= set(dir(closedform))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        closedform.nothing  # noqa: B018


def test_every_promise_has_its_test() -> None:
    root = SOURCES.parents[1]
    named = re.findall(
        r"`([\w/]+\.(?:py|cpp))(?:::(\w+))?`", (root / "docs/promises.md").read_text()
    )
    assert len(named) > 20
    for file, test in named:
        text = (root / "tests" / ("python" if file.endswith(".py") else "cpp") / file).read_text()
        assert not test or f"def {test}(" in text, (file, test)
