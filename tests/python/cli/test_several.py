"""`closedform discover` with several targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from closedform.cli import main

BUDGET = ["--evaluations", "5000", "--quiet"]


@pytest.fixture
def data(tmp_path: Path) -> str:
    a, b = np.random.default_rng(0).uniform(1, 2, (2, 60))
    rows = np.column_stack([a, b, a * b, a + b])
    file = tmp_path / "system.csv"
    np.savetxt(file, rows, delimiter=",", header="in put,v,dx,dy", comments="", fmt="%.17g")
    return str(file)


def test_every_target_has_its_formula_of_the_inputs_alone(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["discover", data, "--target", "dx", "--target", "dy", *BUDGET]
    assert main.main(given) == 0
    text = capsys.readouterr().out
    assert "  dx = in_put*v\n" in text
    assert "  dy = in_put + v\n" in text
    assert main.main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["targets"]
    assert [one["target"] for one in found] == ["dx", "dy"]
    assert [one["formula"]["text"] for one in found] == ["in_put*v", "in_put + v"]
    assert [one["provenance"]["target"] for one in found] == ["dx", "dy"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (["--target", "dx"], "--target: is given twice"),
        (["--target", "dz"], "--target: no column 'dz'; there are in put, v, dx, dy"),
        (["--target", "dy", "--target", "in put", "--target", "v"], "--target: no input columns"),
        (["--target", "dy", "--save", "front.json"], "--save: is of one target"),
        (["--target", "dy", "--sigma", "v"], "--sigma: is of one target"),
    ],
)
def test_what_does_not_go_with_several_targets_is_said_in_one_line(
    told: list[str], why: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["discover", data, "--target", "dx", *told, *BUDGET]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
