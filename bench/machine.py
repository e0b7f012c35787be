"""What the machine is, and what it was measured to do at best: the floor of every kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import closedform as cf
from bench import gemm, peers

REPEATS = 7
TRIAD = 1 << 24  # elements of each array and thread: three of 128 MiB
BLOCK = 128  # rows of a block, block_rows in cpp/src/kernels/simd/tape.hpp
SQUARE = 2000


@dataclass(frozen=True)
class Floors:
    """The best of several runs on `threads` processors together.

    Attributes:
        bandwidth: bytes a second to and from memory.
        arithmetic: float64 operations a second on registers; a fused multiply-add is two.
        passes: additions a second from the first-level cache into it: nodes of an expression.
        product32, product64: operations a second of a large matrix product.
    """

    threads: int
    bandwidth: float
    arithmetic: float
    passes: float
    product32: float
    product64: float

    def seconds(self, operations: float, moved: float) -> float:
        """Least time of so much vector arithmetic beside so many bytes to and from memory."""
        return max(operations / self.arithmetic, moved / self.bandwidth)


@cache
def floors(threads: int) -> Floors:
    """Measured once a process; about five seconds."""
    library = _library()
    times = 100_000

    def passes() -> Callable[[], None]:
        a, b, c = np.ones(BLOCK), np.ones(BLOCK), np.ones(BLOCK)
        long = ctypes.c_long
        return lambda: library.add_in_cache(*map(_pointer, (a, b, c)), long(BLOCK), long(times))

    def arithmetic() -> Callable[[], None]:
        return lambda: library.multiply_add(ctypes.c_long(times))

    return Floors(
        threads,
        bandwidth=bandwidth(threads),
        arithmetic=threads * times * 128 * 2 / _least(arithmetic, threads),
        passes=threads * times * BLOCK / _least(passes, threads),
        product32=gemm.rate(np.float32, SQUARE, threads),
        product64=gemm.rate(np.float64, SQUARE, threads),
    )


@cache
def bandwidth(threads: int) -> float:
    """That of the floors, alone."""
    library = _library()

    def triad() -> Callable[[], None]:
        a, b, c = np.zeros(TRIAD), np.ones(TRIAD), np.ones(TRIAD)
        return lambda: library.triad(*map(_pointer, (a, b, c)), ctypes.c_long(TRIAD))

    return threads * TRIAD * 24 / _least(triad, threads)


def _least(prepare: Callable[[], Callable[[], None]], threads: int) -> float:
    """Least seconds in which every thread has done its own work once."""
    works = [prepare() for _ in range(threads)]
    return min(together(works) for _ in range(REPEATS))


def together(works: Sequence[Callable[[], object]]) -> float:
    """Seconds in which each of the works is done by a thread of its own."""
    team = [threading.Thread(target=work) for work in works]
    begun = time.perf_counter()
    for member in team:
        member.start()
    for member in team:
        member.join()
    return time.perf_counter() - begun


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@cache
def _library() -> ctypes.CDLL:
    """probes.cpp, compiled into a folder that is gone once it is loaded."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        sys.exit("bench: no C++ compiler to measure the machine with; install g++ or set CXX")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "probes.so"
        source = Path(__file__).with_name("probes.cpp")
        wide = ["-mprefer-vector-width=512"] if platform.machine() == "x86_64" else []
        subprocess.run(
            [compiler, "-O3", *wide, "-shared", "-fPIC", "-o", built, source], check=True
        )
        return ctypes.CDLL(str(built))


def description() -> dict[str, str]:
    """The machine, the build and the peers, for whoever reads the results."""
    info = cf.build_info()
    ours = f"{info['version']}, {info['compiler']}, {info['build_type']}, {info['instruction_set']}"
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "closedform": ours,
        "peers": ", ".join(f"{name} {version}" for name, version in peers.versions().items()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    family = f"(family {named.get('cpu family')}, model {named.get('model')})"
    return f"{named.get('model name', platform.machine())} {family}"
