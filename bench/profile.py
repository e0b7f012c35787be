"""Where time goes, by function: Linux perf on this very process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LINES = 6
LEAST = 1.0  # per cent


def profile(work: Callable[[], object], least_seconds: float = 1.0) -> str:
    """The dearest functions of some work, repeated to last a second, with their shares."""
    shares = shares_of(work, least_seconds)
    if isinstance(shares, str):
        return shares
    dearest = [(share, name) for share, name in shares if share >= LEAST][:LINES]
    return ", ".join(f"{name} {share:.0f} %" for share, name in dearest)


def shares_of(work: Callable[[], object], least_seconds: float) -> list[tuple[float, str]] | str:
    """(per cent, function) of some work, largest first; a line that says why there is none."""
    if shutil.which("perf") is None:
        return "perf is not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "perf.data"
        # Told through a pipe to stop: a signal would not reach it where Julia has blocked them all.
        told, tell = os.pipe()
        watcher = subprocess.Popen(
            [
                "perf",
                "record",
                "-q",
                "-e",
                "cpu-clock",
                "-F",
                "499",
                "-o",
                file,
                "-p",
                str(os.getpid()),
                f"--control=fd:{told}",
            ],
            pass_fds=(told,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(100):  # until it watches
            time.sleep(0.1)
            if file.exists():
                break
        time.sleep(0.2)
        begun = time.perf_counter()
        while True:
            work()
            if time.perf_counter() - begun >= least_seconds:
                break
        os.write(tell, b"stop\n")
        _, complaint = watcher.communicate()
        os.close(tell)  # not before: perf takes a closed pipe for an error and leaves its file so
        os.close(told)
        if not file.exists():
            return f"perf cannot watch: {complaint.strip()[:100]}"
        report = subprocess.run(
            [
                "perf",
                "report",
                "-i",
                file,
                "--stdio",
                "--no-children",
                "-s",
                "dso,symbol",
                "-w",
                "0,0",
            ],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    found: dict[str, float] = {}
    for line in report.splitlines():
        matched = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[.\]\s+(.*?)(\s\s.*)?$", line)
        if matched:
            name = _readable(matched[2], matched[3])
            found[name] = found.get(name, 0.0) + float(matched[1])
    if not found:
        return "perf saw nothing"
    return sorted(((share, name) for name, share in found.items()), reverse=True)


def _readable(library: str, symbol: str) -> str:
    """A function without namespaces and arguments; of a library without symbols, the library."""
    if re.match(r"0x[0-9a-f]+$", symbol):
        return Path(library).name
    symbol = symbol.replace("(anonymous namespace)::", "")
    symbol = re.sub(r"closedform::(x86_64_v\d::|baseline::)?", "", symbol)
    return re.sub(r"[<(].*$", "", symbol).split(" ")[-1] or symbol
