"""Arrays that are files: temporary ones without a name, and private maps of anybody's file."""

from __future__ import annotations

import errno
import mmap
import tempfile
import weakref
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from closedform.errors import InputError
from closedform.tables.rows import row_blocks

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Mapped(np.memmap[Any, Any]):
    """A map of a temporary file, which it keeps."""

    file: IO[bytes]


class Spool:
    """Rows on their way into a temporary file that has no name."""

    def __init__(self, like: npt.NDArray[Any]) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.closing = weakref.finalize(self, self.file.close)  # or with its map
        self.dtype, self.width = like.dtype, like.shape[1:]
        self.rows = 0

    def add(self, block: npt.NDArray[Any], name: str) -> None:
        if not np.can_cast(block.dtype, self.dtype):
            raise InputError(
                f"{name}: row {self.rows} and those after it are {block.dtype}, those before "
                f"{self.dtype}; give all in one precision"
            )
        try:
            self.file.write(np.ascontiguousarray(block, self.dtype).data.cast("B"))
            self.file.flush()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            written = self.rows * self.dtype.itemsize * int(np.prod(self.width, dtype=int))
            raise InputError(
                f"{name}: no room in {tempfile.gettempdir()} for its rows after row {self.rows} "
                f"({written / 1e9:.1f} GB); set TMPDIR to a folder on a larger disk"
            ) from error
        self.rows += len(block)

    def mapped(self) -> Any:
        array = _Mapped(self.file, self.dtype, mode="r", shape=(self.rows, *self.width))
        array.file = self.file
        self.closing.detach()
        weakref.finalize(array, self.file.close)
        return np.asarray(array)


def map_of(value: object) -> np.memmap[Any, Any] | None:
    """The map of a file that an array is a view of."""
    root = None
    while isinstance(value, np.ndarray):
        if isinstance(value, np.memmap):
            root = value
        value = value.base
    return root if isinstance(value, mmap.mmap) else None


def only(values: npt.NDArray[Any], kept: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Some rows of an array: of a mapped one in a temporary file again.

    Args:
        values: (n,) or (n, d).
        kept: (n,) whether a row is one of them.
    """
    if map_of(values) is None:
        return values[kept]
    spool = Spool(values)
    for first, block in row_blocks(values):
        spool.add(block[kept[first : first + len(block)]], "X")
    mapped: npt.NDArray[Any] = spool.mapped()
    return mapped


@dataclass(frozen=True)
class Moved:
    """Rows that change places where some are set aside (`set_aside`).

    Attributes:
        out: (k,) those named that are not among the last, in their order.
        free: (k,) those of the last that take their places.
    """

    out: npt.NDArray[np.intp]
    free: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rows: int, aside: npt.NDArray[np.intp]) -> Moved:
        last = np.arange(rows - len(aside), rows)
        out = np.setdiff1d(aside, last, assume_unique=True)
        return cls(out, np.setdiff1d(last, aside, assume_unique=True))

    def numbers(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """What rows at some places were numbered before."""
        if len(self.out) == 0:
            return places
        at = np.minimum(np.searchsorted(self.out, places), len(self.out) - 1)
        return np.where(self.out[at] == places, self.free[at], places)


def set_aside(
    values: npt.NDArray[Any], aside: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The other rows, and those named, each C-contiguous.

    The rows named change places with the last ones. Of a mapped file only the pages written to are
    copied to memory; the file stays as it is. An array in memory is copied.

    Args:
        values: (n,) or (n, d).
        aside: k different row numbers.
    """
    own = _private(values)
    moved = Moved.of(len(own), aside)
    own[moved.out], own[moved.free] = own[moved.free], own[moved.out]
    left = len(own) - len(aside)
    return own[:left], own[left:]


def _private(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same values to write to, without writing to the original."""
    root = map_of(values)
    if root is None:
        return values.copy()
    again = _mapped_again(values, root)
    if again is None:  # its file is gone, or it is somebody's private map
        spool = Spool(values)
        for _, block in row_blocks(values):
            spool.add(block, "X")
        copy = spool.mapped()
        again = _mapped_again(copy, copy.base)
        assert again is not None
    return again


def _mapped_again(values: npt.NDArray[Any], root: np.memmap[Any, Any]) -> npt.NDArray[Any] | None:
    """A private map of the part of the file that holds `values`; None if it is not there."""
    file = root.file if isinstance(root, _Mapped) else root.filename
    if file is None or root.mode == "c":
        return None
    pages: mmap.mmap = root._mmap  # type: ignore[attr-defined]
    start = np.frombuffer(pages, np.uint8).__array_interface__["data"][0]
    offset = values.__array_interface__["data"][0] - start
    offset += root.offset - root.offset % mmap.ALLOCATIONGRANULARITY  # where the map begins
    try:
        again = np.memmap(file, values.dtype, mode="c", offset=offset, shape=values.shape)
    except (OSError, ValueError):
        return None
    ends = [0, -1]
    return np.asarray(again) if np.array_equal(again[ends], values[ends]) else None
