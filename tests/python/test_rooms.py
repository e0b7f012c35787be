"""The C++ and CUDA house: what may include what, and that what is public stands on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLIC, PRIVATE, CUDA = ROOT / "cpp/include/closedform", ROOT / "cpp/src", ROOT / "cuda"

# A room includes itself and these; arrows point downwards only, so there is no circle.
ROOMS = {
    "core": "",
    "kernels": "core",
    "expression": "core kernels",
    "surrogate": "core kernels",
    "network": "core kernels",
    "objective": "core kernels expression",
    "symmetry": "core expression",
    "search": "core expression objective",
    "terms": "core kernels expression objective search",
    "structure": "core kernels surrogate",
    "files": "core expression surrogate",
    "gpu": "core objective surrogate structure network",
    "c_api": "core expression surrogate files gpu",
}
# The kernels implement what `gpu` declares, room by room over the CUDA runtime.
CUDA_ROOMS = {
    "runtime": "core kernels gpu",
    "surrogate": "core kernels surrogate gpu",
    "structure": "core kernels surrogate structure gpu",
    "network": "core kernels network gpu",
    "objective": "core kernels expression objective gpu",
}
CUDA_ABOVE = {
    "runtime": "",
    "surrogate": "runtime",
    "structure": "runtime surrogate",
    "network": "runtime",
    "objective": "runtime",
}


def sources(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in {".hpp", ".h", ".cpp", ".cu", ".cuh"})


def included(path: Path) -> Iterator[str]:
    yield from re.findall(r'^\s*#include "([^"]+)"', path.read_text(), re.MULTILINE)


def test_rooms_are_in_order() -> None:
    below: set[str] = set()
    for room, others in ROOMS.items():
        assert set(others.split()) <= below, f"{room} comes before what it includes"
        below.add(room)


@pytest.mark.parametrize(
    "path", sources(PUBLIC) + sources(PRIVATE), ids=lambda p: str(p.relative_to(ROOT / "cpp"))
)
def test_arrows_point_downwards(path: Path) -> None:
    public = path.is_relative_to(PUBLIC)
    room = path.relative_to(PUBLIC if public else PRIVATE).parts[0]
    if room == "c_api.h":
        assert not list(included(path))
        return
    assert room in ROOMS, f"{room} is no room: name what it includes in ROOMS"
    for other in included(path):
        at = other.removeprefix("closedform/").split("/")[0]
        if at == "c_api.h":
            assert room == "c_api"
            continue
        assert at == room or at in ROOMS[room].split(), f"{room} includes {other}"
        if public:
            assert other.startswith("closedform/"), f"a public header includes {other}"


@pytest.mark.parametrize("path", sources(CUDA), ids=lambda p: str(p.relative_to(CUDA)))
def test_arrows_of_cuda_point_downwards(path: Path) -> None:
    room = path.relative_to(CUDA).parts[0]
    for other in included(path):
        parts = other.removeprefix("closedform/").split("/")
        if parts[0] == "cuda":
            assert parts[1] == room or parts[1] in CUDA_ABOVE[room].split(), other
        else:
            assert parts[0] in CUDA_ROOMS[room].split(), f"cuda/{room} includes {other}"


def test_kernels_reach_no_standard_templates() -> None:
    """The linker keeps one copy of an inline function, and it could be another instruction set's.

    What a file of kernels/simd includes, itself or by way of ours, has C functions and types alone.
    """
    found, queue = set(), sources(PRIVATE / "kernels/simd")
    seen = set(queue)
    while queue:
        path = queue.pop()
        found |= set(re.findall(r"^\s*#include <([^>]+)>", path.read_text(), re.MULTILINE))
        for other in included(path):
            root = PUBLIC.parent if other.startswith("closedform/") else PRIVATE
            if (at := root / other) not in seen:
                seen.add(at)
                queue.append(at)
    assert found <= {"cstddef", "cstdint", "math.h"}


def test_threads_are_tested_under_their_sanitizer() -> None:
    """What `.ci/run` builds for ThreadSanitizer has every test that it names."""
    named = re.compile(r'^\s*TEST_CASE\w*\(\s*"[^"]*(?:thread|worker)', re.MULTILINE)
    tests = {p for p in sources(ROOT / "tests/cpp") if named.search(p.read_text())}
    built = re.search(
        r"set\(CLOSEDFORM_THREAD_TESTS([^)]*)\)", (ROOT / "CMakeLists.txt").read_text()
    )
    assert built is not None
    assert tests == {ROOT / name for name in built[1].split()} - {ROOT / "tests/cpp/main.cpp"}
