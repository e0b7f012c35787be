"""The scikit-learn estimators: its conventions, its tools, and what we add to them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas
import pytest
import sklearn
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import closedform as cf
from closedform.errors import InputError
from closedform.searches.progress import Progress

RNG = np.random.default_rng(0)
X = RNG.uniform(1, 2, (60, 2))
Y = 2 * X[:, 0] + X[:, 1]
QUICK: dict[str, Any] = {"operators": ("+", "-", "*"), "evaluations": 3000, "random_state": 0}


def quick(**changes: Any) -> cf.ClosedFormRegressor:
    return cf.ClosedFormRegressor(**{**QUICK, "max_size": 9, **changes})


def test_fit_predict_score() -> None:
    model = quick()
    assert model.fit(X, Y) is model
    np.testing.assert_allclose(model.predict(X[:5]), Y[:5], rtol=1e-9)
    assert model.score(X, Y) == pytest.approx(1.0)
    assert model.score(X, Y + X[:, 0]) < 0.9
    assert model.score(X, (Y + X[:, 0])[:, None]) == model.score(X, Y + X[:, 0])
    assert model.n_features_in_ == 2
    assert model.formula_ in list(model.front_)
    assert model.verdict_.kind == "law"
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_each_target_has_a_formula() -> None:
    both = np.column_stack([Y, X[:, 0] * X[:, 1]])
    model = quick().fit(pandas.DataFrame(X, columns=["a", "b"]), pandas.DataFrame(both))
    np.testing.assert_allclose(model.predict(pandas.DataFrame(X, columns=["a", "b"])), both)
    assert str(model.formulas_[1]) == "a*b"
    assert not hasattr(model, "formula_")
    assert model.score(pandas.DataFrame(X, columns=["a", "b"]), both) == pytest.approx(1.0)
    sigma = np.full_like(both, 1e-3)
    sigma[:30, 1] = 1e3
    shifted = both + [[0.0, 0.5]] * (np.arange(60) < 30)[:, None]
    found = quick().fit(X, shifted, sigma=sigma).predict(X)
    np.testing.assert_allclose(found, both, atol=1e-3)
    with pytest.raises(InputError, match="sigma: has 3 columns for 2 of y"):
        quick().fit(X, both, sigma=np.ones((60, 3)))
    with pytest.raises(InputError, match="options: one checkpoint cannot hold 2 targets' fronts"):
        quick(options={"checkpoint": "front.json"}).fit(X, both)


def test_names_of_a_table_are_kept_and_checked() -> None:
    table = pandas.DataFrame(X, columns=["a b", "sin"])
    model = quick().fit(table, Y)
    assert list(model.feature_names_in_) == ["a b", "sin"]
    assert model.formula_.names == ("a_b", "sin_")
    np.testing.assert_allclose(model.predict(table), Y, rtol=1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[["sin", "a b"]])


def test_classifier() -> None:
    labels = np.where(X[:, 0] > X[:, 1], "up", "down")
    model = cf.ClosedFormClassifier(**QUICK)
    assert model.fit(X, labels) is model
    assert list(model.classes_) == ["down", "up"]
    assert model.score(X, labels) == 1.0
    slope, offset = model.links_[0]
    assert slope > 0
    np.testing.assert_allclose(model.decision_function(X), slope * model.formula_(X) + offset)
    np.testing.assert_array_equal(model.predict(X) == "up", model.formula_(X) > -offset / slope)
    half = np.where(labels == "up", 0.0, 1.0)
    assert model.score(X, np.full(len(X), "down"), sample_weight=half) == 1.0
    with pytest.warns(DataConversionWarning):
        model.fit(X, labels[:, None])
    wrong = np.where(np.arange(60) < 6, "up", labels)
    assert model.score(X, wrong[:, None]) == model.score(X, wrong) > 0.9
    with pytest.raises(InputError, match="y: has 1 class; give two"):
        model.fit(X, np.ones(60))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, Y)
    with pytest.raises(TypeError, match="uniformly strings or numbers"):
        model.fit(X, np.array(["up", 1] * 30, dtype=object))


def test_many_classes() -> None:
    rows = np.random.default_rng(3).uniform(-1, 1, (300, 2))
    labels = np.array(["low", "middle", "top"])[np.digitize(rows[:, 0], [-0.4, 0.4])]
    model = cf.ClosedFormClassifier(**{**QUICK, "evaluations": 15000, "max_size": 7})
    model.fit(rows[:200], labels[:200])
    assert len(model.formulas_) == len(model.fronts_) == 3
    assert not hasattr(model, "formula_")
    assert model.score(rows[200:], labels[200:]) > 0.95
    shares = model.predict_proba(rows)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(rows))


def test_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(4000, 1))
    truth = np.where(rows[:, 0] > 0, 0.7, 0.05)  # each side errs in its own way
    labels = rng.uniform(size=4000) < truth
    model = cf.ClosedFormClassifier(**{**QUICK, "operators": "+ - * >", "max_size": 7})
    model.fit(rows[:2000], labels[:2000])
    found = model.predict_proba(rows[2000:])[:, 1]
    for side in (found > 0.5, found <= 0.5):
        assert np.mean(found[side]) == pytest.approx(np.mean(labels[2000:][side]), abs=0.05)
    assert log_loss(labels[2000:], found) < log_loss(labels[2000:], truth[2000:]) + 0.01


def test_where_a_formula_is_not_defined_the_rows_fitted_say_the_odds() -> None:
    rows = np.random.default_rng(5).uniform([0.01, -3], [5, 2], (200, 2))
    labels = np.log(rows[:, 0]) > rows[:, 1]
    model = cf.ClosedFormClassifier(**{**QUICK, "operators": ("log", "-"), "max_size": 5})
    model.fit(rows, labels)
    assert model.formula_.operators == {"log", "-"}
    assert model.score(rows, labels) > 0.98
    beyond = model.predict_proba(np.array([[-1.0, 0.0], [0.0, 0.0]]))[:, 1]
    np.testing.assert_allclose(beyond, [(labels.sum() + 1) / 202, 0.0], atol=1e-12)


def test_parameters_are_those_of_the_pipeline() -> None:
    model = clone(quick().set_params(random_state=5))
    assert model.get_params() == quick().set_params(random_state=5).get_params()
    assert repr(cf.ClosedFormRegressor(random_state=5)) == "ClosedFormRegressor(random_state=5)"
    assert "ClosedFormRegressor" in model._repr_html_()
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        model.set_params(colour=1)
    with pytest.raises(NotFittedError):
        model.predict(X)
    with pytest.raises(InputError, match="n_jobs: is 0"):
        quick(n_jobs=0).fit(X, Y)
    with pytest.raises(InputError, match=r"n_jobs: 1\.5 is out of range"):
        quick(n_jobs=1.5).fit(X, Y)
    with pytest.raises(ValueError, match="'x' cannot be used to seed"):
        quick(random_state="x").fit(X, Y)


def test_random_state_and_n_jobs_are_those_of_scikit_learn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[int, int]] = []

    def noted(*_: object, seed: int, threads: int, **__: object) -> None:
        told.append((seed, threads))
        raise InterruptedError

    monkeypatch.setattr("closedform.sklearn.discover", noted)

    def asked(**changes: Any) -> tuple[int, int]:
        with pytest.raises(InterruptedError):
            quick(**changes).fit(X, Y)
        return told[-1]

    assert asked(random_state=7) == (7, 1)
    assert asked(n_jobs=3)[1] == 3
    with parallel_config("threading", n_jobs=2):
        assert asked()[1] == 2
    state = np.random.RandomState(1)
    assert asked(random_state=state)[0] != asked(random_state=state)[0]
    assert asked(random_state=None)[0] != asked(random_state=None)[0]


def test_a_stop_is_one_of_all_searches() -> None:
    heard: list[Progress] = []
    model = quick(evaluations=None, time=30, callback=lambda p: heard.append(p) or True)
    model.fit(X, np.exp(np.sin(7 * X[:, [0, 1, 0]])) + RNG.normal(size=(60, 3)))
    assert {found.stopped for found in model.discoveries_} == {"interrupted"}
    assert all(progress.elapsed < 5 for progress in heard)


def test_tools_of_scikit_learn() -> None:
    grid = GridSearchCV(quick(), {"max_size": [1, 9]}, cv=2).fit(X, Y)
    assert grid.best_params_ == {"max_size": 9}
    assert grid.best_score_ == pytest.approx(1.0)
    piped = make_pipeline(StandardScaler(), quick())
    assert cross_val_score(piped, X, Y, cv=2).min() == pytest.approx(1.0)


def test_metadata_is_routed() -> None:
    wrong = np.where(np.arange(60) < 20, 3 * Y, Y)
    weights = (np.arange(60) >= 20).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        piped = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        piped.fit(X, wrong, sample_weight=weights)
        assert piped.score(X, wrong, sample_weight=weights) == pytest.approx(1.0)
        assert piped.score(X, wrong, sample_weight=1 - weights) < 0.5


SMALL = {"operators": ("+", "*"), "max_size": 5, "evaluations": 100}


@pytest.mark.parametrize(
    "model",
    [cf.ClosedFormRegressor(strategy="direct", **SMALL), cf.ClosedFormClassifier(**SMALL)],
    ids=["regressor", "classifier"],
)
def test_scikit_learn_checks(model: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedform.pipelines.verdict.MOST_ROWS", 50)  # is not what they look at
    results = check_estimator(model, on_fail=None, on_skip=None)
    assert len(results) > 40
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
