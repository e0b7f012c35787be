"""Unit gradients: the band, weights, extra rows, zeros, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.unit_gradients import unit_gradients
from closedform.searches.objectives import unit

X = np.random.default_rng(0).uniform(-1, 1, (400, 2))


def value(X: Floats) -> Floats:
    return 30 * (X[:, 0] ** 2 + 2 * X[:, 1] ** 2 - 1)


def gradient(X: Floats) -> Floats:
    return 60 * X * [1, 2]


CLASSIFIER = cf.network((value, gradient), classifier=True)
REGRESSOR = cf.network((value, gradient))


def test_rows_outside_the_band_are_dropped_and_counted() -> None:
    found = unit_gradients(CLASSIFIER, X, band=1e-3)
    F = 1 / (1 + np.exp(-value(X)))
    inside = (F >= 1e-3) & (F <= 1 - 1e-3)
    assert 0 < inside.sum() < len(X)
    np.testing.assert_array_equal(found.X, X[inside])
    np.testing.assert_array_equal(found.f, value(X[inside]))
    assert (found.dropped, found.extra, found.zeros) == (np.sum(~inside), 0, 0)
    assert found.share == pytest.approx(np.mean(~inside))
    in_deviations = gradient(found.X) * X.std(axis=0)
    expected = in_deviations / np.linalg.norm(in_deviations, axis=1)[:, None]
    np.testing.assert_allclose(found.U, expected, rtol=1e-14)
    everything = unit_gradients(REGRESSOR, X, band=1e-3)
    assert (len(everything.X), everything.F, everything.dropped) == (len(X), None, 0)


def test_rows_can_be_weighed_by_their_distance_from_the_boundary() -> None:
    found = unit_gradients(CLASSIFIER, X, weights="boundary")
    assert found.weights is not None
    np.testing.assert_allclose(found.weights, 1 / (2 + 2 * np.cosh(found.f)), rtol=1e-9)
    own = unit_gradients(REGRESSOR, X, weights=np.arange(len(X)), extra_points=10)
    assert own.weights is not None
    np.testing.assert_array_equal(own.weights[: len(X)], np.arange(len(X)))
    np.testing.assert_array_equal(own.weights[len(X) :], np.arange(len(X)).mean())


def test_extra_rows_stay_in_the_box_and_follow_the_seed() -> None:
    low, high = np.array([0.0, 5.0]), np.array([0.1, 9.0])
    rows = low + (high - low) * (X + 1) / 2
    found = unit_gradients(REGRESSOR, rows, extra_points=301, seed=1)
    assert (len(found.X), found.extra) == (701, 301)
    extra = found.X[400:]
    assert np.all((extra >= rows.min(axis=0)) & (extra <= rows.max(axis=0)))
    assert len(np.unique(extra, axis=0)) > 290  # some perturbed rows may end in a corner of the box
    again = unit_gradients(REGRESSOR, rows, extra_points=301, seed=1)
    np.testing.assert_array_equal(found.X, again.X)
    other = unit_gradients(REGRESSOR, rows, extra_points=301, seed=2)
    assert not np.array_equal(found.X, other.X)


def test_zero_gradients_stay_zero_and_tiny_ones_keep_their_direction() -> None:
    gradients = np.array([[0.0, 0.0], [3e-200, 4e-200], [3e200, -4e200], [-0.0, 5e-324]])
    expected = [[0, 0], [0.6, 0.8], [0.6, -0.8], [0, 1]]
    np.testing.assert_allclose(unit(gradients), expected, rtol=1e-15)

    def flat(X: Floats) -> Floats:
        return np.where(X[:, :1] > 0, gradient(X), 0.0)

    found = unit_gradients(cf.network((value, flat)), X)
    assert len(found.X) == len(X)
    assert found.zeros == np.sum(X[:, 0] <= 0)
    assert not found.U[X[:, 0] <= 0].any()

    def cancelled(X: Floats) -> Floats:  # what rounding leaves of terms of the size of the others
        noise = np.random.default_rng(1).normal(size=X.shape) * 1e-14
        return np.where(X[:, :1] > 0, gradient(X), noise)

    rounded = unit_gradients(cf.network((value, cancelled)), X)
    np.testing.assert_array_equal(rounded.U, found.U)


def test_columns_of_a_table_are_put_in_the_order_of_the_inputs() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    named = cf.network((value, gradient), names=["a", "b"])
    swapped = pandas.DataFrame({"b": X[:, 1], "a": X[:, 0]})
    for rows in (X, swapped):
        found = unit_gradients(named, rows)
        assert found.names == ("a", "b")
        np.testing.assert_array_equal(found.X, X)


def saturated(X: Floats) -> Floats:
    return 1e6 + value(X)


def broken(X: Floats) -> Floats:
    return np.where(np.arange(len(X))[:, None] == 7, np.nan, gradient(X))


@pytest.mark.parametrize(
    ("network", "arguments", "message"),
    [
        (CLASSIFIER, {"band": 0.5}, "band: 0.5 is out of range"),
        (CLASSIFIER, {"band": 0.4999999}, "widen the band"),
        (CLASSIFIER, {"extra_points": -1}, "extra_points: -1 is out of range"),
        (CLASSIFIER, {"weights": "edge"}, "weights: 'edge' is unknown"),
        (CLASSIFIER, {"weights": np.ones(3)}, "weights: has 3 values for 400 rows"),
        (CLASSIFIER, {"weights": np.abs(value(X)) > 12}, "weights: are zero at every row within"),
        (REGRESSOR, {"weights": "boundary"}, "weights: 'boundary' needs a classifier's"),
        (cf.network((saturated, gradient), classifier=True), {}, "band: only 0 of 400 rows"),
        (cf.network((value, np.zeros_like)), {}, "model: its gradient is zero at every row"),
        (cf.network((value, broken)), {}, "gradient at row 7 is not finite"),
    ],
)
def test_what_cannot_be_used_is_refused(
    network: cf.Network, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        unit_gradients(network, X, **arguments)
    assert "\n" not in str(caught.value)
