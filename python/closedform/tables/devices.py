"""Where work is done: on the CPU, or on a GPU through CUDA; and arrays that lie on one already."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args

from closedform import _core
from closedform._choices import Device
from closedform.errors import InputError
from closedform.tables import scalars

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


def on_gpu(device: Device) -> bool:
    """Whether work is to be done on a GPU. Where a driver is there that cannot be used, the first
    "auto" warns by the logger "closedform": whoever has a GPU should know. Where there is none, it
    says nothing.

    Raises:
        InputError: "cuda" where no GPU can be used.
    """
    if device == "cuda":
        _usable("device")
        return True
    return device == "auto" and _found()


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


def host_only(X: object, what: str, *, name: str = "X") -> None:
    """Refuses a matrix in a GPU's memory where `what` needs it on the host.

    Raises:
        InputError: says how to bring it there.
    """
    if matrix_there(X, name=name) is not None:
        raise InputError(
            f"{name}: lies on a GPU, {what} needs it in the host's memory; copy it there, for "
            "example by .get() (CuPy) or .cpu() (torch)"
        )
