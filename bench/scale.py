"""Rows without end: cost per row, and memory beside the data's size. `python bench/scale.py`

A sweep over rows and over inputs fits a surrogate of fixed size and takes its derivatives; then
tables as large as asked for go through `discover`, from a mapped file and as an iterator of chunks.
Every answer is asserted before its time is printed. Memory is what the process has to itself
(RssAnon): pages of mapped files are the system's, which takes them back when it needs them.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import closedform as cf

Floats = npt.NDArray[np.float64]

BLOCK = 100_000  # rows made, or differentiated, at a time
# Cost per row and input may rise by so much from one size to the next, for caches and the disk.
LINEAR = 1.5
# Bound on a run's own memory, whatever the data's size: the modules, the samples, the threads'
# blocks, and the pages of rows held out, 20,000 of 4 kB each for X and for y.
MOST_MEGABYTES = 400.0


class Watch:
    """Time and the peak of anonymous memory of what runs inside."""

    def __enter__(self) -> Watch:
        self.before = self.peak = anonymous_megabytes()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        self._began = time.perf_counter()
        return self

    def _follow(self) -> None:
        while not self._done.wait(0.01):
            self.peak = max(self.peak, anonymous_megabytes())

    def __exit__(self, *failure: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._done.set()
        self._thread.join()

    @property
    def grown(self) -> float:
        return self.peak - self.before


def anonymous_megabytes() -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        (line,) = (line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1e3


def law(X: Floats) -> Floats:
    return np.sin(3 * X[:, 0]) * (1 + X[:, 1] / 2)


def law_gradient(X: Floats) -> Floats:
    by_first = 3 * np.cos(3 * X[:, 0]) * (1 + X[:, 1] / 2)
    return np.stack([by_first, np.sin(3 * X[:, 0]) / 2], axis=1)


def blocks(rows: int, columns: int) -> Iterator[Floats]:
    """Uniform rows, the same for the same sizes, a block at a time."""
    for start in range(0, rows, BLOCK):
        yield np.random.default_rng(start).random((min(BLOCK, rows - start), columns))


def mapped(folder: str, rows: int, columns: int, f: object) -> tuple[Floats, Floats]:
    """X and y = f(X) as maps of nameless files."""
    maps = []
    for shape in ((rows, columns), (rows,)):
        with tempfile.TemporaryFile(dir=folder) as file:
            maps.append(np.memmap(file, np.float64, "w+", shape=shape))
    X, y = maps
    for i, block in enumerate(blocks(rows, columns)):
        X[i * BLOCK : i * BLOCK + len(block)] = block
        y[i * BLOCK : i * BLOCK + len(block)] = f(block)  # type: ignore[operator]
    return X, y


def write_parquet(folder: Path, rows: int, columns: int, f: object) -> None:
    """The same as a folder of one Parquet file, the target's column called y."""
    import pyarrow
    import pyarrow.parquet

    names = [f"x{j + 1}" for j in range(columns)] + ["y"]
    schema = pyarrow.schema([(name, pyarrow.float64()) for name in names])
    with pyarrow.parquet.ParquetWriter(folder / "data.parquet", schema) as writer:
        for X in blocks(rows, columns):
            numbers = [*X.T, f(X)]  # type: ignore[operator]
            writer.write_table(pyarrow.table(dict(zip(names, numbers, strict=True))))


