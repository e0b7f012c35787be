"""A campaign: attacks in a process of their own, which may die; whoever killed it is known."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

OUTCOMES = ("ok", "refused", "FAULT")
WORKER = [sys.executable, "-m", "tests.attack.worker"]
ROOT = Path(__file__).parents[2]
DEADLINE = 60.0  # seconds that one attack may take: many times what it does on a busy machine
STARTING = 600.0  # that a process may take to import everything


def campaign(count: int, seed: int, first: int = 0) -> list[dict[str, Any]]:
    """What came of each attack; see `worker.attacked`."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += _until_one_dies(seed, first + len(found), first + count)
    return found


def counted(found: list[dict[str, Any]]) -> str:
    """The counts, and every fault."""
    counts = Counter(one["outcome"] for one in found)
    shown = [f"{len(found)} attacks: " + ", ".join(f"{counts[k]} {k}" for k in OUTCOMES)]
    for one in found:
        if one["outcome"] == "FAULT":
            done = "; ".join(one["done"])
            shown.append(f"  {one['number']} {one['kind']}: {one['said']}\n    ({done})")
    return "\n".join(shown)


def _until_one_dies(seed: int, first: int, last: int) -> list[dict[str, Any]]:
    """The outcomes of attacks, up to the first that ends or blocks the process."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        worker = subprocess.Popen(
            [*WORKER, *map(str, (seed, first, last))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert worker.stdout is not None
        begun, why = None, ""
        while select.select([worker.stdout], [], [], STARTING if begun is None else DEADLINE)[0]:
            line = worker.stdout.readline()
            if not line:
                why = f"the process ended with {worker.wait()}"
                break
            said = json.loads(line)
            begun = said.get("begun")
            if begun is None:
                found.append(said)
        else:
            why = f"takes longer than {DEADLINE:.0f} s"
            worker.kill()
            worker.wait()
        worker.stdout.close()
        if len(found) < last - first:
            errors.seek(0)
            tail = errors.read()[-3000:]
            assert begun is not None, tail  # it never began
            found.append(
                {"number": begun, "kind": "?", "outcome": "FAULT", "said": why, "done": [tail]}
            )
    return found
