"""What has been guessed of rows, for the searches of a run that come back to the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

# Guesses on less work are told again for up to so many times as much.
AS_GOOD = 2


class Guessed:
    """Texts by what tells the question from others (`journal.key_of`), and the work they took."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, Sequence[str]]] = {}

    def texts(
        self, key: str, work: int, look: Callable[[], tuple[Sequence[str], bool]]
    ) -> list[str]:
        """Those kept of the question, or what `look` gives.

        Args:
            work: that `look` may take.
            look: texts, and whether it came to its end: only then they are kept.
        """
        kept = self._found.get(key)
        if kept is not None and work <= AS_GOOD * kept[0]:
            return list(kept[1])
        texts, ended = look()
        if ended:
            self._found[key] = (work, texts)
        return list(texts)
