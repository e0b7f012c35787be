"""bench/README.md and bench/results.json: what was measured, with machine and versions."""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bench
from bench import machine
from bench.record import Record, quantity

FOLDER = Path(__file__).parent
# The load is the number of processes that wanted a processor in the last five minutes.
HEAD = (
    "| benchmark | answer | ours | peer | ratio | of the floor | asked | | load |",
    "|---|---|---|---|---|---|---|---|---|",
)
RESULTS, README = FOLDER / "results.json", FOLDER / "README.md"


def write(name: str, records: Sequence[Record], threads: int) -> None:
    """A benchmark's records replace its earlier ones; the page is made of all."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    floors = machine.floors(threads)
    about = {
        **machine.description(),
        "threads": str(threads),
        "date": time.strftime("%Y-%m-%d"),
        "measured best": (
            f"{floors.bandwidth / 1e9:.1f} GB/s of memory, "
            f"{floors.arithmetic / 1e9:.0f} GFLOP/s on registers, "
            f"{floors.passes / 1e9:.1f} G additions a second through the cache, "
            f"{floors.product64 / 1e9:.0f} GFLOP/s of a matrix product "
            f"({floors.product32 / 1e9:.0f} in float32)"
        ),
    }
    kept[name] = {
        "about": about,
        "load": round(os.getloadavg()[1], 1),
        "records": [record.plain() for record in records],
    }
    _renew(kept)


def add(results: Path) -> None:
    """The figures of another machine's GPU, from the results.json of tests/gpu/run.sh."""
    found = json.loads(results.read_text())
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    about = {
        "processor": found["card"],
        "system": found["host"],
        "closedform": f"architecture {found['architecture']}, CUDA {found['cuda']}",
        "driver": found["driver"],
        "peers": ", ".join(f"{name} {version}" for name, version in found["packages"].items()),
        "date": time.strftime("%Y-%m-%d", time.localtime(results.stat().st_mtime)),
    }
    kept["gpu"] = {"about": about, "load": "", "records": found["records"]}
    _renew(kept)


def _renew(kept: Mapping[str, Any]) -> None:
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    README.write_text(page(kept))


def page(kept: Mapping[str, Any]) -> str:
    """The page, from the suite's own description and the results."""
    title, _, rest = (bench.__doc__ or "").strip().partition("\n")
    parts = [f"# Benchmarks\n\n{title}\n{rest}\n\nWritten by `python -m bench --write`."]
    rows: dict[str, list[str]] = {}
    profiles: list[str] = []
    # What most runs share is said once; a run that differs says so itself.
    counts = Counter(item for entry in kept.values() for item in entry["about"].items())
    common = {item for item, count in counts.items() if count > len(kept) / 2}
    parts += ["\n".join(f"- {key}: {value}" for key, value in counts if (key, value) in common)]
    for entry in kept.values():
        own = {key: value for key, value in entry["about"].items() if (key, value) not in common}
        about = "\n".join(f"- {key}: {value}" for key, value in own.items())
        records = [Record.from_plain(record) for record in entry["records"]]
        for record in shown(records):
            cells = [*row(record), str(entry["load"])]
            rows.setdefault(about, []).append(f"| {' | '.join(cells)} |")
            profiles += [f"- {label(record)}: {record.profile}"] if record.profile else []
    parts += ["\n".join([about, "", *HEAD, *lines]) for about, lines in rows.items()]
    if profiles:
        parts.append("\n".join(["Where the time goes of what was missed:", "", *profiles]))
    return "\n\n".join(parts) + "\n"


def shown(records: Sequence[Record]) -> list[Record]:
    """Summaries where there are any, and every target that was missed."""
    if not any(record.summary for record in records):
        return list(records)
    return [record for record in records if record.summary or record.verdict == "miss"]


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
