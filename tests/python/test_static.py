"""The package's shape: imports point downwards only, and importing it stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "python" / "closedform"

# Lower layers first; a module may import from its own layer and those below.
LAYERS = [
    {"_core"},
    {"_inputs", "_device", "library", "progress", "settings"},
    {"mapped_files", "chunks"},
    {"code"},
    {"formula"},
    {"adapters"},
    {"surrogate", "separability", "networks", "tables"}
    | {
        "search",
        "selection",
        "shorten",
        "similarity",
        "targets",
        "backends",
        "blocks",
        "links",
        "symmetries",
    }
    | {
        "unit_gradients",
        "gradient_selection",
        "monotone",
        "direction_search",
        "margin_search",
        "block_merging",
    },
    {"stages"},
    {"discover", "interpret"},
    {"estimators"},
    {"report", "export_command"},
    {"cli", "__init__", "__main__"},
]
LAYER = {module: level for level, modules in enumerate(LAYERS) for module in modules}
# Discovery.report(path) is a shorthand: it imports the page writer when it is called.
ALLOWED_UPWARDS = {("discover", "report"), ("interpret", "report")}

HEAVY = {
    "torch",
    "jax",
    "flax",
    "keras",
    "onnx",
    "juliacall",
    "pysr",
    "pandas",
    "polars",
    "pyarrow",
} | {
    "matplotlib",
    "sklearn",
}


def top_module(path: Path) -> str:
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Modules of the package that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "closedform":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("closedform."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {name[1] for name in names if name[0] == "closedform" and len(name) > 1}
    return found


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.stem)
def test_imports_point_downwards(path: Path) -> None:
    module = top_module(path)
    assert module in LAYER, f"give {module} its layer in LAYERS"
    for other in imported_modules(path) & LAYER.keys():
        upwards = LAYER[other] > LAYER[module]
        assert not upwards or (module, other) in ALLOWED_UPWARDS, f"{module} imports {other}"


@pytest.mark.parametrize("module", ["closedform", "closedform.cli"])
def test_importing_stays_light(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_extension_is_typed() -> None:
    from closedform import _core

    tree = ast.parse((SOURCES / "_core.pyi").read_text())
    stub = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert {name for name in dir(_core) if not name.startswith("_")} <= stub
