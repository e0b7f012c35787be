"""Rows without end: cost per row and input from size to size, and memory beside the data's size.

A sweep over rows and one over inputs fit a surrogate of fixed size and take its derivatives; tables
as large as asked for go through `discover`, from a mapped file, as an iterator of chunks and as a
folder of Parquet. The data lie in TMPDIR.
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import closedform as cf
from bench.memory import ResidentMemory
from bench.record import Record, Target

Floats = npt.NDArray[np.float64]

BLOCK = 100_000  # rows made, or differentiated, at a time
# Cost per row and input may rise by so much from one size to the next, for caches and the disk.
LINEAR = Target("ours", 1.5, most=True)
# A run's own memory, whatever the data's size: the modules, the samples with their products, the
# threads' blocks, and the pages of rows held out, 20,000 of 4 kB each for X and for y.
CONSTANT = Target("ours", 400, most=True)  # MiB


def run_sweep(name: str, *, rows: int, inputs: int, threads: int, seed: int) -> list[Record]:
    """A fit of fixed size to mapped rows; all rows' gradients and some Hessians."""
    with tempfile.TemporaryDirectory() as folder:
        X, y = mapped(Path(folder), rows, inputs, _wave)
        small = cf.Surrogate(1, 4, smoothing=1e-6, threads=threads)
        small.fit(np.eye(9), np.arange(9.0))  # loads everything
        surrogate = cf.Surrogate(2, 10, smoothing=1e-6, time=math.inf, seed=seed, threads=threads)
        with ResidentMemory() as memory:
            fit = seconds_of(lambda: surrogate.fit(X, y))
        Z = np.random.default_rng(99).uniform(0.02, 0.98, (5000, inputs))
        error = float(np.sqrt(np.mean((surrogate.predict(Z) - _wave(Z)) ** 2)) / _wave(Z).std())
        assert error < 2e-3, error
        slopes = float(np.abs(surrogate.gradient(Z)[:, :2] - _wave_gradient(Z)).mean())
        assert slopes < 0.05, slopes
        parts = [X[i : i + BLOCK] for i in range(0, rows, BLOCK)]
        gradient = seconds_of(lambda: [surrogate.gradient(part) for part in parts])
        few = X[: max(1, 10**6 // inputs**2)]
        hessian = seconds_of(lambda: surrogate.hessian(few))
    parameters = {"rows": rows, "inputs": inputs}
    each = 1e9 / inputs
    return [
        Record(
            name,
            parameters,
            f"error {error:.1e}",
            fit,
            note=f"{each * fit / rows:.1f} ns a row and input;"
            f" gradient {each * gradient / rows:.1f} ns;"
            f" Hessian {each * hessian / len(few) / inputs:.2f} ns an entry",
        ),
        Record(
            name,
            parameters,
            "memory beside the data",
            memory.grown,
            unit="MiB",
            targets=(CONSTANT,),
            note=f"the data are {(X.nbytes + y.nbytes) / 2**20:.0f} MiB",
        ),
    ]


def summarise(records: Sequence[Record]) -> list[Record]:
    """The largest rise of the fit's cost per row and input from one size to the next."""
    fits = [record for record in records if record.unit == "s"]
    rises = [cost(after) / cost(before) for before, after in itertools.pairwise(fits)]
    if not rises:
        return []
    return [
        Record(
            fits[0].name,
            {},
            "largest rise of the cost per row and input from size to size",
            max(rises),
            unit="times",
            targets=(LINEAR,),
        )
    ]


def cost(fit: Record) -> float:
    return fit.ours / float(fit.parameters["rows"]) / float(fit.parameters["inputs"])


def run_chunked(
    *, kind: str, gigabytes: float, inputs: int, time: float, threads: int, seed: int
) -> list[Record]:
    """One table through `discover`: y = x1 x2 + x3, the other columns for nothing."""
    rows = round(gigabytes * 1e9 / 8 / inputs)
    budget: dict[str, Any] = {"time": time, "operators": "+ - *", "seed": seed, "threads": threads}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given: tuple[Any, Any]
        if kind == "map":
            given = mapped(folder, rows, inputs, _product)
        elif kind == "parquet":
            write_parquet(folder, rows, inputs, _product)
            given = name, "y"
        else:
            given = ((X, _product(X)) for X in blocks(rows, inputs)), None
        found: list[cf.Discovery] = []
        with ResidentMemory() as memory:
            seconds = seconds_of(lambda: found.append(cf.discover(*given, **budget)))
    errors = found[0].errors[found[0].chosen]
    assert errors is not None
    assert errors.nrmse < 1e-9, f"{found[0].formula}, {errors}"
    parameters = {"kind": kind, "gigabytes": gigabytes}
    return [
        Record(
            "scale.chunked",
            parameters,
            str(found[0].formula),
            seconds,
            note=f"{rows} rows of {inputs}; stopped by {found[0].stopped}",
        ),
        Record(
            "scale.chunked",
            parameters,
            "memory beside the data",
            memory.grown,
            unit="MiB",
            targets=(CONSTANT,),
        ),
    ]


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def blocks(rows: int, columns: int) -> Iterator[Floats]:
    """Uniform rows, the same for the same sizes, a block at a time."""
    for start in range(0, rows, BLOCK):
        yield np.random.default_rng(start).random((min(BLOCK, rows - start), columns))


def mapped(
    folder: Path, rows: int, columns: int, f: Callable[[Floats], Floats]
) -> tuple[Floats, Floats]:
    """X and y = f(X) as maps of files."""
    X = np.memmap(folder / "X", np.float64, "w+", shape=(rows, columns))
    y = np.memmap(folder / "y", np.float64, "w+", shape=(rows,))
    for i, block in enumerate(blocks(rows, columns)):
        X[i * BLOCK : i * BLOCK + len(block)] = block
        y[i * BLOCK : i * BLOCK + len(block)] = f(block)
    return X, y


def write_parquet(folder: Path, rows: int, columns: int, f: Callable[[Floats], Floats]) -> None:
    """The same as a folder of one Parquet file, the target's column called y."""
    import pyarrow
    import pyarrow.parquet

    names = [f"x{j + 1}" for j in range(columns)] + ["y"]
    schema = pyarrow.schema([(name, pyarrow.float64()) for name in names])
    with pyarrow.parquet.ParquetWriter(folder / "data.parquet", schema) as writer:
        for X in blocks(rows, columns):
            writer.write_table(pyarrow.table(dict(zip(names, [*X.T, f(X)], strict=True))))


def _wave(X: Floats) -> Floats:
    return np.sin(3 * X[:, 0]) * (1 + X[:, 1] / 2)


def _wave_gradient(X: Floats) -> Floats:
    by_first = 3 * np.cos(3 * X[:, 0]) * (1 + X[:, 1] / 2)
    return np.stack([by_first, np.sin(3 * X[:, 0]) / 2], axis=1)


def _product(X: Floats) -> Floats:
    return X[:, 0] * X[:, 1] + X[:, 2]
