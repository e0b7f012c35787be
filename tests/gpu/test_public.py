"""`device=` and arrays on a GPU through the public interface: the CPU's results, and errors that
say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rounding import Rows, assert_close, eps, surrogate_sizes, surrogate_terms
from there import LIBRARIES, library, moved

import closedform as cf
from closedform import _core
from closedform.tables import devices

DTYPES = [np.float32, np.float64]
SETTINGS: dict[str, Any] = {"modes": 3, "segments": 5, "smoothing": 1e-6, "time": np.inf}
BUDGET: dict[str, Any] = {"evaluations": 20_000, "time": np.inf}

HERE: dict[str, Any] = {"device": "cpu"}

on_devices = pytest.mark.parametrize("device", ["cuda", "auto"])
precision = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


@pytest.fixture(autouse=True)
def few_rows_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """For "auto"."""
    monkeypatch.setattr(devices, "LEAST_ROWS", 1)


def law(rows: int, dtype: type = np.float64) -> tuple[Rows, Any]:
    rng = np.random.default_rng(rows)
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    wide = X.astype(float)
    return X, wide[:, 0] * wide[:, 1] + np.sin(wide[:, 2])


def hold(found: Any, surrogate: cf.Surrogate, X: Rows, order: int) -> None:
    core = surrogate.core
    work = [core.value, core.gradient, core.hessian][order]
    most = surrogate_terms(core) * eps(X.dtype.type) * surrogate_sizes(core, X, order)
    assert_close(found, work(X), most)


@on_devices
@precision
def test_a_surrogate_fits_and_predicts_as_on_the_cpu(dtype: type, device: Any) -> None:
    X, y = law(3000, dtype)
    here = cf.Surrogate(**SETTINGS, **HERE).fit(X, y)
    there = cf.Surrogate(**SETTINGS, device=device).fit(X, y)
    assert there.held_out_error == pytest.approx(here.held_out_error, rel=1e-5)
    hold(there.predict(X), there, X, 0)
    hold(there.gradient(X), there, X, 1)
    hold(there.hessian(X), there, X, 2)
    assert_close(there.core.value(X), here.core.value(X), 1e-6 * np.abs(y).max())


@on_devices
def test_separability_finds_the_same_tree(device: Any) -> None:
    X, y = law(3000)
    surrogate = cf.Surrogate(**SETTINGS, **HERE).fit(X, y)
    here = cf.separability(surrogate, X, y, time=60, **HERE)
    there = cf.separability(surrogate, X, y, time=60, device=device)
    assert there.tree == here.tree
    assert there.active == here.active
    np.testing.assert_allclose(there.additive, here.additive, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(there.multiplicative, here.multiplicative, rtol=1e-8, atol=1e-10)


def network_and_rows(dtype: type) -> tuple[Any, Rows]:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 50), torch.nn.SiLU(), torch.nn.Linear(50, 2), torch.nn.Softmax(dim=-1)
    ).to(torch.float32 if dtype is np.float32 else torch.float64)
    return model, law(2000, dtype)[0]


@on_devices
@precision
def test_a_network_is_the_cpu_s(dtype: type, device: Any) -> None:
    model, X = network_and_rows(dtype)
    here, there = cf.network(model, **HERE), cf.network(model, device=device)
    for name in ("value", "gradient", "probability"):
        expected = getattr(here, name)(X)
        assert_close(getattr(there, name)(X), expected, 500 * eps(dtype) * np.abs(expected).max())


@on_devices
@pytest.mark.parametrize("target", ["values", "gradients", "labels"])
def test_a_search_finds_the_cpu_s_formula(target: str, device: Any) -> None:
    X, _ = law(5000)
    y = X[:, 0] * X[:, 1]
    U = np.stack([X[:, 1], X[:, 0], np.zeros(len(X))], axis=1)
    given: Any = {target: {"values": y, "gradients": U, "labels": y > 1.5}[target]}
    here = cf.search(X, **given, **BUDGET, **HERE)
    there = cf.search(X, **given, **BUDGET, device=device)
    if target == "labels":  # no formula is exact but by its sign: the same quality
        assert there.best.loss <= 1.05 * here.best.loss + 1e-3
    else:
        assert there.best.text == here.best.text
        if target == "gradients":
            assert there.stopped == here.stopped
        assert there.stopped in ("exact", "evaluations")  # those of values differ on a device
        assert there.best.loss == pytest.approx(here.best.loss, rel=1e-9, abs=1e-12)


@on_devices
def test_discover_and_interpret_find_the_cpu_s_formula(device: Any) -> None:
    X, _ = law(4000)
    y = X[:, 0] * X[:, 1]
    for strategy in ("direct", "auto"):
        here = cf.discover(X, y, strategy=strategy, **BUDGET, **HERE)
        there = cf.discover(X, y, strategy=strategy, **BUDGET, device=device)
        assert there.formula.text == here.formula.text
    model = (
        lambda X: X[:, 0] * X[:, 1],
        lambda X: np.stack([X[:, 1], X[:, 0], 0 * X[:, 0]], axis=1),
    )
    expected = cf.interpret(model, X, **BUDGET, **HERE)
    found = cf.interpret(model, X, **BUDGET, device="auto")  # "cuda" is refused for such a pair
    assert found.formula.text == expected.formula.text


@precision
@pytest.mark.parametrize("name", LIBRARIES)
def test_arrays_are_used_where_they_lie(name: str, dtype: type) -> None:
    X, y = law(3000, dtype)
    surrogate = cf.Surrogate(**SETTINGS).fit(X, y)
    there = moved(name, X)
    hold(surrogate.predict(there), surrogate, X, 0)
    hold(surrogate.gradient(there), surrogate, X, 1)
    hold(surrogate.hessian(there), surrogate, X, 2)
    part = moved(name, X)[1:778]  # begins between two 16-byte words
    hold(surrogate.hessian(part), surrogate, X[1:778], 2)
    assert surrogate.predict(there[:0]).shape == (0,)


@precision
@pytest.mark.parametrize("name", LIBRARIES)
def test_arrays_of_many_rows_are_used_where_they_lie(name: str, dtype: type) -> None:
    X, y = law(700_001, dtype)
    surrogate = cf.Surrogate(**SETTINGS).fit(X[:2000], y[:2000])
    there = moved(name, X)
    hold(surrogate.predict(there), surrogate, X, 0)
    hold(surrogate.gradient(there), surrogate, X, 1)


@pytest.mark.parametrize("name", LIBRARIES)
def test_arrays_are_searched_and_fitted_as_the_host_s(name: str) -> None:
    X, y = law(3000)
    there = moved(name, X)
    fitted = cf.Surrogate(**SETTINGS).fit(there, moved(name, y), weights=moved(name, X[:, 0]))
    expected = cf.Surrogate(**SETTINGS).fit(X, y, weights=X[:, 0])
    np.testing.assert_array_equal(fitted.core.value(X), expected.core.value(X))
    y = X[:, 0] * X[:, 1]
    U = np.stack([X[:, 1], X[:, 0], np.zeros(len(X))], axis=1)
    for target, values in {"values": y, "gradients": U, "labels": y > 1.5}.items():
        given: dict[str, Any] = {target: moved(name, values)}
        found = cf.search(there, **given, **BUDGET)
        given[target] = values
        assert found.best.text == cf.search(X, **given, **BUDGET).best.text
    found = cf.discover(there, moved(name, y), **BUDGET, device="cuda")
    assert found.formula.text == cf.discover(X, y, **BUDGET, device="cuda").formula.text


@precision
@pytest.mark.parametrize("name", LIBRARIES)
def test_networks_take_arrays_where_they_lie(name: str, dtype: type) -> None:
    model, X = network_and_rows(dtype)
    net = cf.network(model, **HERE)
    for what in ("value", "gradient", "probability"):
        expected = getattr(net, what)(X)
        found = getattr(net, what)(moved(name, X))
        assert_close(found, expected, 500 * eps(dtype) * np.abs(expected).max())


def test_torch_s_gradients_are_the_network_s() -> None:
    library("torch")
    torch = pytest.importorskip("torch")
    model, X = network_and_rows(np.float64)
    x = torch.from_numpy(X).requires_grad_(True)
    logits = model[:-1](x)
    (gradient,) = torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), x)
    found = cf.network(model, device="cuda").gradient(X)
    np.testing.assert_allclose(found, gradient.numpy(), rtol=1e-12, atol=1e-13)


def refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cupy", "torch"])
def test_arrays_that_cannot_be_used_are_refused(name: str) -> None:
    X, y = law(500)
    surrogate = cf.Surrogate(**SETTINGS).fit(X, y)
    refused(lambda: surrogate.predict(moved(name, X)[:, ::2]), "X: .*C-contiguous|X: has 2 columns")
    refused(lambda: surrogate.predict(moved(name, X)[:, :2]), "X: .*C-contiguous|X: has 2 columns")
    refused(lambda: surrogate.predict(moved(name, X[:, :2].copy())), "X: has 2 columns")
    refused(lambda: surrogate.predict(moved(name, X)[0]), "X: must be 2-D")
    refused(lambda: surrogate.predict(moved(name, X.astype(np.float16))), "X: is <f2 on the device")


def test_memory_of_the_host_is_not_taken_for_a_device_s() -> None:
    X, y = law(500)
    surrogate = cf.Surrogate(**SETTINGS).fit(X, y)

    class Lies:
        def __init__(self, array: Rows) -> None:
            self.array = array
            self.__cuda_array_interface__ = {
                "shape": array.shape,
                "typestr": array.dtype.str,
                "data": (array.ctypes.data, False),
                "strides": None,
                "version": 3,
            }

    refused(lambda: surrogate.predict(Lies(X)), "device: the rows said to lie on a device do not")
    hold(surrogate.predict(X), surrogate, X, 0)  # and nothing is broken afterwards


def test_outside_error_is_the_cpu_s_work() -> None:
    X, y = law(500)
    surrogate = cf.Surrogate(**SETTINGS, outside="error", device="cuda").fit(X, y)
    refused(lambda: surrogate.predict(X), 'outside: "error" looks at every row on the CPU')


def test_too_little_memory_is_said_in_one_line() -> None:
    cupy = library("cupy")
    X, y = law(300_000)
    surrogate = cf.Surrogate(**SETTINGS, device="cuda").fit(X[:1000], y[:1000])
    _core.cuda_release_memory()  # what is kept would do
    runtime = cupy.cuda.runtime
    taken = []
    try:
        size = runtime.memGetInfo()[0]
        while size > 1 << 16:
            try:
                taken.append(runtime.malloc(size))
            except runtime.CUDARuntimeError:  # noqa: PERF203
                size //= 2
        for call in (
            lambda: surrogate.hessian(X),
            lambda: cf.Surrogate(**SETTINGS, device="cuda").fit(X, y),
            lambda: cf.search(X, values=y, evaluations=2000, time=np.inf, device="cuda"),
        ):
            refused(call, "device: too little memory")
    finally:
        for address in taken:
            runtime.free(address)
    hold(surrogate.predict(X), surrogate, X, 0)


def test_torch_s_library_of_products_is_found() -> None:
    library("torch")
    assert _core.cuda_matrix_library().startswith("cuBLAS ")


def test_what_is_said_of_the_devices() -> None:
    assert _core.cuda_problem() == ("", False)
    device = _core.cuda_devices()[0]
    assert device["memory"] > 1 << 30
    assert device["multiprocessors"] > 0
    assert device["clock"] > 1e8
