"""What a notebook's cell shows while it computes: in IPython itself, without a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json
import numpy as np
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
import closedform as cf

shell = InteractiveShell.instance(history_length=0)
X = np.random.default_rng(0).uniform(1.0, 2.0, (60, 2))
y = np.random.default_rng(1).normal(size=60)
for kernel, progress in ((object(), True), (object(), False), (None, True)):
    shell.kernel = kernel  # what Jupyter's shells have
    shell.display_pub = CapturingDisplayPublisher()
    cf.search(X, values=y, evaluations=300, max_size=5, operators="+ *", progress=progress)
    print(json.dumps(shell.display_pub.outputs))
"""


def test_a_table_fills_while_the_cell_computes_and_then_goes() -> None:
    pytest.importorskip("IPython")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        text=True,
        check=True,
    )
    shown, told_not_to, no_notebook = map(json.loads, done.stdout.splitlines())
    assert (told_not_to, no_notebook) == ([], [])
    first, *tables, last = shown
    assert "Ctrl-C ends it and keeps the best" in first["data"]["text/html"]
    assert tables
    for update in [*tables, last]:
        assert update["update"] is True
        assert update["transient"] == first["transient"]
    for part in ("<th>expressions</th>", ">search</td>", ">y = "):
        assert part in tables[-1]["data"]["text/html"]
    assert last["data"]["text/html"] == ""
