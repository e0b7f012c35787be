"""Every kernel on the device gives what the CPU gives, within c n eps. Those named small are what
run.sh has compute-sanitizer look at."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from rounding import (
    Floats,
    Rows,
    assert_close,
    eps,
    network_size,
    random_network,
    random_surrogate,
    rows_of,
    surrogate_sizes,
    surrogate_terms,
)

from closedform import _core

DTYPES = [np.float32, np.float64]
ORDERS = {"value": 0, "gradient": 1, "hessian": 2}
ACTIVATIONS = "identity relu leaky_relu elu gelu gelu_tanh silu softplus tanh sigmoid sin".split()

precision = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


# surrogates ---------------------------------------------------------------------------------------


def hold_surrogate(core: _core.TensorSurrogate, X: Rows, orders: dict[str, int]) -> None:
    dtype = X.dtype.type
    for name, order in orders.items():
        found = getattr(core, name)(X, on_device=True)
        most = surrogate_terms(core) * eps(dtype) * surrogate_sizes(core, X, order)
        assert_close(found, getattr(core, name)(X), most)
        assert np.array_equal(found, getattr(core, name)(X, on_device=True))


@precision
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 127, 128, 129, 500])
def test_small_surrogates(rows: int, dtype: type) -> None:
    core = random_surrogate(3, 5)
    hold_surrogate(core, rows_of(core, rows, dtype), ORDERS)


@precision
@pytest.mark.parametrize(("inputs", "modes"), [(1, 1), (2, 3), (7, 1), (13, 6), (33, 3)])
def test_small_surrogates_of_awkward_shapes(inputs: int, modes: int, dtype: type) -> None:
    core = random_surrogate(inputs, modes)
    hold_surrogate(core, rows_of(core, 70, dtype), ORDERS)


@precision
@pytest.mark.parametrize(("inputs", "modes"), [(10, 14), (17, 40), (64, 2)])
def test_surrogates_whose_tables_or_space_are_large(inputs: int, modes: int, dtype: type) -> None:
    core = random_surrogate(inputs, modes)
    orders = {"value": 0, "gradient": 1} if inputs > 20 else ORDERS
    hold_surrogate(core, rows_of(core, 3001, dtype), orders)


@pytest.mark.parametrize("inputs", [40, 64])
def test_hessians_of_many_inputs(inputs: int) -> None:
    """Their space is the device's memory; entries against the CPU's largest."""
    core = random_surrogate(inputs, 2)
    for dtype in DTYPES:
        X = rows_of(core, 1000, dtype)
        expected = core.hessian(X)
        most = 100 * surrogate_terms(core) * eps(dtype) * np.abs(expected).max(axis=(1, 2))
        assert_close(core.hessian(X, on_device=True), expected, most[:, None, None])


@precision
def test_surrogates_in_many_chunks(dtype: type) -> None:
    core = random_surrogate(3, 5)
    hold_surrogate(core, rows_of(core, 1_500_001, dtype), {"value": 0})
    hold_surrogate(core, rows_of(core, 300_001, dtype), {"gradient": 1, "hessian": 2})


@precision
def test_small_surrogates_outside_their_grid(dtype: type) -> None:
    for outside in ("clamp", "linear"):
        core = random_surrogate(3, 2, outside=outside)
        hold_surrogate(core, 5 * rows_of(core, 100, dtype), ORDERS)


def test_what_is_no_number_stays_none() -> None:
    core = random_surrogate(3, 2)
    X = rows_of(core, 200, np.float64)
    X[[0, 70, 199], [0, 1, 2]] = np.nan
    found = core.value(X, on_device=True)
    assert np.array_equal(np.flatnonzero(np.isnan(found)), [0, 70, 199])


def test_surrogates_of_several_threads_at_once() -> None:
    core = random_surrogate(4, 5)
    data = [rows_of(core, 100_000 + i, np.float64, seed=i) for i in range(4)]
    found: list[Any] = [None] * 4

    def work(i: int) -> None:
        found[i] = core.gradient(data[i], on_device=True)

    team = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for member in team:
        member.start()
    for member in team:
        member.join()
    for X, there in zip(data, found, strict=True):
        most = surrogate_terms(core) * eps(np.float64) * surrogate_sizes(core, X, 1)
        assert_close(there, core.gradient(X), most)


# sums over rows -----------------------------------------------------------------------------------


def scores(core: _core.TensorSurrogate, X: Rows, on_device: bool) -> Any:
    discrete = [False] * core.inputs
    return _core.pair_scores(core, X, discrete=discrete, threads=0, on_device=on_device)


def smooth_surrogate(inputs: int) -> _core.TensorSurrogate:
    """Every input on a grid of eight elements: none without second derivatives."""
    rng = np.random.default_rng(inputs)
    nodes = [np.linspace(0, 1, 9)] * inputs
    factors = [1 + 0.3 * rng.normal(size=(5, 9)) for _ in range(inputs)]
    return _core.TensorSurrogate(nodes, [(2, 2)] * inputs, factors, 0.5, "linear")


def hold_separability(inputs: int, rows: int, dtype: type) -> None:
    core = smooth_surrogate(inputs)
    X = rows_of(core, rows, dtype)
    here, there = scores(core, X, False), scores(core, X, True)
    for key in ("additive_rms", "product_rms"):
        scale = np.nanmax(np.abs(here[key]))
        assert_close(np.nan_to_num(there[key]), np.nan_to_num(here[key]), 1e5 * eps(dtype) * scale)
        assert np.array_equal(np.isnan(there[key]), np.isnan(here[key]))
    if rows > 200:  # rounding moves few rows to the next bin of a histogram
        for key in ("additive_median", "product_median"):
            np.testing.assert_allclose(there[key], here[key], rtol=0.1, atol=1e-6)
    again = scores(core, X, True)
    assert np.array_equal(again["product_rms"], there["product_rms"], equal_nan=True)
    assert np.array_equal(again["product_median"], there["product_median"], equal_nan=True)


@precision
@pytest.mark.parametrize("rows", [2, 63, 64, 65, 300])
def test_small_separability(rows: int, dtype: type) -> None:
    hold_separability(4, rows, dtype)


@precision
@pytest.mark.parametrize(("inputs", "rows"), [(2, 400_000), (10, 300_001), (13, 5000), (24, 2000)])
def test_separability_of_many_rows_and_pairs(inputs: int, rows: int, dtype: type) -> None:
    hold_separability(inputs, rows, dtype)


def fitted(
    X: Rows, y: Floats, weights: Floats | None, on_device: bool, modes: int = 3, segments: int = 5
) -> tuple[Floats, Any]:
    model, report = _core.fit_surrogate(
        X,
        y,
        weights,
        modes=modes,
        segments=segments,
        smoothing=1e-6,
        patch=2,
        degree=2,
        time=np.inf,
        seed=0,
        threads=0,
        on_device=on_device,
        least_on_device=0,
    )
    return model.value(X), report


def hold_fit(rows: int, inputs: int, modes: int, dtype: type, weighted: bool) -> None:
    rng = np.random.default_rng(rows)
    X = rng.uniform(size=(rows, inputs)).astype(dtype)
    y = np.sin(X.astype(float) @ np.arange(1, inputs + 1)) + 0.05 * rng.normal(size=rows)
    weights = np.where(np.arange(rows) % 5 == 1, 0.0, rng.uniform(0.5, 1.5, rows))
    given = weights if weighted else None
    here, report_here = fitted(X, y, given, False, modes)
    there, report_there = fitted(X, y, given, True, modes)
    assert_close(there, here, 1e-6 * np.abs(here).max())
    assert report_there["segments"] == report_here["segments"]
    error = report_here["held_out_error"]
    assert report_there["held_out_error"] == pytest.approx(error, rel=1e-5)


@precision
@pytest.mark.parametrize(("rows", "weighted"), [(127, False), (128, True), (129, True)])
def test_small_fits(rows: int, weighted: bool, dtype: type) -> None:
    hold_fit(rows, 2, 2, dtype, weighted)


@precision
@pytest.mark.parametrize(("rows", "inputs", "modes"), [(5000, 3, 5), (60_000, 6, 8)])
def test_fits(rows: int, inputs: int, modes: int, dtype: type) -> None:
    hold_fit(rows, inputs, modes, dtype, True)


# networks -----------------------------------------------------------------------------------------


def hold_network(
    widths: list[int], activation: str, head: tuple[str, int, int], rows: int, dtype: type, of: type
) -> None:
    net = random_network(widths, activation, dtype)
    rng = np.random.default_rng([8, rows])
    X = rng.uniform(-1, 1, (rows, widths[0])).astype(of)
    most = eps(dtype) * network_size(widths, activation, dtype, 1.0)
    for name in ("value", "gradient"):
        work = getattr(net, name)
        expected = work(X, *head)
        for own in (False, True):  # by a library's products where one is found, by our tiles
            found = work(X, *head, on_device=True, own_products=own)
            assert_close(found, expected, most)
            assert np.array_equal(found, work(X, *head, on_device=True, own_products=own))


@precision
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 127, 128, 129])
def test_small_networks(rows: int, dtype: type) -> None:
    hold_network([3, 17, 5, 2], "tanh", ("neuron", 2, 1), rows, dtype, dtype)


@precision
@pytest.mark.parametrize(
    ("widths", "head"),
    [
        ([9, 131, 66, 1], ("neuron", 2, 0)),
        ([16, 300, 17, 2], ("neuron", 2, 1)),
        ([17, 40, 1], ("neuron", 1, 0)),
        ([33, 257, 129, 5], ("log_odds", 2, 3)),
        ([4, 12, 3], ("log_odds", 1, 2)),
        ([4, 3], ("log_odds", 0, 0)),
        ([4, 12, 3], ("before_activation", 0, 7)),
        ([1, 1], ("neuron", 0, 0)),
    ],
    ids=["wide", "thinnest", "thicker", "awkward", "odds", "one", "before", "least"],
)
def test_small_networks_of_all_heads(
    widths: list[int], head: tuple[str, int, int], dtype: type
) -> None:
    hold_network(widths, "elu", head, 130, dtype, dtype)


@precision
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_of_all_activations(activation: str, dtype: type) -> None:
    for of in DTYPES:  # rows of the other type, too
        hold_network([3, 8, 1], activation, ("neuron", 1, 0), 200, dtype, of)
        hold_network([20, 24, 17, 1], activation, ("neuron", 2, 0), 200, dtype, of)


@precision
def test_networks_large_and_in_many_chunks(dtype: type) -> None:
    hold_network([10, 300, 300, 1], "elu", ("neuron", 2, 0), 20_001, dtype, dtype)
    hold_network([30, 1000, 1000, 1], "tanh", ("neuron", 2, 0), 20_001, dtype, dtype)
    hold_network([3, 16, 3], "silu", ("log_odds", 1, 1), 700_001, dtype, dtype)


@pytest.mark.parametrize("own", [False, True])
def test_products_of_float32_are_not_rounded_to_fewer_digits(own: bool) -> None:
    """TF32 would be off by some 3e-4."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((500, 400), (1, 500))]
    single, double = (
        kind([(w.astype(of), np.zeros(len(w), of), "identity", 1.0) for w in weights])
        for kind, of in ((_core.NetworkFloat32, np.float32), (_core.NetworkFloat64, np.float64))
    )
    X = rng.normal(size=(3000, 400)).astype(np.float32)
    for name in ("value", "gradient"):
        found = getattr(single, name)(X, "neuron", 1, 0, on_device=True, own_products=own)
        expected = getattr(double, name)(X.astype(float), "neuron", 1, 0)
        assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_networks_of_several_threads_at_once() -> None:
    net = random_network([20, 200, 200, 1], "elu", np.float64)
    data = [np.random.default_rng(i).normal(size=(20_000 + i, 20)) for i in range(4)]
    expected = [net.gradient(X, "neuron", 2, 0) for X in data]
    found: list[Any] = [None] * 4

    def work(i: int) -> None:
        for _ in range(3):
            found[i] = net.gradient(data[i], "neuron", 2, 0, on_device=True)

    team = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for member in team:
        member.start()
    for member in team:
        member.join()
    for there, here in zip(found, expected, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-10)