def sweep(folder: str, cases: list[tuple[int, int]]) -> None:
    print("      rows inputs   data MB    fit s  ns/row/input  gradient  Hessian   peak MB")
    fresh = np.random.default_rng(99).uniform(0.02, 0.98, (5000, max(d for _, d in cases)))
    costs: dict[tuple[int, int], float] = {}
    for rows, columns in cases:
        X, y = mapped(folder, rows, columns, law)
        Z = np.ascontiguousarray(fresh[:, :columns])
        with Watch() as fit:
            surrogate = cf.Surrogate(2, 10, smoothing=1e-6, time=math.inf).fit(X, y)
        error = np.sqrt(np.mean((surrogate.predict(Z) - law(Z)) ** 2)) / law(Z).std()
        assert error < 2e-3, f"{rows} rows, {columns} inputs: error {error:.1e}"
        slopes = np.abs(surrogate.gradient(Z)[:, :2] - law_gradient(Z)).mean()
        assert slopes < 0.05, f"{rows} rows, {columns} inputs: slopes {slopes:.1e}"
        parts = [X[i : i + BLOCK] for i in range(0, rows, BLOCK)]
        with Watch() as gradient:
            for part in parts:
                surrogate.gradient(part)
        some = parts[: max(1, 2_000_000 // (BLOCK * columns))]  # (n, d, d) each
        with Watch() as hessian:
            for part in some:
                surrogate.hessian(part[: 10**6 // columns])
        hessian_rows = sum(min(len(part), 10**6 // columns) for part in some)
        costs[rows, columns] = fit.seconds / rows / columns
        print(
            f"{rows:10d} {columns:6d} {X.nbytes / 1e6:9.1f} {fit.seconds:8.2f}"
            f" {1e9 * costs[rows, columns]:13.1f}"
            f" {1e9 * gradient.seconds / rows / columns:9.2f}"
            f" {1e9 * hessian.seconds / hessian_rows / columns**2:8.2f}"
            f" {fit.grown:9.1f} {verdict(fit.grown < MOST_MEGABYTES)}"
        )
    before, last = cases[-2:]
    ratio = costs[last] / costs[before]
    print(
        f"fit per row and input, {last[0]} rows of {last[1]} against {before[0]} of {before[1]}:"
        f" {ratio:.2f} times, at most {LINEAR}: {verdict(ratio <= LINEAR)}"
    )


def large(folder: str, gigabytes: float, kind: str, columns: int, seconds: float) -> None:
    """One table through `discover`: y = x1 x2 + x3, the other columns for nothing."""
    rows = round(gigabytes * 1e9 / 8 / columns)

    def f(X: Floats) -> Floats:
        return X[:, 0] * X[:, 1] + X[:, 2]

    budget = {"time": seconds, "operators": "+ - *", "seed": 1}
    if kind == "map":
        X, y = mapped(folder, rows, columns, f)
        with Watch() as watch:
            found = cf.discover(X, y, **budget)  # type: ignore[arg-type]
    elif kind == "parquet":
        with tempfile.TemporaryDirectory(dir=folder) as parquet:
            write_parquet(Path(parquet), rows, columns, f)
            with Watch() as watch:
                found = cf.discover(parquet, "y", **budget)  # type: ignore[arg-type]
    else:
        with Watch() as watch:
            chunks = ((block, f(block)) for block in blocks(rows, columns))
            found = cf.discover(chunks, None, **budget)  # type: ignore[arg-type]
    errors = found.errors[found.chosen]
    assert errors is not None
    assert errors.nrmse < 1e-9, f"not the law: {found.formula}, {errors}"
    print(
        f"{kind:8} {rows * columns * 8 / 1e9:6.1f} GB, {rows} rows: {found.formula} in"
        f" {watch.seconds:.0f} s ({found.stopped}), peak {watch.grown:.0f} MB of at most"
        f" {MOST_MEGABYTES:.0f}: {verdict(watch.grown < MOST_MEGABYTES)}"
    )


def verdict(holds: bool) -> str:
    return "pass" if holds else "MISS"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="a disk with room")
    parser.add_argument("--rows", type=float, default=1e7, help="most rows of the sweep")
    parser.add_argument("--no-sweep", action="store_true")
    parser.add_argument("--gigabytes", type=float, nargs="*", default=[4.0])
    parser.add_argument("--kinds", nargs="*", default=["map", "iterator", "parquet"])
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--time", type=float, default=60.0)
    options = parser.parse_args()
    tempfile.tempdir = str(Path(options.folder).resolve())
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    cf.Surrogate(1, 4, smoothing=1e-6).fit(np.eye(9), np.arange(9.0))  # loads everything
    if not options.no_sweep:
        cases = [(10**k, 5) for k in range(4, 8) if 10**k <= options.rows]
        sweep(options.folder, cases)
        sweep(options.folder, [(200_000, d) for d in (2, 5, 10, 20, 50)])
    for gigabytes in options.gigabytes:
        for kind in options.kinds:
            large(options.folder, gigabytes, kind, options.columns, options.time)


if __name__ == "__main__":
    main()
