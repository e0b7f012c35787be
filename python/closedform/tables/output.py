"""The one way files are written: the old one or the new one is there, whatever happens."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from closedform.errors import InputError


def checked_output(
    path: str | os.PathLike[str], *, name: str = "path", inputs: Iterable[object] = ()
) -> Path:
    """The file that is to be written, which can be: said before a run and not after it.

    A link stays a link; the file is the one it leads to.

    Args:
        path: where to write.
        name: what messages call the argument.
        inputs: paths that are read; anything else among them is passed over.

    Raises:
        InputError: a device, folder or pipe, a file that is read, or a place that cannot be
            written to.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"{name}: must be a path, not {type(path).__name__}")
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # a name too long, with a NUL, that no system knows
        raise InputError(f"{name}: cannot write {os.fspath(path)!r} ({error})") from error
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise InputError(f"{name}: {path} is not a file; choose a path that is free, or a file's")
    for other in inputs:
        if not (isinstance(other, (str, Path)) and os.path.exists(other) and target.exists()):
            continue
        if os.path.samefile(target, other):
            raise InputError(f"{name}: {path} is the file that is read; choose another")
    folder = target.parent
    writable = os.access(target if target.exists() else folder, os.W_OK)
    if not folder.is_dir() or not writable or not os.access(folder, os.W_OK):
        why = "it cannot be written to" if folder.is_dir() else f"there is no folder {folder}"
        raise InputError(f"{name}: cannot write {path} ({why}); choose a path that can be written")
    return target


def write_output(
    path: str | os.PathLike[str],
    content: str | bytes,
    *,
    name: str = "path",
    inputs: Iterable[object] = (),
) -> None:
    """Writes a file: beside the one there is, then in its place. Its mode is kept.

    Args:
        path, name, inputs: as in `checked_output`.
        content: text is written as UTF-8.

    Raises:
        InputError: as `checked_output`.
        OSError: it could not be written; what was there is there still.
    """
    target = checked_output(path, name=name, inputs=inputs)
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        with open(beside, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(beside, target.stat().st_mode & 0o7777)
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    _settle(target.parent)


def _settle(folder: Path) -> None:
    """So that the new name survives a power cut; not every system can."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