def test_small_memory_is_given_back_when_asked() -> None:
    core = random_surrogate(3, 5)
    X = rows_of(core, 100, np.float64)
    for _ in range(3):
        hold_surrogate(core, X, ORDERS)
        _core.cuda_release_memory()
    _core.cuda_release_memory()


# batches of expressions ---------------------------------------------------------------------------

NAMES = ["x", "y", "z"]
# Their rounding is known to stay small: no difference of large numbers, no angle far out.
TEXTS = [
    "x",
    "2.5",
    "x*y + z",
    "exp(-x)*sin(y + 0.5)/(z + 2.5)",
    "log(x + y)*cos(z)",
    "sqrt(x)*tanh(y) + abs(z)",
    "pow(x, 1.5) + cube(y) + square(z)",
    "tan(0.3*x) + inv(y)",
    "erf(x)*atan(y) + asin(0.1*z)*acos(0.1*x)",
    "sinh(0.5*x) - cosh(y)*log10(z)",
    "max(x, y)*sign(z - 1.25) + min(y, z)*(x > 1.25)",
    "x + (y + (z + (x + (y + (z + (x + (y + (z + (x + (y + z))))))))))",
]
# Rows that are summed before sums are added: tape_part_rows in full_data_driver.hpp.
PART = 2048
OPERATORS = 50  # roundings of an expression, at most


