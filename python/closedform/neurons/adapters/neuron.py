"""The function f that is asked of a network, whichever framework it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from closedform import _core
from closedform._typing import FloatMatrix, Floats
from closedform.errors import InputError

# A neuron: None (the only output, or the second of two classes), the index of an output, or the
# name of a layer and an index among that layer's outputs.
Neuron: TypeAlias = int | tuple[str, int] | None


@dataclass(frozen=True)
class NeuronFunction:
    """One number of a network as a function of its inputs.

    Attributes:
        inputs: how many, or None when the model does not say.
        value: (n, d) rows and a number of threads (0: all cores) -> (n,). Frameworks keep to their
            own number of threads.
        gradient: the same -> (n, d).
        classifier: whether sigmoid(f) is a probability, told the number of inputs: a function can
            only be looked into once that is known.
        description: one line: which neuron, what was removed, computed by what.
        names: the inputs' names, where the model knows them.
        on_gpu: the same numbers from a GPU, where the C++ core can: rows (or a matrix there) and
            whether the gradient is asked for -> (n,) or (n, d).
    """

    inputs: int | None
    value: Callable[[FloatMatrix, int], Floats]
    gradient: Callable[[FloatMatrix, int], Floats]
    classifier: Callable[[int], bool]
    description: str
    names: tuple[str, ...] | None = None
    on_gpu: Callable[[FloatMatrix | _core.DeviceMatrix, bool], Floats] | None = None


def always(_: int) -> bool:
    """Of a classifier; a name, so that it has a pickle."""
    return True


def never(_: int) -> bool:
    """Of anything else."""
    return False


def split_neuron(neuron: Neuron) -> tuple[str | None, int | None]:
    """Layer (None: the output) and index (None: not said) of a neuron.

    Raises:
        InputError: anything that is not a `Neuron`.
    """
    layer, index = neuron if isinstance(neuron, tuple) and len(neuron) == 2 else (None, neuron)
    if isinstance(neuron, tuple) and not isinstance(layer, str):
        raise InputError(
            f'neuron: {neuron!r} is not understood; give an output\'s index or ("layer", index)'
        )
    if index is None and layer is None:
        return None, None
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or index < 0:
        raise InputError(f"neuron: index must be an integer from 0, not {index!r}")
    return layer, int(index)


def output_index(index: int | None, width: int, where: str, *, classes: bool = False) -> int:
    """The index meant among `width` outputs of `where`.

    Raises:
        InputError: out of range, or several outputs and none named.
    """
    if index is None:
        if width == 1:
            return 0
        if classes and width == 2:
            return 1
        raise InputError(f"neuron: {where} has {width} outputs; say which, 0 to {width - 1}")
    if index >= width:
        raise InputError(f"neuron: {where} has {width} outputs, so no {index}; they count from 0")
    return index


def unknown_layer(layer: str, known: Sequence[str]) -> InputError:
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return InputError(f"neuron: the model has no layer {layer!r}; its layers are {shown}")
