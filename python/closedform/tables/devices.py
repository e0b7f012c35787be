"""Where work is done: on the CPU, or on a GPU through CUDA; and arrays that lie on one already."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args

import numpy as np

from closedform import _core
from closedform._choices import Device
from closedform.errors import InputError
from closedform.tables import scalars

# Rows from which "auto" takes a GPU: the CPU is through with fewer before they have gone there and
# back. Values and gradients of a surrogate took 1.3 times as long on an H200 as on the 16 cores
# beside it at 65,000 rows, three quarters at 260,000; and the first use of CUDA takes 0.3 s.
LEAST_ROWS = 131_072
_log = logging.getLogger("closedform")
_DLPACK_CUDA = (2, 13)  # kDLCUDA, kDLCUDAManaged
_Result = TypeVar("_Result")


def checked(device: str) -> Device:
    """The name of a device.

    Raises:
        InputError: none of them, or "cuda" where no GPU can be used.
    """
    known: tuple[Device, ...] = get_args(Device)
    scalars.choice(device, "device", known)
    if device == "cuda":
        _usable("device")
    return known[known.index(device)]


def on_gpu(device: Device, rows: int) -> bool:
    """Whether work on so many rows is to be done on a GPU: with "auto" where there is one and they
    are many enough for it. Where a driver is there that cannot be used, the first "auto" that would
    warns by the logger "closedform": whoever has a GPU should know. Where there is none, it says
    nothing.

    Raises:
        InputError: "cuda" where no GPU can be used.
    """
    if device == "cuda":
        _usable("device")
        return True
    return device == "auto" and rows >= LEAST_ROWS and _found()


@cache
def _found() -> bool:
    text, surprising = _core.cuda_problem()
    if surprising:
        _log.warning('device="auto": %s; everything runs on the CPU', text)
    return not text


def _usable(argument: str) -> None:
    text, _ = _core.cuda_problem()
    if text:
        raise InputError(f'{argument}: no GPU can be used ({text}); use device="cpu"')


def running(work: Callable[[], _Result]) -> _Result:
    """work(), what goes wrong on a device as an InputError.

    Raises:
        InputError: too little memory, or what CUDA reports.
    """
    try:
        return work()
    except _core.DeviceError as error:
        raise InputError(f"device: {error}") from error


def matrix_there(X: Any, *, name: str = "X") -> _core.DeviceMatrix | None:
    """A matrix in a GPU's memory (CuPy, torch, JAX, whatever has `__cuda_array_interface__` or
    DLPack) as it lies there, without a copy; None for anything else. Its numbers are not looked
    at: a NaN gives NaN.

    Raises:
        InputError: it cannot be used as it lies, or no GPU can be used here.
    """
    interface = getattr(X, "__cuda_array_interface__", None)
    if interface is not None:
        matrix = _by_interface(interface, X, name)
    elif hasattr(X, "__dlpack_device__") and X.__dlpack_device__()[0] in _DLPACK_CUDA:
        try:
            matrix = _core.DeviceMatrix.from_dlpack(X.__dlpack__())
        except ValueError as error:
            raise InputError(f"{name}: {error}") from error
    else:
        return None
    if matrix.shape[1] == 0:
        raise InputError(f"{name}: no columns; give at least one")
    return matrix


def _by_interface(interface: dict[str, Any], owner: Any, name: str) -> _core.DeviceMatrix:
    shape, kind = tuple(interface["shape"]), interface["typestr"]
    if len(shape) != 2:
        raise InputError(f"{name}: must be 2-D (rows, columns), has shape {shape}")
    if kind not in ("<f4", "<f8"):
        raise InputError(f"{name}: is {kind} on the device; give float64 or float32")
    size = int(kind[2])
    strides = interface.get("strides")
    if strides is not None and tuple(strides) != (size * shape[1], size):
        raise InputError(f"{name}: is not C-contiguous on the device; make a contiguous copy there")
    return _core.DeviceMatrix(interface["data"][0], shape[0], shape[1], size == 4, owner)


def on_host(value: Any, name: str) -> Any:
    """An array that lies on a GPU copied to the host's memory, as its library does that; anything
    else untouched. Once for a whole call, and little beside it: a million rows of 10 float64 take
    2 ms over a link of 50 GB/s.

    Raises:
        InputError: there is no such copy, or its library fails at it.
    """
    if isinstance(value, (np.ndarray, list, tuple)):
        return value
    kind = type(value)
    try:
        if hasattr(kind, "detach") and hasattr(kind, "cpu"):  # torch, wherever it lies
            return value.detach().cpu()
        if not _on_a_gpu(value):
            return value
        for copy in ("get", "copy_to_host"):  # CuPy, numba
            if hasattr(kind, copy):
                return getattr(value, copy)()
    except (MemoryError, RuntimeError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{name}: cannot be copied from the GPU ({reason})") from error
    if hasattr(kind, "__array__"):  # JAX: numpy gets a copy
        return value
    raise InputError(
        f"{name}: lies on a GPU, and {kind.__name__} has no method that copies it to the host's "
        "memory; give it by cupy.asarray(...).get()"
    )


def _on_a_gpu(value: Any) -> bool:
    if hasattr(value, "__dlpack_device__"):
        return value.__dlpack_device__()[0] in _DLPACK_CUDA
    return hasattr(value, "__cuda_array_interface__")
