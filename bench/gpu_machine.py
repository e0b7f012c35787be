"""What a GPU was measured to do at best, arrays that lie on it, and how long its kernels ran."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.machine import together
from closedform import _core

COPIED, LINKED, NEW = 1 << 30, 1 << 28, 800 << 20  # bytes
# Multiply-adds of a multiprocessor a clock in float32 and float64, by compute capability (CUDA C++
# Programming Guide, arithmetic instructions), for where they cannot be measured.
RATES = {"7.5": (64, 2), "8.0": (64, 32), "9.0": (128, 64), "10.0": (128, 64)}
OTHER_RATES = (128, 2)


@dataclass(frozen=True)
class Ceilings:
    """The best of several runs, a second.

    Attributes:
        memory: bytes read and written of the device's memory.
        to_device, to_host: bytes over the link, from and to pinned memory.
        single, double: operations on registers; a fused multiply-add is two.
        measured: whether they were measured, or taken from what the driver says of the device.
    """

    memory: float
    to_device: float
    to_host: float
    single: float
    double: float
    measured: bool


@cache
def ceilings(link: float) -> Ceilings:
    """Measured once a process, in about a second and as long as nvcc takes; without it,
    by the data sheet with a link of `link` bytes a second."""
    device = _core.cuda_devices()[0]
    library = probes()
    if library is None:
        clocks = 2 * device["multiprocessors"] * device["clock"]
        rates = RATES.get(device["compute_capability"], OTHER_RATES)
        single, double = (rate * clocks for rate in rates)
        return Ceilings(device["bandwidth"], link, link, single, double, False)
    size = min(COPIED, device["memory"] // 8)
    return Ceilings(
        memory=_measured(library.copy_rate, ctypes.c_size_t(size)),
        to_device=_measured(library.link_rate, ctypes.c_size_t(LINKED), 1),
        to_host=_measured(library.link_rate, ctypes.c_size_t(LINKED), 0),
        single=_measured(library.arithmetic_rate, 0),
        double=_measured(library.arithmetic_rate, 1),
        measured=True,
    )


@cache
def new_pages(threads: int) -> float:
    """Bytes a second that threads write to memory that the system has yet to give them: what a
    result in a new array takes at least."""
    best = float("inf")
    for _ in range(3):
        array = np.empty(NEW // 8)
        parts = np.array_split(array, threads)
        best = min(best, together([partial(part.fill, 1.0) for part in parts]))
        del array, parts
    return NEW / best


def _measured(function: Callable[..., int], *arguments: Any) -> float:
    result = ctypes.c_double()
    _checked(function(*arguments, ctypes.byref(result)))
    return result.value


def _checked(error: int) -> None:
    if error:
        raise RuntimeError(f"CUDA's error {error} in gpu_probes.cu")


@cache
def probes() -> ctypes.CDLL | None:
    """gpu_probes.cu, compiled into a folder that is gone once it is loaded; None without nvcc."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "gpu_probes.so"
        source = Path(__file__).with_name("gpu_probes.cu")
        given = os.environ.get("CLOSEDFORM_GPU_ARCHITECTURE") or _architecture()
        architecture = given.split("-")[0]
        command = [nvcc, "-O3", f"-arch=sm_{architecture}", "-shared", "-Xcompiler=-fPIC"]
        try:
            subprocess.run([*command, "-o", str(built), str(source)], check=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"   the GPU is not measured: {error}", flush=True)
            return None
        return ctypes.CDLL(str(built))


def _architecture() -> str:
    return _core.cuda_devices()[0]["compute_capability"].replace(".", "")


class _Memory:
    """A device's, freed with this object."""

    def __init__(self, library: ctypes.CDLL, array: npt.NDArray[np.floating]) -> None:
        self.library = library
        self.address = ctypes.c_void_p()
        _checked(
            library.put(
                ctypes.c_void_p(array.ctypes.data),
                ctypes.c_size_t(array.nbytes),
                ctypes.byref(self.address),
            )
        )

    def __del__(self) -> None:
        self.library.drop(self.address)


def moved(array: npt.NDArray[np.floating]) -> _core.DeviceMatrix | None:
    """A copy on the device; None without nvcc."""
    library = probes()
    if library is None:
        return None
    memory = _Memory(library, array)
    rows, columns = array.shape
    single = array.dtype == np.float32
    return _core.DeviceMatrix(memory.address.value or 0, rows, columns, single, memory)


@dataclass(frozen=True)
class Ran:
    """What one call had the device do.

    Attributes:
        seconds: in which kernels ran.
        told: how many there were, and the seconds of the dearest and of copies.
    """

    seconds: float
    told: str


def kernels_of(work: Callable[[], object], name: str) -> Ran | None:
    """Those whose names contain `name`, as torch's profiler saw them; None where it cannot see
    any."""
    try:
        from torch.profiler import ProfilerActivity, profile

        work()
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            work()
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.json"
            seen.export_chrome_trace(str(trace))
            events = json.loads(trace.read_text())["traceEvents"]
    except Exception as error:  # no torch, or a profiler that may not look
        print(f"   kernels are not timed: {type(error).__name__}: {error}", flush=True)
        return None
    ran: list[tuple[float, float]] = []
    each: dict[str, float] = {}
    for event in events:
        kind, called = event.get("cat"), event.get("name", "")
        if kind == "gpu_memcpy" or kind == "gpu_memset":
            kind, called = "copies", kind
        elif kind != "kernel" or name not in called:
            continue
        short = re.sub(r".*run_body<(?:\w+::)*(\w+).*", r"\1", called)[:40]
        each[short] = each.get(short, 0.0) + 1e-6 * float(event["dur"])
        if kind == "kernel":
            ran.append((float(event["ts"]), float(event["ts"]) + float(event["dur"])))
    if not ran:
        return None
    dearest = sorted(each.items(), key=lambda item: -item[1])[:8]
    told = ", ".join(f"{short} {1e3 * seconds:.3g} ms" for short, seconds in dearest)
    return Ran(1e-6 * covered(ran), f"{len(ran)} launches: {told}")


def covered(intervals: Sequence[tuple[float, float]]) -> float:
    """Length of the union: kernels of two streams may run at the same time."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
