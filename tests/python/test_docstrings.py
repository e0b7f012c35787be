"""The examples in the docstrings of what is public."""

from __future__ import annotations

import doctest

import pytest

import closedform

FOUND = [
    test
    for name in closedform.__all__
    for test in doctest.DocTestFinder(recurse=True).find(getattr(closedform, name), name, globs={})
    if test.examples
]


def test_what_one_calls_has_an_example() -> None:
    having = {test.name for test in FOUND}
    calls = "discover interpret search separability network Surrogate Formula Front"
    estimators = "ClosedFormRegressor ClosedFormClassifier"
    assert {*calls.split(), *estimators.split()} <= having


@pytest.mark.parametrize("example", FOUND, ids=lambda example: example.name)
def test_examples(example: doctest.DocTest) -> None:
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
        example, out=said.append
    )
    assert tried > 0
    assert failed == 0, "".join(said)
