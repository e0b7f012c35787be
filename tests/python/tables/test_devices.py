"""`device=` and arrays on a GPU. What needs a GPU itself is in bench/gpu.py; here is what can be
held without one: who is refused, who falls back, and that arrays are taken where they lie."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform import _core
from closedform.errors import InputError
from closedform.searches import objectives
from closedform.searches.settings import Arguments, checked_settings
from closedform.sklearn import ClosedFormClassifier, ClosedFormRegressor
from closedform.tables import checks, devices

needs_no_gpu = pytest.mark.skipif(not _core.cuda_problem()[0], reason="a GPU can be used here")

rng = np.random.default_rng(0)
X = rng.uniform(size=(60, 2))
y = X[:, 0] * X[:, 1]
BUDGET: dict[str, Any] = {"evaluations": 2000, "time": np.inf}


class Interface:
    """What CuPy, torch and JAX show of an array on a GPU; its memory here is the host's."""

    def __init__(self, array: np.ndarray[Any, Any], **changed: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data, False),
            "strides": None,
            "version": 3,
            **changed,
        }


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class DlPack:
    """A DLPack producer that says its memory, the host's, is a GPU's."""

    def __init__(self, array: np.ndarray[Any, Any], device: int = 2) -> None:
        self.array = array
        self.device = device
        self.deleted = 0
        self._shape = (ctypes.c_int64 * array.ndim)(*array.shape)

        @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        def deleter(_: int) -> None:
            self.deleted += 1

        self._deleter = deleter
        self._managed = _Managed(
            _Tensor(
                array.ctypes.data, device, 0, array.ndim, 2, 8 * array.itemsize, 1, self._shape
            ),
            None,
            ctypes.cast(deleter, ctypes.c_void_p),
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self) -> object:
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p,
        ]  # fmt: skip
        return new(ctypes.addressof(self._managed), b"dltensor", None)


class HostDlPack:
    """A host array that speaks DLPack and nothing else."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> object:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_on_a_gpu_are_taken_where_they_lie(dtype: type) -> None:
    array = np.ascontiguousarray(X, dtype=dtype)
    producer = DlPack(array)
    for there in (
        devices.matrix_there(Interface(array)),
        devices.matrix_there(Interface(array, strides=array.strides)),
        devices.matrix_there(producer),
    ):
        assert there is not None
        assert there.address == array.ctypes.data
        assert there.shape == (60, 2)
        assert there.single == (dtype is np.float32)
    assert producer.deleted == 0
    del there
    assert producer.deleted == 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (Interface(y), r"X: must be 2-D \(rows, columns\), has shape \(60,\)"),
        (Interface(X.astype(int)), "X: is <i8 on the device; give float64 or float32"),
        (Interface(X, strides=(8, 480)), "X: is not C-contiguous on the device"),
        (DlPack(y), "X: must be 2-D"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(array: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        devices.matrix_there(array)


def test_host_arrays_are_no_matter_of_devices() -> None:
    assert devices.matrix_there(X) is None
    assert devices.matrix_there(HostDlPack(X)) is None
    read = checks.matrix(HostDlPack(X)).values
    assert np.shares_memory(read, X)


class CuPy(Interface):
    """An array of CuPy's: it lets numpy at its numbers by `get` alone."""

    def get(self) -> np.ndarray[Any, Any]:
        return self.array

    def __array__(self, *_: Any, **__: Any) -> None:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


class Torch(DlPack):
    """A tensor of torch's that is part of a graph."""

    def __init__(self, array: np.ndarray[Any, Any], attached: bool = True) -> None:
        super().__init__(array)
        self.attached = attached

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad.")

    def detach(self) -> Torch:
        return Torch(self.array, attached=False)

    def cpu(self) -> Any:
        assert not self.attached
        return self.array


