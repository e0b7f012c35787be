"""Single arguments that cannot be used: one line that names them, whatever they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform.errors import InputError
from closedform.tables import scalars

X = np.random.default_rng(0).uniform(1.0, 2.0, (60, 2))
Y = 3 * X[:, 0] + X[:, 1]
FORMULA = cf.Formula("2*x1 + x2", ["x1", "x2"])
SURROGATE = cf.Surrogate(1, 4, time=5.0).fit(X, Y)
SEARCH = "operators max_size time evaluations backend options threads seed device callback"
CALLS: dict[str, tuple[Callable[..., object], str]] = {
    "discover": (partial(cf.discover, X, Y, evaluations=10), f"{SEARCH} noise sigma strategy"),
    "search": (partial(cf.search, X, values=Y, evaluations=10), f"{SEARCH} noise signed"),
    "interpret": (
        partial(cf.interpret, FORMULA, X, evaluations=10),
        f"{SEARCH} neuron band extra_points symmetries signed",
    ),
    "network": (partial(cf.network, FORMULA), "neuron device classifier"),
    "Network.value": (partial(cf.network(FORMULA).value, X), "threads"),
    "Surrogate": (
        cf.Surrogate,
        "modes segments patch degree outside smoothing time seed threads device",
    ),
    "Surrogate.code": (partial(SURROGATE.code, "c"), "derivatives name units"),
    "Surrogate.load": (cf.Surrogate.load, "path"),
    "separability": (partial(cf.separability, SURROGATE, X, Y), "time seed threads device"),
    "Formula": (partial(cf.Formula, "x1", names=["x1"]), "names loss ranges labels"),
    "Formula()": (partial(FORMULA, X), "threads"),
    "Formula.refit": (partial(FORMULA.refit, X, Y), "weights snap seconds"),
    "Formula.simplified": (FORMULA.simplified, "operators"),
    "Formula.code": (partial(FORMULA.code, "c"), "derivatives name ranges units outside"),
    "Formula.save": (FORMULA.save, "path"),
    "Front": (partial(cf.Front, [FORMULA]), "best stopped evaluations seconds rivals"),
    "Front.load": (cf.Front.load, "path"),
    "Front.with_best": (cf.Front([FORMULA]).with_best, "index"),
}
# Of kinds that no argument takes.
BAD = [1j, b"1", [1j], "\ud800", {"a": [3]}, np.ones(3), object(), -0.5]
TAKEN = {("loss", "-0.5"), ("seconds", "-0.5")}  # a front says what was measured


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad)[:10])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_of_another_kind_is_refused(call: str, bad: object) -> None:
    work, names = CALLS[call]
    for name in names.split():
        if (name, repr(bad)) in TAKEN and call in ("Formula", "Front"):
            continue
        with pytest.raises(InputError, match=rf"^{name}: [^\n]{{1,300}}$"):
            work(**{name: bad})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_size": 9.5}, "max_size: 9.5 is out of range; give a whole number 1 to 255"),
        ({"max_size": True}, "max_size: must be a number, not bool"),
        ({"seed": None}, "seed: must be a number, not NoneType"),
        ({"operators": 3}, "operators: must be a sequence of texts, not int"),
        ({"start": "2*x1 +"}, "start: expression '2*x1 +', position 7: unexpected end"),
        ({"start": [3]}, "start: must be a Front, formulas or texts of some, not int"),
        ({"start": {"x1": 2}}, "start: a mapping is of a template's functions; give template, too"),
        ({"stop_loss": 0.0}, "stop_loss: 0.0 is not positive; give a loss, or None"),
        ({"symmetries": "no"}, "symmetries: must be True or False, not 'no'"),
        ({"device": "gpu"}, "device: 'gpu' is unknown; use one of 'cpu', 'cuda', 'auto'"),
        ({"time": 0}, "time: 0 is not positive; give seconds, or math.inf"),
    ],
)
def test_arguments_say_what_they_take(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        cf.search(X, values=Y, **{"evaluations": 10, **arguments})


def test_none_is_all_cores() -> None:
    """The default everywhere, as in a search; 0 means the same."""
    for threads in (None, 0):
        again = cf.Surrogate(1, 4, time=5.0, threads=threads).fit(X, Y)
        np.testing.assert_array_equal(again.predict(X), SURROGATE.predict(X))
        np.testing.assert_array_equal(FORMULA(X, threads=threads), FORMULA(X, threads=1))


def test_whole_numbers() -> None:
    assert scalars.whole(1e6, "evaluations", 1, 2**62) == 10**6
    assert scalars.whole(np.int32(3), "seed", 0, 9) == 3
    for bad in (1.5, 10**400, -1, float("nan"), float("inf"), True + 1j):
        with pytest.raises(InputError, match=r"^seed: "):
            scalars.whole(bad, "seed", 0, 9)
