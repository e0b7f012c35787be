"""Networks of every framework: value and gradient against the framework's own, ends removed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from networks import X, close

import closedform as cf
from closedform.errors import InputError


def test_pair_of_functions() -> None:
    net = cf.network((lambda x: x[:, 0] ** 2, lambda x: np.stack([2 * x[:, 0], 0 * x[:, 1]], 1)))
    close(net.value(X[:, :2]), X[:, 0] ** 2, 0)
    close(net.gradient(X[:, :2])[:, 0], 2 * X[:, 0], 0)
    assert net.inputs is None
    with pytest.raises(InputError, match=r"gave shape \(1000, 2\) where \(1000,\) was expected"):
        cf.network((lambda x: x, lambda x: x)).value(X[:, :2])
    logit = cf.network((lambda x: 800 * x[:, 0], lambda x: x), classifier=True)
    np.testing.assert_array_equal(logit.probability([[0.0], [-9.0], [9.0]]), [0.5, 0, 1])


def test_formula_and_surrogate() -> None:
    formula = cf.Formula("x1*x2 + sin(x3)", ["x1", "x2", "x3"])
    net = cf.network(formula)
    close(net.gradient(X)[:, 2], np.cos(X[:, 2]), 1e-14)
    assert (net.inputs, net.names) == (3, ("x1", "x2", "x3"))
    surrogate = cf.Surrogate(2, 4, time=0.1).fit(X, formula(X))
    net = cf.network(surrogate)
    np.testing.assert_array_equal(net.gradient(X), surrogate.gradient(X))
    assert net.probability(X) is None


def test_a_network_has_a_pickle_or_says_why_not() -> None:
    sklearn = pytest.importorskip("sklearn.neural_network")
    formula = cf.Formula("x1*x2 + sin(x3)", ["x1", "x2", "x3"])
    surrogate = cf.Surrogate(2, 4, time=0.1).fit(X, formula(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of steps that would not do
        layers = sklearn.MLPClassifier((4,), max_iter=5).fit(X, formula(X) > 0)
    for model in (formula, surrogate, layers, (np.sum, np.abs)):
        net = cf.network(model, names=["a", "b", "c"])
        again = pickle.loads(pickle.dumps(net))
        assert (again.names, again.description) == (net.names, net.description)
        if not isinstance(model, tuple):
            np.testing.assert_array_equal(again.gradient(X), net.gradient(X))
    own = cf.network((lambda x: x[:, 0], lambda x: x))
    with pytest.raises(InputError, match=r"network: a pair of functions .* has no pickle"):
        pickle.dumps(own)
    assert copy.deepcopy(own) is own


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        (lambda: cf.Formula("a", ["a"]), {"neuron": 1}, "has 1 outputs, so no 1"),
        (lambda: cf.Formula("a", ["a"]), {"neuron": ("l", 0)}, "has no layers"),
        (
            lambda: cf.Formula("a", ["a"]),
            {"names": ["a", "b"]},
            "names: are 2; the network takes 1",
        ),
        (lambda: cf.Formula("a + b", ["a", "b"]), {"names": ["a", "a"]}, "names: must be distinct"),
        (lambda: (abs, abs), {"neuron": 0}, "a pair of functions is one neuron"),
        (lambda: cf.network(cf.Formula("a", ["a"])), {}, "is a Network already"),
        (lambda: "model.pt", {}, "is not an .onnx file"),
        (lambda: 3.0, {}, "a float is not supported"),
        (lambda: cf.Surrogate(), {}, "not fitted"),
    ],
)
def test_bad_arguments(model: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        cf.network(model(), **arguments)
    assert "\n" not in str(caught.value)


def test_frameworks_are_not_imported_for_others() -> None:
    code = (
        "import sys, closedform as cf\n"
        "cf.network(cf.Formula('a*a', ['a'])).gradient([[1.0], [2.0]])\n"
        "cf.network((lambda x: x[:, 0], lambda x: x)).value([[1.0], [2.0]])\n"
        "try:\n"
        "    cf.network(lambda x: x)\n"
        "except ValueError as error:\n"
        "    assert 'without a gradient' in str(error), error\n"
        "loaded = {'torch', 'jax', 'keras', 'onnx', 'sklearn', 'flax'} & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
