"""Covariances of fits: positive semidefinite, or not known."""

from __future__ import annotations

import numpy as np
import pytest

import closedform as cf
from closedform.formulas.constants import Constants
from closedform.formulas.fit import inverse
from closedform.formulas.form import Form
from closedform.formulas.group_fit import GroupRows, group_fit
from closedform.formulas.noise import Absolute


def test_a_covariance_is_positive_semidefinite_or_not_known() -> None:
    """Slopes of sizes whose squares are hardly numbers, and some that others can stand for."""
    rng = np.random.default_rng(0)
    some = 0
    for _ in range(400):
        k = int(rng.integers(1, 6))
        slopes = rng.normal(size=(12, k)) @ rng.normal(size=(k, k))
        if k > 1 and rng.random() < 0.5:
            slopes[:, 0] = slopes[:, -1] * (1 + 1e-7 * rng.normal())
        slopes *= 10.0 ** rng.choice([0.0, 8.0, -120.0, -161.0, -162.0, 150.0], k)
        with np.errstate(all="ignore"):
            information = slopes.T @ slopes
        covariance = inverse(information)
        variances = np.diagonal(covariance)
        known = np.isfinite(variances)
        assert (variances[known] > 0).all()
        assert not np.isinf(covariance).any()
        sizes = np.sqrt(variances[known])
        correlations = covariance[np.ix_(known, known)] / sizes[:, None] / sizes
        assert known.sum() == 0 or np.linalg.eigvalsh(correlations).min() > -1e-9
        # What is known is no less than what it would be if all the others were.
        assert (sizes * np.sqrt(np.diagonal(information)[known]) > 1 - 1e-9).all()
        Constants([1.0] * k, covariance)  # warns of nothing
        some += int(known.sum())
    assert some > 300


def test_constants_that_stand_for_one_another_leave_the_others_known() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (50, 2))
    y = 6 * X[:, 0] + 1.5 * X[:, 1] + 0.01 * rng.normal(size=50)
    names = ["a", "b", "c"]
    sigma = np.full(50, 0.01)
    form = cf.Formula("a*b*x1 + c*x2", ["x1", "x2"], constants=names)
    both = form.fit(X, y, sigma=sigma).constants
    form = cf.Formula("a*x1 + c*x2", ["x1", "x2"], constants=["a", "c"])
    alone = form.fit(X, y, sigma=sigma).constants
    assert np.isnan(both["a"].standard_error)
    assert np.isnan(both["b"].standard_error)
    assert both["c"].standard_error == pytest.approx(alone["c"].standard_error, rel=1e-6)


def test_a_group_that_does_not_feel_a_constant_has_no_error_of_it() -> None:
    x = np.tile(np.linspace(0, 1, 10), 2)
    index = np.repeat(np.arange(2, dtype=np.int64), 10)
    X = np.ascontiguousarray(np.column_stack([x, np.where(index == 0, x**2, 0.0)]))
    y = 2 * x + 3 * X[:, 1] + 0.01 * np.sin(40 * x)
    ones = np.ones(20)
    names = ("x1", "x2")
    form = Form.of_numbers(cf.Formula("1.5*x1 + 2.5*x2", names)._expression, names)
    rows = GroupRows(X, y, ones, ones, index, Absolute())
    start = np.tile([1.5, 2.5], (2, 1))
    found = group_fit(form, rows, start, np.zeros(2, dtype=bool))
    assert np.isnan(found.errors).tolist() == [[False, False], [False, True]]
    assert (found.errors[:, 0] > 0).all()
