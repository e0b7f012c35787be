"""The steps of run.sh, each in a process of its own with a limit of its own: what fails or hangs
stops none of the others, and results.json is renewed after each."""

from __future__ import annotations

import glob
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 530.0  # for everything
LEAST = 15.0  # a step is not begun with less
MOST_LOG = 2 << 20  # bytes
TAIL = 25  # lines of a log that results.json keeps
TOLD = ("numpy", "scipy", "torch", "jax", "cupy-cuda13x", "cupy-cuda12x", "pybind11")
SECTIONS = (
    "LaunchStats",
    "MemoryWorkloadAnalysis",
    "Occupancy",
    "SpeedOfLight",
    "WarpStateStats",
)


@dataclass
class Step:
    """One command.

    Attributes:
        limit: seconds.
        log: file in OUT that its output is added to.
        judges: whether its failure means that results may be wrong.
        needs: a program without which it is skipped.
    """

    name: str
    command: list[str]
    limit: float
    log: str
    judges: bool = True
    needs: str = ""


@dataclass
class Outcome:
    name: str
    status: str  # "passed", "failed", "timed out", or "skipped: why"
    seconds: float = 0.0
    code: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


def main() -> int:
    if len(sys.argv) < 3:
        print("usage: run.sh WHEELS OUT [STEP ...]", file=sys.stderr)
        return 2
    wheels, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    # So that what a step has started ends, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kept = os.environ.get("CLOSEDFORM_GPU_WORK")
    work = Path(kept).resolve() if kept else Path(tempfile.mkdtemp(prefix="closedform-gpu-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        return Run(wheels, out, work, set(sys.argv[3:])).all()
    finally:
        if not kept:
            shutil.rmtree(work, ignore_errors=True)


class Run:
    """A whole run and its results."""

    def __init__(self, wheels: Path, out: Path, work: Path, wanted: set[str]) -> None:
        self.begun = time.monotonic()
        self.seconds = float(os.environ.get("CLOSEDFORM_GPU_SECONDS", SECONDS))
        self.wheels, self.out, self.work, self.wanted = wheels, out, work, wanted
        self.site = work / "site"
        self.records = work / "records.json"
        self.environment = _environment(self.site)
        self.gpu = _gpu(self.environment)
        self.outcomes: list[Outcome] = []
        self.results: dict[str, Any] = {
            **self.gpu,
            "host": f"{platform.platform()}, {os.cpu_count()} cores",
            "python": platform.python_version(),
            "packages": _versions(TOLD),
            "cuda": _first(["nvcc", "--version"], self.environment, r"release ([\d.]+)"),
            "commit": os.environ.get("CLOSEDFORM_COMMIT")
            or _first(["git", "-C", str(ROOT), "rev-parse", "HEAD"], self.environment, r"(\w+)"),
            "steps": [],
            "records": [],
        }

    def all(self) -> int:
        for log in {step.log for step in (*self._build(), *self._checks())}:
            (self.out / log).unlink(missing_ok=True)
        for step in self._build():
            if self._take(step).status != "passed":
                print("".join(f"  {line}\n" for line in _tail(self.out / step.log, 60)))
                break
        else:
            for step in self._checks():
                if not self.wanted or step.name in self.wanted:
                    self._take(step)
        return self._end()

    def _build(self) -> list[Step]:
        pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"]
        pip += ["--no-cache-dir", "--upgrade", "--target", str(self.site)]
        settings = {
            "build-dir": str(self.work / "build"),
            "cmake.define.CMAKE_PREFIX_PATH": str(self.site),
            # scikit-build-core's own list of prefixes gives way to the one above.
            "cmake.define.pybind11_DIR": _first(
                [sys.executable, "-m", "pybind11", "--cmakedir"], self.environment, r"(.+)"
            ),
            "cmake.define.CLOSEDFORM_CUDA": "ON",
            "cmake.define.CLOSEDFORM_CUDA_ARCHITECTURES": self.gpu["architecture"],
        }
        given = [f"-C{key}={value}" for key, value in settings.items()]
        found = sorted(glob.glob(str(self.wheels / "*.whl")))
        install = Step("install", [*pip, "-q", *found], 60, "build.log")
        # Headers that are written anew would have everything compiled anew.
        there = (self.site / "scipy_openblas32").is_dir()
        return [
            *([] if there else [install]),
            Step(
                "build", [*pip, "-v", "--no-build-isolation", *given, str(ROOT)], 300, "build.log"
            ),
        ]

    def _checks(self) -> list[Step]:
        python = [sys.executable, "-u"]
        here = str(Path(__file__).parent)
        # Warnings of the machine's own packages are not ours to judge.
        pytest = [*python, "-m", "pytest", "-W", "default", "-p", "no:cacheprovider", "-q"]
        small = [*pytest, here, "-k", "small", "-x"]
        sanitizer = _program("compute-sanitizer", self.environment)
        checked = [sanitizer, "--error-exitcode", "86", "--print-limit", "20", "--tool"]
        threads = str(len(os.sched_getaffinity(0)))
        old = sorted(map(str, (ROOT / "tests" / "python").rglob("test_device*.py")))
        bench = [*python, "-m", "bench", "gpu", "--threads", threads, "--json", str(self.records)]
        ncu = _program("ncu", self.environment)
        looked = [ncu, "--clock-control", "none", "--kernel-name", "regex:run_body"]
        for section in SECTIONS:
            looked += ["--section", section]
        return [
            Step("tests", [*pytest, here, *self._junit("tests")], 150, "tests.log"),
            Step("python", [*pytest, *old, *self._junit("python")], 60, "tests.log"),
            Step("bench", bench, 200, "bench.log"),
            Step(
                "memcheck",
                [*checked, "memcheck", *small, *self._junit("memcheck")],
                90,
                "sanitizer.log",
                needs=sanitizer,
            ),
            Step(
                "racecheck",
                [*checked, "racecheck", *small, *self._junit("racecheck")],
                180,
                "sanitizer.log",
                needs=sanitizer,
            ),
            Step(
                "profile",
                [*looked, *python, str(Path(here) / "profiled.py")],
                60,
                "profile.txt",
                judges=False,
                needs=ncu,
            ),
        ]

    def _junit(self, name: str) -> list[str]:
        return [f"--junitxml={self.work / name}.xml"]

    def _take(self, step: Step) -> Outcome:
        left = self.seconds - (time.monotonic() - self.begun)
        if step.needs and shutil.which(step.needs, path=self.environment["PATH"]) is None:
            outcome = Outcome(step.name, f"skipped: no {step.needs}")
        elif left < LEAST:
            outcome = Outcome(step.name, "skipped: no time left")
        else:
            print(f"== {step.name}", flush=True)
            outcome = self._run(step, min(step.limit, left))
        print(f"   {step.name}: {outcome.status}, {outcome.seconds:.0f} s", flush=True)
        self.outcomes.append(outcome)
        self._write()
        return outcome

    def _run(self, step: Step, limit: float) -> Outcome:
        for left in (self.records, self.work / f"{step.name}.xml"):  # by an earlier run
            left.unlink(missing_ok=True)
        log = self.out / step.log
        before = log.stat().st_size if log.exists() else 0
        begun = time.monotonic()
        with log.open("ab") as file:
            file.write(f"$ {' '.join(step.command)}\n".encode())
            file.flush()
            try:
                code = _wait(step.command, limit, file, self.environment)
            except OSError as error:  # no such program
                file.write(f"{error}\n".encode())
                code = 127
        seconds = time.monotonic() - begun
        status = "timed out" if code is None else "passed" if code == 0 else "failed"
        outcome = Outcome(step.name, status, seconds, code, tail=_tail(log, TAIL))
        _read_junit(self.work / f"{step.name}.xml", outcome)
        with log.open("rb") as file:
            file.seek(before)
            said = file.read().decode(errors="replace")
        summary = re.compile(
            r"(?:ERROR|RACECHECK) SUMMARY.*|^E  .*|.*\bWRONG\b.*|.*FAILED:.*", re.M
        )
        outcome.problems += [line for line in summary.findall(said) if " 0 errors" not in line][:20]
        if step.name == "bench":
            records = json.loads(self.records.read_text()) if self.records.exists() else []
            self.results["records"] = records
            wrong = any(record["unit"] == "wrong" for record in records)
            if status == "failed" and records and not wrong and "FAILED:" not in said:
                outcome.status = "passed"
                outcome.problems.append("a target of speed was missed")
            ran = bool(records)
        else:
            ran = outcome.counts.get("passed", 1) > 0
        if outcome.status == "passed" and not ran:  # where nothing is tested, nothing is right
            outcome.status = "failed"
            outcome.problems.append("nothing was run")
        return outcome

    def _write(self) -> None:
        self.results["seconds"] = round(time.monotonic() - self.begun, 1)
        self.results["steps"] = [asdict(outcome) for outcome in self.outcomes]
        temporary = self.out / "results.json.new"
        temporary.write_text(json.dumps(self.results, indent=1))
        temporary.replace(self.out / "results.json")

    def _end(self) -> int:
        names = {step.name for step in (*self._build(), *self._checks()) if step.judges}
        wrong = [o for o in self.outcomes if o.name in names and o.status != "passed"]
        self.results["right"] = not wrong
        self._write()
        for log in {step.log for step in (*self._build(), *self._checks())}:
            path = self.out / log
            if path.exists() and path.stat().st_size > MOST_LOG:
                text = path.read_bytes()
                half = MOST_LOG // 2
                path.write_bytes(text[:half] + b"\n[...]\n" + text[-half:])
        print(f"\n{self.results['card']}, driver {self.results['driver']}", end=", ")
        print(f"CUDA {self.results['cuda']}, commit {str(self.results['commit'])[:12]}")
        for record in self.results["records"]:
            print(f"  {_line(record)}")
        for outcome in self.outcomes:
            counts = ", ".join(f"{n} {what}" for what, n in outcome.counts.items() if n)
            print(f"{outcome.name:10} {outcome.status:12} {outcome.seconds:6.1f} s  {counts}")
            for problem in outcome.problems[:8]:
                print(f"    {problem[:160]}")
        print(f"{self.results['seconds']:.0f} s; {'failed' if wrong else 'all is well'}")
        return 1 if wrong else 0


def _environment(site: Path) -> dict[str, str]:
    found = dict(os.environ)
    toolkits = [found.get("CUDA_HOME", ""), "/usr/local/cuda"]
    programs = [f"{folder}/bin" for folder in toolkits if folder and Path(folder, "bin").is_dir()]
    # Programs of this Python (cmake, ninja) even where its environment is not activated.
    found["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), found.get("PATH", os.defpath), *programs]
    )
    cores = str(len(os.sched_getaffinity(0)))
    return found | {
        "PYTHONPATH": str(site),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "CMAKE_BUILD_PARALLEL_LEVEL": cores,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # or JAX takes most of the memory
        "NVIDIA_TF32_OVERRIDE": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def _gpu(environment: Mapping[str, str]) -> dict[str, str]:
    """Name and driver of the first GPU, and its architecture as CMake calls it."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap,memory.total"]
    answer = _first([*asked, "--format=csv,noheader"], environment, r"(.*)")
    parts = [part.strip() for part in answer.split(",")]
    card, driver, capability, memory = parts if len(parts) == 4 else ("none", "none", "", "")
    known = re.fullmatch(r"\d+\.\d+", capability) is not None
    architecture = f"{capability.replace('.', '')}-real" if known else "native"
    given = os.environ.get("CLOSEDFORM_GPU_ARCHITECTURE")
    if given:
        architecture = given if "-" in given else f"{given}-real"
    return {"card": card, "driver": driver, "memory": memory, "architecture": architecture}


def _first(command: list[str], environment: Mapping[str, str], pattern: str) -> str:
    """What the first match in a program's output has in its group, or "unknown"."""
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    match = re.search(pattern, done.stdout)
    return match[1] if done.returncode == 0 and match else "unknown"


def _program(name: str, environment: Mapping[str, str]) -> str:
    """Its path; only its name where it is not found."""
    found = shutil.which(name, path=environment["PATH"])
    places = ("/opt/nvidia/nsight-compute/*/", "/usr/local/cuda*/*/")
    others = [path for place in places for path in sorted(glob.glob(place + name))]
    return found or (others[-1] if others else name)


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # noqa: PERF203
            continue
    return found


def _wait(command: list[str], limit: float, out: Any, environment: Mapping[str, str]) -> int | None:
    """The status, or None where it took too long: then all its processes are ended."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """What the process, its session's leader, may have left running."""
    steps: tuple[tuple[signal.Signals, Callable[[], object]], ...] = (
        (signal.SIGTERM, lambda: process.wait(5)),
        (signal.SIGKILL, lambda: process.wait(5)),
    )
    for number, wait in steps:
        try:
            os.killpg(process.pid, number)
            wait()
        except ProcessLookupError:  # noqa: PERF203
            return
        except (subprocess.TimeoutExpired, PermissionError):
            continue


def _read_junit(path: Path, outcome: Outcome) -> None:
    if not path.exists():
        return
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except ElementTree.ParseError:
        return
    counts = {"passed": 0, "failure": 0, "error": 0, "skipped": 0}
    reasons: dict[str, int] = {}
    for case in cases:
        kinds = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        counts[kinds[0] if kinds else "passed"] += 1
        for kind in kinds[:1]:
            said = (case.find(kind).get("message") or "").split("\n")[0]  # type: ignore[union-attr]
            if kind == "skipped":
                reasons[said] = reasons.get(said, 0) + 1
            else:
                outcome.problems.append(f"{case.get('name')}: {said[:200]}")
    outcome.counts = counts
    outcome.problems += [f"{n} skipped: {reason}" for reason, n in reasons.items()]


def _tail(path: Path, lines: int) -> list[str]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200 * lines))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def _line(record: Mapping[str, Any]) -> str:
    """A record on one short line."""
    dtype = record["parameters"].get("dtype", "")
    ours, theirs, floor = record["ours"], record["theirs"], record["floor"]
    parts = [f"{record['name']:36} {dtype:8} {ours:.4g} {record['unit']}"]
    if theirs is not None and record["unit"] == "s" and ours > 0:
        parts.append(f"{theirs / ours:.3g} x {record['peer']}")
    if floor is not None:
        parts.append(f"{floor:.0%} of the floor")
    return ", ".join(parts) if record["unit"] != "wrong" else f"WRONG {parts[0]} {record['answer']}"


if __name__ == "__main__":
    sys.exit(main())
