"""Saved files: those of earlier versions are read, damaged ones are errors and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import closedform as cf

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("version*/*.txt"))
FILES = [
    path.with_suffix(suffix)
    for path in CORPUS
    for suffix in (".npz", ".json")
    if path.with_suffix(suffix).exists()
]


def load(path: Path) -> cf.Surrogate | cf.Formula:
    return cf.Surrogate.load(path) if path.suffix == ".npz" else cf.Formula.load(path)


def close(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], tolerance: float) -> bool:
    """Relative to the largest number; not finite in the same places."""
    finite = np.isfinite(b)
    scale = np.abs(b[finite]).max(initial=1e-300)
    return np.array_equal(np.isfinite(a), finite) and bool(
        np.all(np.abs(a[finite] - b[finite]) <= tolerance * scale)
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_version_s_files_give_the_values_beside_them(path: Path, tmp_path: Path) -> None:
    lines = path.with_suffix(".txt").read_text(encoding="utf-8").split("\n")
    d, rows = (int(word) for word in lines[0].split())
    numbers = np.array([[float(word) for word in line.split()] for line in lines[1 + d : -1]])
    X, value, gradient, hessian = np.split(numbers, [d, d + 1, 2 * d + 1], axis=1)
    assert len(X) == rows
    model = load(path)
    assert list(model.names) == lines[1 : 1 + d]
    model.save(tmp_path / path.name)
    for each in (model, load(tmp_path / path.name)):
        computed = each.predict(X) if isinstance(each, cf.Surrogate) else each(X)
        assert close(computed, value.ravel(), 1e-13)
        assert close(each.gradient(X), gradient, 1e-12)
        assert close(each.hessian(X), hessian.reshape(rows, d, d), 1e-11)


SMALL = [path for path in FILES if path.stat().st_size < 6000]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(SMALL),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=12)),
        min_size=1,
        max_size=4,
    ),
)
def test_damaged_files_are_value_errors(
    scratch: Path, path: Path, edits: list[tuple[float, int, bytes]]
) -> None:
    content = path.read_bytes()
    for place, removed, added in edits:
        at = int(place * len(content))
        content = content[:at] + added + content[at + removed :]
    damaged = scratch / f"damaged{path.suffix}"
    damaged.write_bytes(content)
    try:
        model = load(damaged)
    except ValueError as error:
        if not str(error).startswith(str(damaged)):
            raise
        return
    X = np.full((2, len(model.names)), 0.5)
    model.gradient(X)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"format": "closedform front", "version": 1e400}',
        '{"format": "closedform front", "version": 1, "names": 3}',
        '{"format": "closedform front", "version": 1, "names": ["x"], "best": 0, "stopped": "",'
        ' "evaluations": Infinity, "seconds": 1, "formulas": [{"text": "x", "loss": 0}]}',
    ],
)
def test_odd_json_is_a_value_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "front.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a saved front"):
        cf.Front.load(path)
