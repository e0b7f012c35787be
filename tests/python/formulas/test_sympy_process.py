"""What sympy is asked has a deadline, and what it says does not depend on who asks."""

from __future__ import annotations

import math
import signal
import threading

import numpy as np
import pytest

import closedform as cf
from closedform.formulas import sympy_forms
from closedform.formulas.sympy_process import SympyProcess, sympy_process, within

OPERATORS = ("+", "-", "*", "/", "sin", "cos", "exp", "sqrt", "square")


def test_answers_are_those_of_this_process() -> None:
    process = sympy_process()
    for text in ("x*y + x*z", "sin(x)**2 + cos(x)**2 + y", "x + y"):
        formula = cf.Formula(text, ["x", "y", "z"])
        here = sympy_forms.shorter(formula, OPERATORS)
        assert process.shorter(formula, OPERATORS, math.inf) == here


def test_a_question_without_an_answer_is_given_up() -> None:
    process = SympyProcess()
    easy = cf.Formula("x*y + x*z", ["x", "y", "z"])
    expected = process.shorter(easy, OPERATORS, math.inf)
    assert expected is not None
    assert process._process is not None
    process._process.send_signal(signal.SIGSTOP)  # it will never answer
    assert process.shorter(easy, OPERATORS, 0.2) is None
    assert process._process is None
    assert process.shorter(easy, OPERATORS, math.inf) == expected
    process._end()


def test_work_is_limited_by_calls_alike_on_every_machine() -> None:
    formula = cf.Formula("x*y + x*z", ["x", "y", "z"])

    def asked() -> str | None:
        return sympy_forms.shorter(formula, OPERATORS)

    expected = asked()
    least, most = 0, 1_000_000
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if within(middle, asked) is not None else (middle, most)
    assert within(10**9, asked) == expected
    for _ in range(3):  # what was asked before changes nothing
        assert within(most, asked) == expected
        assert within(most - 1, asked) is None


def test_what_it_cannot_read_does_not_end_it() -> None:
    own = cf.search(
        np.linspace(1, 2, 20)[:, None],
        values=np.hypot(np.linspace(1, 2, 20), 3.0),
        operators=["+", {"hyp": "sqrt(a**2 + b**2)"}],
        evaluations=2000,
        time=math.inf,
    )
    asked = cf.Formula("x*y + x*z", ["x", "y", "z"])
    process = SympyProcess()
    expected = process.shorter(asked, OPERATORS, math.inf)
    child = process._process
    assert "hyp" in own.best.text
    assert process.shorter(own.best, OPERATORS, math.inf) is None
    assert process.shorter(asked, OPERATORS, math.inf) == expected
    assert process._process is child
    process._end()


def test_one_that_ends_while_it_is_asked_is_not_waited_for() -> None:
    process = SympyProcess()
    asked = cf.Formula("x*y + x*z", ["x", "y", "z"])
    expected = process.shorter(asked, OPERATORS, math.inf)
    child = process._process
    assert child is not None
    process._answers.put("")  # what its reader says at its end, before others can see that
    assert process.shorter(asked, OPERATORS, math.inf) is None
    assert process._process is None
    assert process.shorter(asked, OPERATORS, math.inf) == expected
    process._end()


def test_no_python_to_be_had_means_nothing_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    process = SympyProcess()
    assert process.shorter(cf.Formula("x*y + x*z", ["x", "y", "z"]), OPERATORS, 9.0) is None
    assert process.shorter(cf.Formula("x*y + x*z", ["x", "y", "z"]), OPERATORS, 9.0) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x*pow(9, pow(9, 9))", "oo*x"),
        ("-cos(exp(1e22))/x", "nan"),
        ("x - square(square(square(1e300)))", "-oo"),
        ("x*tanh(exp(exp(9e9)))", "x"),
        ("x*sqrt(2)", "sqrt(2)*x"),
    ],
)
def test_numbers_beyond_the_largest_have_a_sympy_form(text: str, shown: str) -> None:
    formula = cf.Formula(text, ["x"])
    found: list[str] = []

    def written() -> None:
        formula.latex()
        found.append(str(formula.sympy()))

    writer = threading.Thread(target=written, daemon=True)
    writer.start()
    writer.join(60.0)
    assert found == [shown]
