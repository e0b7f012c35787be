"""A run's linear algebra takes one thread, and the process has its own back afterwards."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import closedform as cf
from closedform.searches.blas_threads import single_blas_thread


def _threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


def test_a_run_has_one_thread_and_gives_back_what_it_found() -> None:
    X = np.random.default_rng(0).uniform(1, 2, (60, 2))
    seen: list[set[int]] = []

    def look(progress: object) -> bool:
        seen.append(_threads())
        return False

    with threadpool_limits(limits=3, user_api="blas"):
        cf.search(X, values=X[:, 0] + np.sin(X[:, 1] ** 2), evaluations=500, callback=look)
        assert seen
        assert set().union(*seen) == {1}
        assert _threads() == {3}


def test_runs_may_end_in_any_order() -> None:
    with threadpool_limits(limits=3, user_api="blas"):
        first, second = single_blas_thread(), single_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert _threads() == {1}
        second.__exit__(None, None, None)
        assert _threads() == {3}