def goals(rows: int, inputs: int, dtype: type) -> tuple[dict[str, _core.Goal], dict[str, Any]]:
    rng = np.random.default_rng([4, rows])
    U = rng.normal(size=(rows, inputs))
    U = (U / np.linalg.norm(U, axis=1, keepdims=True)).astype(dtype).astype(float)
    weights = np.where(np.arange(rows) % 7 == 0, 0.0, 1.0)
    if rows < 2:
        weights[:] = 1.0
    data = {
        "values": rng.uniform(-1, 1, rows).astype(dtype).astype(float),
        "labels": np.where(np.arange(rows) % 3 == 0, -1.0, 1.0),
        "scales": rng.uniform(0.5, 2, (rows, inputs)).astype(dtype).astype(float),
        "weights": weights,
    }
    return {
        "values": _core.Goal.values(data["values"], weights),
        "plain": _core.Goal.values(data["values"], None),
        "labels": _core.Goal.labels(data["labels"], weights),
        "directions": _core.Goal.gradients(U, data["scales"], weights, False),
        "signed": _core.Goal.gradients(U, None, weights, True),
    }, data


def hold_expressions(rows: int, dtype: type, texts: list[str] = TEXTS) -> None:
    rng = np.random.default_rng([5, rows])
    X = rng.uniform(0.5, 2, (rows, 3)).astype(dtype)
    made, data = goals(rows, 3, dtype)
    f = [np.abs(_core.Expression(text, NAMES).evaluate(X)) + 1 for text in texts]
    weights = data["weights"]
    for name, goal in made.items():
        w = np.ones(rows) if name == "plain" else weights
        if name in ("directions", "signed"):  # w (|u| + |v|)^2, both signs
            sizes = np.full(len(texts), 8.0)
        else:
            power = 1 if name == "labels" else 2
            sizes = np.array([(w * size**power).sum() / w.sum() for size in f])
        expected = np.array(goal.losses(texts, NAMES, X))
        for rough in (False, True):
            arithmetic = dtype if rough else np.float64
            most = (PART / 128 + 10 + OPERATORS) * eps(arithmetic) * sizes
            found = np.array(goal.losses_on_device(texts, NAMES, X, rough=rough))
            assert_close(found, expected, most)
            again = np.array(goal.losses_on_device(texts, NAMES, X, rough=rough))
            assert np.array_equal(found, again)


