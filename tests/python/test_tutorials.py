"""The tutorials' answers: in quick mode, or as they stand with CLOSEDFORM_TUTORIALS=full."""

from __future__ import annotations

import doctest
import os
import re
import shutil
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Seconds become evaluations, of which every machine makes the same.
QUICK = r"evaluations=20_000, time=float('inf')"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    for program in ("cc", "gfortran"):
        if f'"{program}"' in text and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if "report(" in text:
        pytest.importorskip("matplotlib")
    if os.environ.get("CLOSEDFORM_TUTORIALS") != "full":
        text = re.sub(r"\btime=\d+", QUICK, text)
    text = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)  # else an answer's last line
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    failed, tried = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert tried > 0
    assert failed == 0, "".join(said)
