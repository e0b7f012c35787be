"""`discover` with several targets: a system of equations, one front each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from closedform.cli import EXIT_INTERRUPTED, scheduler, streams
from closedform.cli.display import display, interruptible
from closedform.cli.documents import discovery_document
from closedform.cli.rows import all_columns, of_the_file
from closedform.errors import InputError
from closedform.searches.progress import Progress
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data

# What is of one target alone.
OF_ONE = ("sigma", "groups", "checkpoint", "resume", "save", "report")


def run(
    options: argparse.Namespace,
    told: Callable[[Callable[[Progress], None], list[bool]], dict[str, Any]],
    client: Any,
) -> int:
    """Searches all targets and prints what was found.

    told: arguments of `discover` but for the rows, of what shows progress and what Ctrl-C fills.
    client: whose workers search; None for this process.

    Raises:
        InputError: two targets of one name, or an option that is of one target.
    """
    targets: list[str] = options.target
    if len(set(targets)) < len(targets):
        raise InputError("--target: is given twice with one name; leave one out")
    for option in OF_ONE:
        if getattr(options, option) is not None:
            raise InputError(f"--{option}: is of one target; leave it out, or give one --target")
    X: Any = scheduler.partitions(options, client)
    Y: Any = targets
    weights, table = options.weights, None
    if X is None:
        table = all_columns(options)
        weights = table.weights
        X, Y = _split(table, targets)
    from closedform.pipelines.systems import discover_system

    with display(options, ", ".join(targets)) as show, interruptible() as interrupted:
        system = discover_system(X, Y, weights=weights, client=client, **told(show, interrupted))
    found = {name: of_the_file(one, name, table) for name, one in system.items()}
    if options.json:
        documents = [
            discovery_document(one, argparse.Namespace(**vars(options) | {"target": name}))
            for name, one in found.items()
        ]
        text = json.dumps({"targets": documents}, indent=2, allow_nan=False)
    else:
        text = "\n\n".join(f"{name}\n{one}" for name, one in found.items())
    streams.write(text + "\n")
    stopped = interrupted or any(one.stopped == "interrupted" for one in found.values())
    return EXIT_INTERRUPTED if stopped else 0


def _split(table: Data, targets: Sequence[str]) -> tuple[Matrix, Matrix]:
    """Inputs and targets, by the columns' labels."""
    labels = table.inputs.labels or table.inputs.names
    for name in targets:
        if name not in labels:
            raise InputError(f"--target: no column {name!r}; there are {', '.join(labels)}")
    if len(targets) == len(labels):
        raise InputError("--target: no input columns are left; name fewer")
    return (
        _columns(table.inputs, [j for j, label in enumerate(labels) if label not in targets]),
        _columns(table.inputs, [labels.index(name) for name in targets]),
    )


def _columns(of: Matrix, which: Sequence[int]) -> Matrix:
    return Matrix(
        np.ascontiguousarray(of.values[:, which], dtype=np.float64),
        tuple(of.names[j] for j in which),
        tuple((of.labels or of.names)[j] for j in which),
    )
