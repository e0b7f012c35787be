"""Single arguments that cannot be used: one line that names them, whatever they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.tables import scalars

X = np.random.default_rng(0).uniform(1.0, 2.0, (20, 2))
Y = 3 * X[:, 0] + X[:, 1]
FORMULA = cf.Formula("2*x1 + x2", ["x1", "x2"])
CALLS: dict[str, Callable[[object], object]] = {
    "threads of a formula": lambda bad: FORMULA(X, threads=bad),  # type: ignore[arg-type]
    "threads of a network": lambda bad: cf.network(FORMULA).value(X, threads=bad),  # type: ignore[arg-type]
    "seconds": lambda bad: FORMULA.refit(X, Y, seconds=bad),  # type: ignore[arg-type]
    "text": lambda bad: cf.Formula(bad, ["x1"]),  # type: ignore[arg-type]
    "names": lambda bad: cf.Formula("x1", bad),  # type: ignore[arg-type]
    "a name": lambda bad: cf.Formula("x1", ["x1", bad]),  # type: ignore[list-item]
    "path": lambda bad: FORMULA.save(bad),  # type: ignore[arg-type]
    "name": lambda bad: FORMULA.code("c", name=bad),  # type: ignore[arg-type]
    "ranges": lambda bad: FORMULA.code("c", ranges={"x1": (0, bad)}),  # type: ignore[dict-item]
    "operators": lambda bad: FORMULA.simplified(bad),  # type: ignore[arg-type]
}
SURROGATE = ("modes", "segments", "patch", "degree", "smoothing", "time", "seed", "threads")
SEARCH = ("operators", "max_size", "time", "evaluations", "options", "threads", "seed", "callback")


def _surrogate(what: str) -> Callable[[object], object]:
    return lambda bad: cf.Surrogate(**{what: bad})  # type: ignore[arg-type]


def _search(what: str) -> Callable[[object], object]:
    return lambda bad: cf.search(X, values=Y, **{"evaluations": 10, what: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [1j, b"1", [1j], "\ud800"], ids=repr)
@pytest.mark.parametrize("what", [*CALLS, *SURROGATE, *SEARCH])
def test_what_is_of_another_kind_is_refused(what: str, bad: object) -> None:
    call = CALLS.get(what)
    if call is None:
        call = _surrogate(what) if what in SURROGATE and what not in SEARCH else _search(what)
    with pytest.raises(ValueError, match=r"^[^\n]{1,300}$") as caught:
        call(bad)
    assert "Invoked with" not in str(caught.value)


def test_whole_numbers() -> None:
    assert scalars.whole(1e6, "evaluations", 1, 2**62) == 10**6
    assert scalars.whole(np.int32(3), "seed", 0, 9) == 3
    for bad in (1.5, 10**400, -1, float("nan"), float("inf"), True + 1j):
        with pytest.raises(InputError, match=r"^seed: "):
            scalars.whole(bad, "seed", 0, 9)
