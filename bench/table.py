"""bench/README.md and bench/results.json: what was measured, with machine and versions."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bench
from bench import machine
from bench.record import Record, quantity

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results.json", FOLDER / "README.md"


def write(runs: Mapping[str, Sequence[Record]], threads: int) -> None:
    """Benchmarks that were run replace their earlier results; the page is made of all."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    floors = machine.floors(threads)
    about = {
        **machine.description(),
        "threads": str(threads),
        "date": time.strftime("%Y-%m-%d"),
        "load": f"{os.getloadavg()[1]:.1f} processes in the last five minutes",
        "measured best": (
            f"{floors.bandwidth / 1e9:.1f} GB/s of memory, "
            f"{floors.arithmetic / 1e9:.0f} GFLOP/s on registers, "
            f"{floors.passes / 1e9:.1f} G additions a second through the cache, "
            f"{floors.product64 / 1e9:.0f} GFLOP/s of a matrix product "
            f"({floors.product32 / 1e9:.0f} in float32)"
        ),
    }
    for name, records in runs.items():
        kept[name] = {"about": about, "records": [record.plain() for record in records]}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    README.write_text(page(kept))


def page(kept: Mapping[str, Any]) -> str:
    """The page, from the suite's own description and the results."""
    title, _, rest = (bench.__doc__ or "").strip().partition("\n")
    parts = [f"# Benchmarks\n\n{title}\n{rest}\n\nWritten by `python -m bench --write`."]
    runs: dict[str, list[Record]] = {}
    for entry in kept.values():
        about = "\n".join(f"- {key}: {value}" for key, value in entry["about"].items())
        records = [Record.from_plain(record) for record in entry["records"]]
        runs.setdefault(about, []).extend(shown(records))
    for about, records in runs.items():
        parts.append(f"{about}\n\n{grid(records)}")
    return "\n\n".join(parts) + "\n"


def shown(records: Sequence[Record]) -> list[Record]:
    """Summaries where there are any, and every target that was missed."""
    if not any(record.summary for record in records):
        return list(records)
    return [record for record in records if record.summary or record.verdict == "miss"]


def grid(records: Sequence[Record]) -> str:
    """A Markdown table and, below it, the profiles of what was missed."""
    lines = [
        "| benchmark | answer | ours | peer | ratio | of the floor | asked | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(row(record))} |" for record in records]
    profiles = [f"- {label(r)}: {r.profile}" for r in records if r.profile]
    below = ["", "Where the time goes of what was missed:", "", *profiles] if profiles else []
    return "\n".join([*lines, *below])


def label(record: Record) -> str:
    values = " ".join(f"{key}={value}" for key, value in record.parameters.items())
    return f"{record.name} {values}".strip()


def row(record: Record) -> list[str]:
    ours = "never" if math.isinf(record.ours) else f"{quantity(record.ours)} {record.unit}"
    peer = record.peer
    if record.theirs is not None:
        peer = f"{peer} {'> ' if record.beyond else ''}{quantity(record.theirs)}"
        peer += " s" if record.unit == "s" else ""
    ratio = "" if record.ratio is None else f"{'> ' if record.beyond else ''}{record.ratio:.3g}"
    floor = "" if record.floor is None else f"{record.floor:.0%}"
    asked = ", ".join(map(str, record.targets))
    answer = f"{record.answer}; {record.note}" if record.note else record.answer
    return [
        label(record),
        answer.replace("|", "\\|"),
        ours,
        peer,
        ratio,
        floor,
        asked,
        record.verdict,
    ]
