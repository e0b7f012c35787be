"""Tasks on the workers of a Dask cluster, which have something in common: rows, as a rule.

That is sent to the workers once, and once more where those that had it died. An answer depends on
its task alone, so that the number of workers changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from closedform import _core
from closedform.errors import InputError

POLL = 0.01  # seconds between looks at whether an answer is there
ATTEMPTS = 3


class NoAnswer(InputError):
    """A cluster that goes away, or has lost what was sent to it."""


def no_answer(error: Exception) -> NoAnswer:
    """What Dask said of it, in one line."""
    said = str(error).strip().partition("\n")[0]
    return NoAnswer(f"client: no answer: {type(error).__name__}: {said}")


class Shared:
    """What tasks on the workers of a client have in common."""

    def __init__(self, client: Any, what: object) -> None:
        """what: is sent when something is asked, as it is then."""
        self._client, self._what, self._sent = client, what, None

    def ask(
        self, question: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], seconds: float
    ) -> list[Any]:
        """question(what, *task) of every task, in order; None for what is not there in time.

        Args:
            seconds: that the answers are waited for.

        Raises:
            InputError: what a question raised of that kind, the first of those asked.
            NoAnswer: why the cluster gives none, after some attempts.
            KeyboardInterrupt: the run is to end.
        """
        ends = time.monotonic() + seconds
        for attempt in range(ATTEMPTS):
            asked: list[Any] = []
            try:
                asked = self._submitted(question, tasks)
                return self._answered(asked, ends)
            except NoAnswer:
                self._sent = None
                if attempt + 1 == ATTEMPTS:
                    raise
            except KeyboardInterrupt:
                self._client.cancel(asked)
                raise
        raise AssertionError("every attempt returns or raises")

    def _submitted(self, question: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Any:
        try:
            if self._sent is None:
                # To one of them, which the others ask: a broadcast has been seen to wait for ever
                # for a worker that had died.
                (self._sent,) = self._client.scatter([self._what], hash=False)
            return [self._client.submit(question, self._sent, *task, pure=False) for task in tasks]
        except Exception as error:  # whatever a cluster raises whose workers die
            raise no_answer(error) from error

    def _answered(self, asked: Sequence[Any], ends: float) -> list[Any]:
        _wait(asked, ends)
        there = [future.done() for future in asked]
        found = iter(answers(self._client, list(compress(asked, there))))
        return [next(found) if done else None for done in there]


def _wait(asked: Sequence[Any], ends: float) -> bool:
    """Whether all have answered in time; what runs on the workers goes on.

    Raises:
        KeyboardInterrupt: the run is to end.
    """
    while not all(future.done() for future in asked):
        if _core.interrupt_requested():
            raise KeyboardInterrupt
        if time.monotonic() > ends:
            return False
        time.sleep(POLL)
    return True


def answers(client: Any, asked: Sequence[Any], ends: float = math.inf) -> list[Any]:
    """What workers answer, once all do, fetched in one go.

    Args:
        ends: by time.monotonic, when it is no longer waited for.

    Raises:
        InputError: what a worker raised of that kind, the first of those asked.
        NoAnswer: why the cluster gives none.
        KeyboardInterrupt: the run is to end.
    """
    if not _wait(asked, ends):
        raise NoAnswer("client: no answer in time")
    failed = [future for future in asked if future.status != "finished"]
    try:
        found: list[Any] = client.gather(failed[:1] or list(asked))
    except InputError:
        raise
    except Exception as error:  # whatever a cluster that goes away, or a task in it, raises
        raise no_answer(error) from error
    return found
