"""Arrays in a GPU's memory, by whoever is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[np.floating[Any]]
LIBRARIES = ("cupy", "torch", "jax")


def library(name: str) -> Any:
    """The module, or the test is skipped with the reason."""
    try:
        module = importlib.import_module(name)
        LOOKED_FOR[name](module)
    except Exception as error:  # of many kinds: no package, no CUDA in it, no driver for it
        first = str(error).split("\n")[0]
        pytest.skip(f"{name} has no GPU here: {type(error).__name__}: {first}")
    return module


def _jax(module: Any) -> None:
    module.config.update("jax_enable_x64", True)
    module.devices("gpu")


LOOKED_FOR: dict[str, Callable[[Any], object]] = {
    "cupy": lambda module: module.zeros(1),
    "torch": lambda module: module.zeros(1, device="cuda"),
    "jax": _jax,
}


def moved(name: str, array: Array) -> Any:
    """The array's numbers there. They are the result of work that may still be under way."""
    module = library(name)
    if name == "cupy":
        return module.asarray(array) * 1
    if name == "torch":
        return module.from_numpy(array).to("cuda") * 1
    return module.device_put(array, module.devices("gpu")[0]) * 1
