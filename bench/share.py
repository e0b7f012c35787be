"""A fixed share of a list of laws, chosen by the hashes of their names."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str: ...


One = TypeVar("One", bound=Named)


def share(every: Iterable[One], part: str) -> list[One]:
    """All or, of "1/4", those whose name's hash is 0 modulo 4."""
    if part == "all":
        return list(every)
    first, _, parts = part.partition("/")
    if not (first.isdigit() and parts.isdigit() and 0 < int(first) <= int(parts)):
        raise ValueError(f'laws: {part!r} is neither "all" nor a share such as 1/4')
    return [one for one in every if zlib.crc32(one.name.encode()) % int(parts) < int(first)]
