"""sympy in a process of its own: some of its algorithms do not return, and a process can be ended.

It is told nothing but texts of formulas, and answers with texts.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache, partial
from time import monotonic
from types import FrameType

from closedform.formulas.formula import Formula

# Of Python's functions, for one formula: seconds would make a result depend on who else uses the
# machine. A second or two of it.
MOST_CALLS = 4_000_000
HUNG = 120.0  # seconds in which nothing that is still counted can be going on
# In the child: the modules of this process, wherever they were found.
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from closedform.formulas import sympy_process
sympy_process.serve()
"""


class SympyProcess:
    """`sympy_forms.shorter` with a limit of work and a deadline.

    Where no such process can be started, nothing is shorter.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ready = False
        self._broken = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Lets it load sympy while something else is done."""
        with self._lock:
            self._start()

    def shorter(self, formula: Formula, operators: Iterable[str], seconds: float) -> str | None:
        """As `sympy_forms.shorter`; None also where it takes more than MOST_CALLS, or `seconds`."""
        with self._lock:
            begun = monotonic()
            self._start()
            if not self._ready and not self._loaded(min(seconds, HUNG)):
                return None
            left = min(seconds - (monotonic() - begun), HUNG)
            if left <= 0:
                return None
            try:
                self._say(json.dumps([formula.text, formula.names, sorted(operators)]))
                answer = self._answers.get(timeout=left)
            except BaseException as error:
                # Whatever it may still say would be taken for the next answer.
                self._end()
                if isinstance(error, (queue.Empty, OSError)):
                    return None
                raise
            if not answer:  # it has ended, or is about to
                self._end()
                return None
            text: str | None = json.loads(answer)
            return text

    def _start(self) -> None:
        if self._broken or (self._process is not None and self._process.poll() is None):
            return
        self._end()
        self._ready = False
        self._answers = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                # What sympy does hangs on the order of sets.
                env={**os.environ, "PYTHONHASHSEED": "0"},
                # Ctrl-C is for whoever waits for the answer, not for this process.
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                start_new_session=True,
            )
        except OSError:
            self._broken = True
            return
        self._reader = threading.Thread(
            target=_read, args=(self._process, self._answers), daemon=True
        )
        self._reader.start()
        atexit.register(self._end)

    def _loaded(self, seconds: float) -> bool:
        """Whether it is ready by then; where it only needs longer, it goes on for the next time."""
        if not self._broken:
            try:
                self._ready = self._answers.get(timeout=max(seconds, 0.0)) != ""
            except queue.Empty:
                return False
        self._broken = not self._ready  # it ended: there is no Python of ours to be had this way
        return self._ready

    def _say(self, text: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def _end(self) -> None:
        atexit.unregister(self._end)
        process, self._process = self._process, None
        if process is None or self._reader is None:
            return
        process.kill()
        self._reader.join()
        for stream in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):  # what was not yet written
                stream.close()
        process.wait()


def _read(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            answers.put(line)
    answers.put("")


def sympy_process() -> SympyProcess:
    """That of this process, for all its searches: loading sympy takes longer than many of them."""
    return _of(os.getpid())


@cache
def _of(process: int) -> SympyProcess:  # a fork has one of its own
    return SympyProcess()


def serve() -> None:
    """What the process does: answers every line, until there are no more."""
    import sympy  # noqa: F401

    # Before anything is counted.
    from closedform.formulas.sympy_forms import shorter

    def asked(text: str, names: list[str], operators: list[str]) -> str | None:
        return shorter(Formula(text, names), operators)

    answers, sys.stdout = sys.stdout, sys.stderr  # what sympy prints is no answer
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        # Should the other process have died, nobody else ends this one.
        watch = threading.Timer(2 * HUNG, os._exit, [1])
        watch.daemon = True
        watch.start()
        try:
            answer = within(MOST_CALLS, partial(asked, *question))
        except Exception:  # sympy's, and of words that only whoever asks knows
            answer = None
        print(json.dumps(answer), file=answers, flush=True)
        watch.cancel()


class _TooManyCalls(BaseException):  # sympy catches many an Exception
    pass


def within(calls: int, work: Callable[[], str | None]) -> str | None:
    """What `work` says; None where it calls more functions than that."""
    from sympy.core.cache import clear_cache

    clear_cache()  # what was asked before makes fewer calls of it
    left = calls

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManyCalls

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return work()
    except _TooManyCalls:
        return None
    finally:
        sys.settrace(before)
