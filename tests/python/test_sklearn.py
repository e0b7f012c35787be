"""The scikit-learn estimators: its conventions, and what we do otherwise."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

import closedform as cf
from closedform.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.uniform(1, 2, (60, 2))
Y = 2 * X[:, 0] + X[:, 1]


def quick() -> cf.ClosedFormRegressor:
    return cf.ClosedFormRegressor(operators=("+", "*"), max_size=9, evaluations=3000, threads=1)


def test_fit_predict_score() -> None:
    model = quick()
    assert model.fit(X, Y) is model
    np.testing.assert_allclose(model.predict(X[:5]), Y[:5], rtol=1e-9)
    assert model.score(X, Y) == pytest.approx(1.0)
    assert model.score(X, Y + X[:, 0]) < 0.9
    assert model.n_features_in_ == 2
    assert model.formula_ in list(model.front_)
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_names_of_a_table_are_kept_and_checked() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["a b", "sin"])
    model = quick().fit(table, Y)
    assert list(model.feature_names_in_) == ["a b", "sin"]
    assert model.formula_.names == ("a_b", "sin_")
    np.testing.assert_allclose(model.predict(table), Y, rtol=1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[["sin", "a b"]])


def test_classifier() -> None:
    labels = np.where(X[:, 0] > X[:, 1], "up", "down")
    model = cf.ClosedFormClassifier(operators=("+", "-", "*"), evaluations=3000, threads=1)
    assert model.fit(X, labels) is model
    assert list(model.classes_) == ["down", "up"]
    assert model.score(X, labels) == 1.0
    np.testing.assert_array_equal(model.decision_function(X), model.formula_(X))
    np.testing.assert_array_equal(model.predict(X) == "up", model.formula_(X) > 0)
    half = np.where(labels == "up", 0.0, 1.0)
    assert model.score(X, np.full(len(X), "down"), sample_weight=half) == 1.0
    with pytest.raises(InputError, match="Only binary"):
        model.fit(X, np.arange(len(X)) % 3)
    with pytest.raises(TypeError, match="uniformly strings or numbers"):
        model.fit(X, np.array(["up", 1] * 30, dtype=object))


def test_parameters_are_those_of_the_pipeline() -> None:
    model = clone(quick().set_params(seed=5))
    assert model.get_params() == quick().set_params(seed=5).get_params()
    assert repr(cf.ClosedFormRegressor(seed=5)) == "ClosedFormRegressor(seed=5)"
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        model.set_params(colour=1)
    with pytest.raises(NotFittedError):
        model.predict(X)


SMALL = {"operators": ("+", "*"), "max_size": 5, "evaluations": 100, "threads": 1}

# What scikit-learn asks and we do otherwise, on purpose.
KIND = {"check_dtype_object": "InputError, a ValueError, where TypeError is wanted"}


@pytest.mark.parametrize(
    ("model", "otherwise"),
    [
        (cf.ClosedFormRegressor(strategy="direct", **SMALL), KIND),
        (cf.ClosedFormClassifier(**SMALL), KIND),
    ],
    ids=["regressor", "classifier"],
)
def test_scikit_learn_checks(model: object, otherwise: dict[str, str]) -> None:
    results = check_estimator(model, expected_failed_checks=otherwise, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    assert otherwise.keys() == {r["check_name"] for r in results if r["status"] == "xfail"}