class Jax(DlPack):
    """An array of JAX's: numpy gets a copy."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray[Any, Any]:
        return self.array


@pytest.mark.parametrize("there", [CuPy, Torch, Jax])
def test_searches_and_fits_take_arrays_on_a_gpu(there: Any) -> None:
    assert [f.text for f in cf.search(there(X), values=there(y), weights=there(y), **BUDGET)] == [
        f.text for f in cf.search(X, values=y, weights=y, **BUDGET)
    ]
    U = np.ascontiguousarray(X[:, ::-1])
    assert cf.search(there(X), gradients=there(U), **BUDGET).best.text == "x1*x2"
    labels = (y > np.median(y)).astype(np.int8)
    found = cf.search(there(X), labels=there(labels), **BUDGET)
    assert [f.text for f in found] == [f.text for f in cf.search(X, labels=labels, **BUDGET)]
    settings: dict[str, Any] = {"modes": 2, "segments": 3, "smoothing": 1e-6}
    fitted = cf.Surrogate(**settings).fit(there(X), there(y))
    assert np.array_equal(fitted.predict(X), cf.Surrogate(**settings).fit(X, y).predict(X))
    assert cf.separability(fitted, there(X), there(y), time=5).names == ("x1", "x2")
    sigma_X = {"x1": there(0.01 * X[:, 0])}
    exact = cf.discover(there(X), there(y), sigma=there(y), sigma_X=sigma_X, **BUDGET)
    assert exact.formula.text == "x1*x2"


def test_estimators_and_models_of_the_host_take_arrays_on_a_gpu() -> None:
    model = cf.network((lambda X: X[:, 0] * X[:, 1], lambda X: X[:, ::-1]))
    assert np.array_equal(model.value(CuPy(X)), y)
    assert np.array_equal(cf.Formula("x1*x2", ["x1", "x2"])(CuPy(X)), y)
    found = ClosedFormRegressor(time=np.inf, evaluations=2000).fit(CuPy(X), CuPy(y))
    assert found.formula_.text == "x1*x2"
    labels = (y > np.median(y)).astype(int)
    split = ClosedFormClassifier(time=np.inf, evaluations=2000).fit(CuPy(X), CuPy(labels))
    assert split.score(X, labels) > 0.9
    names = np.repeat([1, 2], 30)
    grouped = [cf.search(X, values=y, groups=given, **BUDGET) for given in (names, CuPy(names))]
    assert grouped[0].best.text == grouped[1].best.text


def test_arrays_on_a_gpu_are_checked_as_any() -> None:
    for array, message in (
        (CuPy(y), r"X: must be 2-D \(rows, columns\), has shape \(60,\)"),
        (CuPy(X.astype(complex)), "X: Complex data not supported"),
        (CuPy(np.where(X > 0.9, np.nan, X)), "X: row .* is NaN"),
        (Interface(X), "X: lies on a GPU, and Interface has no method that copies it"),
        (DlPack(X), "X: lies on a GPU, and DlPack has no method that copies it"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            cf.search(array, values=y)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="X: lies on a GPU"):
        cf.Surrogate(2, 3).fit(Interface(X), y)
    with pytest.raises(InputError, match="y: has 59 values for 60 rows"):
        cf.discover(CuPy(X), CuPy(y[1:]))


def test_a_copy_that_fails_says_so_in_one_line() -> None:
    class Full(CuPy):
        def get(self) -> np.ndarray[Any, Any]:
            raise MemoryError("Unable to allocate 80 MB\nfor an array")

    with pytest.raises(
        InputError, match=r"values: cannot be copied from the GPU \(Unable.*80 MB\)"
    ):
        cf.search(X, values=Full(y))


@needs_no_gpu
def test_cuda_without_a_gpu_is_refused_in_one_line() -> None:
    calls = (
        lambda: cf.Surrogate(device="cuda"),
        lambda: cf.discover(X, y, device="cuda"),
        lambda: cf.search(X, values=y, device="cuda"),
        lambda: cf.interpret((lambda X: X[:, 0], lambda X: X), X, device="cuda"),
        lambda: cf.network((lambda X: X[:, 0], lambda X: X), device="cuda"),
        lambda: cf.Surrogate(2, 3, smoothing=1e-6).fit(X, y).predict(Interface(X)),
    )
    for call in calls:
        with pytest.raises(InputError, match="no GPU can be used") as caught:
            call()
        assert "\n" not in str(caught.value)
    with pytest.raises(
        InputError, match=r"device: .gpu. is unknown; use one of .cpu., .cuda., .auto."
    ):
        cf.Surrogate(device="gpu")  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=r"device: .gpu. is unknown; use one of .cpu., .cuda., .auto."
    ):
        cf.search(X, values=y, device="gpu")  # type: ignore[arg-type]


def test_pysr_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "cuda_problem", lambda: ("", False))
    with pytest.raises(InputError, match='device: "cuda" is not for PySR'):
        cf.search(X, values=y, backend="pysr", device="cuda")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a GPU is asked for, which the CPU then does."""
    monkeypatch.setattr(_core, "cuda_problem", lambda: ("", False))
    devices._found.cache_clear()
    asked: list[str] = []
    search = _core.search

    class Goal:
        def __init__(self, goal: _core.Goal) -> None:
            self.goal = goal

        def losses(self, *arguments: Any) -> Any:
            return self.goal.losses(*arguments)

        def losses_on_device(self, *arguments: Any) -> Any:
            asked.append("losses")
            return self.goal.losses(*arguments)

    def searched(X: Any, goal: Goal, *rest: Any) -> Any:
        *others, on_device, rules, resume, keep, template = rest
        assert (resume, keep) == (b"", None)
        asked.extend(["search"] * on_device)
        return search(X, goal.goal, *others, False, rules, resume, keep, template)

    monkeypatch.setattr(_core, "search", searched)
    for kind in (objectives.Values, objectives.Directions, objectives.Labels):
        made = kind.__dict__["goal"].func
        monkeypatch.setattr(kind, "goal", property(lambda self, made=made: Goal(made(self))))
    yield asked
    devices._found.cache_clear()


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LEAST_ROWS", 1)