@precision
@pytest.mark.parametrize("rows", [1, 127, 128, 129, 500])
def test_small_batches_of_expressions(rows: int, dtype: type) -> None:
    hold_expressions(rows, dtype)


@precision
@pytest.mark.parametrize("rows", [2047, 2048, 2049, 300_001])
def test_batches_of_expressions(rows: int, dtype: type) -> None:
    hold_expressions(rows, dtype)


@precision
def test_thousands_of_expressions(dtype: type) -> None:
    """And one of more nodes than shared memory has room for."""
    rng = np.random.default_rng(1)
    texts = [f"{a!r}*x + {b!r}*y" for a, b in rng.uniform(0.5, 1.5, (2000, 2)).tolist()]
    hold_expressions(10_000, dtype, texts)
    hold_expressions(3000, dtype, ["x + " + " + ".join(["y*z"] * 40), "x*y"])


@pytest.mark.parametrize("inputs", [1, 2, 11, 50])
def test_expressions_of_awkwardly_many_inputs(inputs: int) -> None:
    names = [f"x{i + 1}" for i in range(inputs)]
    X = np.random.default_rng(inputs).uniform(0.5, 2, (777, inputs))
    made, _ = goals(777, inputs, np.float64)
    texts = [" + ".join(names), f"sin({names[-1]})*{names[0]}", "3"]
    for goal in made.values():
        here = np.array(goal.losses(texts, names, X))
        there = np.array(goal.losses_on_device(texts, names, X))
        np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-13)


