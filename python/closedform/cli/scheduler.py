"""A Dask cluster for the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from closedform.errors import InputError

CONNECTING = 10.0  # seconds that a scheduler may take to answer


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """A client of the scheduler; None where there is no address.

    Raises:
        InputError: dask.distributed is not installed, or nobody answers.
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler: needs closedform[dask]") from None
    try:
        client: Any = Client(address, timeout=CONNECTING, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler: {address} does not answer ({error})") from error
    with client:
        yield client


def partitions(options: argparse.Namespace, client: Any) -> Any:
    """The Dask DataFrame of a Parquet file or folder, which the workers read themselves; None for
    what this process has to read.

    Raises:
        InputError: it cannot be read, or has no such column.
    """
    path = Path(options.data)
    if client is None or not (path.suffix == ".parquet" or path.is_dir()):
        return None
    from dask import dataframe

    try:
        frame = dataframe.read_parquet(str(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({error})") from error
    missing = sorted(set(options.drop or ()) - set(frame.columns))
    if missing:
        raise InputError(f"drop: no column {missing[0]!r} in {path}")
    return frame.drop(columns=list(options.drop or ()))