@pytest.mark.usefixtures("few_are_enough")
@pytest.mark.parametrize("device", ["cuda", "auto"])
@pytest.mark.parametrize("target", ["values", "gradients", "labels"])
def test_a_search_asks_the_device_for_what_goes_over_all_rows(
    target: str, device: devices.Device, asked: list[str]
) -> None:
    given: Any = {target: {"values": y, "gradients": X[:, ::-1], "labels": y > 0.25}[target]}
    here = cf.search(X, **given, symmetries=False, **BUDGET, device="cpu")
    assert not asked
    there = cf.search(X, **given, symmetries=False, **BUDGET, device=device)
    assert set(asked) == {"search", "losses"}
    assert [f.text for f in there] == [f.text for f in here]


def test_few_rows_are_the_cpu_s_unless_a_gpu_is_named(asked: list[str]) -> None:
    cf.search(X, values=y, symmetries=False, **BUDGET)
    assert not asked
    assert devices.on_gpu("auto", devices.LEAST_ROWS)
    assert not devices.on_gpu("auto", devices.LEAST_ROWS - 1)
    assert devices.on_gpu("cuda", 1)


def test_a_worker_decides_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks a cluster need not have the GPU."""
    monkeypatch.setattr(_core, "cuda_problem", lambda: pytest.fail("asked here"))
    assert checked_settings(Arguments(), device="auto").device == "auto"


@pytest.mark.usefixtures("few_are_enough")
def test_discover_and_interpret_hand_their_device_on(asked: list[str]) -> None:
    cf.discover(X, y, strategy="direct", **BUDGET, device="cuda")
    assert set(asked) == {"search", "losses"}
    asked.clear()
    cf.interpret((lambda X: X[:, 0] * X[:, 1], lambda X: X[:, ::-1]), X, **BUDGET, device="auto")
    assert set(asked) == {"search", "losses"}


@needs_no_gpu
def test_a_device_s_error_is_one_of_the_argument() -> None:
    """Here of a build without CUDA, or that finds no driver."""
    goal = _core.Goal.values(y, None)
    with pytest.raises(InputError, match="device: "):
        devices.running(lambda: goal.losses_on_device(["x1"], ["x1", "x2"], X))


@pytest.mark.usefixtures("few_are_enough")
@pytest.mark.parametrize("driver", [False, True])
def test_auto_runs_on_the_cpu_and_says_so_once_where_a_driver_is(
    driver: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_core, "cuda_problem", lambda: ("the driver is too old", driver))
    devices._found.cache_clear()
    settings: dict[str, Any] = {"modes": 2, "segments": 3, "smoothing": 1e-6}
    with caplog.at_level(logging.DEBUG, logger="closedform"):
        there = cf.Surrogate(**settings, device="auto").fit(X, y)
        predicted = there.predict(X)
        structure = cf.separability(there, X, y, device="auto", time=0.5)
    devices._found.cache_clear()
    here = cf.Surrogate(**settings, device="cpu").fit(X, y)
    assert np.array_equal(predicted, here.predict(X))
    assert structure.names == there.names
    assert len(caplog.records) == driver
    assert ("the driver is too old; everything runs on the CPU" in caplog.text) == driver
