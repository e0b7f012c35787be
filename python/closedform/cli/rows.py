"""The rows of a file for the commands, and what was found told of the file's rows."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from closedform.cli.streams import readable
from closedform.tables.chunks import Data
from closedform.tables.files import read_table

if TYPE_CHECKING:
    from closedform.pipelines.results import Discovery


def all_columns(options: argparse.Namespace) -> Data:
    """The file's columns, none of them a target; but for those left out and the weights."""
    with readable(options.data) as file:
        return read_table(
            file,
            target=None,
            drop=options.drop,
            weights=options.weights,
            missing=options.missing,
        )


def of_the_file(discovery: Discovery, target: str, table: Data | None) -> Discovery:
    """The discovery with the target's name and the numbers of the file's rows. table: None where
    the rows are not read here."""
    origin, far = replace(discovery.provenance, target=target), discovery.outliers
    if table is not None:
        origin = replace(origin, dropped=table.dropped)
        if table.kept is not None:
            far = tuple(int(table.kept[row]) for row in far)
    return replace(discovery, outliers=far, provenance=origin)
