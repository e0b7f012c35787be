"""numpy's and scipy's linear algebra within a run: one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_within = 0  # runs: what they hold is the process's own, so the last one gives it back
_limits: threadpool_limits | None = None


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Within, BLAS libraries take one thread each; after the last of the runs what they had.

    A run's matrices are small, its threads are the core's, and sums whose order hangs on the
    number of threads would be answers that do. Threads that wait for one another made a search
    of a wide table twice as long beside three busy processes.
    """
    global _within, _limits
    with _lock:
        if _within == 0:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None