WITH_CONSTANTS = [
    "x",
    "2.5",
    "x*y + pow(z, 2)",
    "1.5*exp(-0.7*x)*sin(2*y + 0.5)/(z + 2.5)",
    "log(1.2*x + y)*cos(0.3*z)",
    "sqrt(0.4*x)*tanh(1.1*y) + abs(z - 0.3)",
    "pow(1.1*x, 1.37) + 0.2*cube(y) + square(0.9*z)",
    "tan(0.3*x) + inv(0.7*y) - 2*z",
    "erf(0.5*x)*atan(2*y) + asin(0.1*z)*acos(0.1*x)",
    "sinh(0.5*x) - cosh(0.3*y)*log10(2*z)",
    "max(x, 1.1*y)*sign(z - 1.25) + min(0.8*y, z)*(x > 1.25)",
    " + ".join(f"{k}.5*x" for k in range(1, 20)),  # more sums than a block has threads
]


def hold_equations(rows: int, texts: list[str] = WITH_CONSTANTS) -> None:
    """[J r]^T [J r] against the CPU's; what rounding may be by the largest of J's and r's size."""
    X = np.random.default_rng([6, rows]).uniform(0.5, 2, (rows, 3))
    goal = goals(rows, 3, np.float64)[0]["values"]
    here, there, again = (
        goal.normal_equations(texts, NAMES, X, on_device=on_device)
        for on_device in (False, True, True)
    )
    assert there == again
    for (loss, gradient, gram), (loss_there, gradient_there, gram_there) in zip(
        here, there, strict=True
    ):
        diagonal = [gram[i * (i + 3) // 2] for i in range(len(gradient))]
        size = 10 * (1 + max([loss, *diagonal]))  # the target's own square, and residuals'
        most = (PART / 4 + 10 + OPERATORS) * eps(np.float64) * size
        found = np.array([loss_there, *gradient_there, *gram_there])
        assert_close(found, np.array([loss, *gradient, *gram]), most)


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 500])
def test_small_batches_of_normal_equations(rows: int) -> None:
    hold_equations(rows)


@pytest.mark.parametrize("rows", [512, 2047, 2048, 2049, 8192, 300_001])
def test_batches_of_normal_equations(rows: int) -> None:
    hold_equations(rows)


def test_thousands_of_normal_equations() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.uniform(0.5, 1.5, (4000, 2)).tolist()
    texts = [f"{a!r}*exp({b!r}*x)*y + {a!r}/(z + {b!r})" for a, b in drawn]
    hold_equations(8192, texts)
    wide = " + ".join(f"{k}.5*x*y" for k in range(1, 43))
    deep = "2.5*" + "sin(" * 250 + "x" + ")" * 250  # whose values shared memory has no room for
    hold_equations(700, [wide, deep, "2.5*x"])


def test_no_rows_and_no_expressions_are_no_work() -> None:
    """As on the CPU, no rows are refused."""
    goal = _core.Goal.values(np.ones(5), None)
    assert goal.losses_on_device([], NAMES, np.ones((5, 3))) == []
    with pytest.raises(ValueError, match="X: has no rows"):
        _core.Goal.values(np.zeros(0), None)


def test_small_what_is_not_defined_has_no_loss_and_a_constant_no_direction() -> None:
    X = np.array([[1.0], [-1.0], [0.5], [2.0]])
    ones = np.ones(4)
    texts = ["log(x)", "1/(3 - 3)", "3*x", "0 - 3*x"]
    loss = _core.Goal.values(ones, None).losses_on_device(texts, ["x"], X)
    assert loss[:2] == [np.inf, np.inf]
    assert loss[2] == pytest.approx((4 + 16 + 0.25 + 25) / 4)
    hinge = _core.Goal.labels(ones, None).losses_on_device(texts, ["x"], X)
    assert hinge[0] == np.inf
    assert hinge[2] == pytest.approx(1)
    angle = _core.Goal.gradients(ones[:, None], None, None, True).losses_on_device(texts, ["x"], X)
    assert angle == pytest.approx([np.inf, 1.0, 0.0, 4.0], rel=1e-14, abs=1e-14)
