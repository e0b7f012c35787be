"""What was found of a neuron, or of a layer, put into the torch model again in its place."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from closedform.errors import InputError
from closedform.neurons import latent_space
from closedform.neurons.adapters.neuron import split_neuron
from closedform.pipelines.latent_space import LatentSpace
from closedform.pipelines.monotone_link import MonotoneLink
from closedform.pipelines.results import Interpretation
from closedform.tables.checks import matrix

if TYPE_CHECKING:
    from closedform.neurons.adapters.torch_formula import FormulaModule, Hybrid, Steps

DEGREE = 3  # of the polynomials that make a space's coordinates of its formulas
KNOTS = 64  # of a link without a closed form


def hybrid(model: Any, neuron: Any, found: Interpretation | LatentSpace, X: object) -> Hybrid:
    """The torch model with a neuron, or several of a layer, computed by the formulas found.

    It is a module as any other: the formulas' constants and their links' numbers are parameters and
    can be trained with the rest, `torch.onnx.export` writes it, `hybrid.accuracy(X, y)` compares
    it with the model, `hybrid.formulas()` gives the formulas with their constants as they are, and
    `hybrid.original` is the model, which is not changed.

    Args:
        model: a torch module whose inputs are the rows of X.
        neuron: which was interpreted: ("layer", index), or ("layer", slice or "all").
        found: of `interpret`, for this neuron. A neuron is its link of the formula; the coordinates
            of a space become cubic polynomials of the formulas, fitted here.
        X: (n, d) rows, on which they are fitted.

    Raises:
        InputError: a neuron that is not in a layer, that is not what was found, or a model that is
            not torch's.

    Example:
        >>> import numpy as np, torch
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (100, 2))
        >>> layers = torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)
        >>> model = torch.nn.Sequential(*layers)
        >>> found = cf.interpret(model, X, neuron=("1", 0), evaluations=2000, progress=False)
        >>> len(cf.hybrid(model, ("1", 0), found, X).formulas())
        1
    """
    if not any(base.__module__.split(".")[0] == "torch" for base in type(model).__mro__):
        raise InputError(f"model: is a {type(model).__name__}; give a torch module")
    from closedform.neurons.adapters import torch_formula

    layer = neuron[0] if isinstance(neuron, tuple) and len(neuron) == 2 else None
    if not isinstance(layer, str) or layer not in dict(model.named_modules()):
        raise InputError(
            f'neuron: {neuron!r} is in no layer of the model; give ("layer", index), the output by '
            "the name of the last layer"
        )
    if latent_space.is_latent(neuron) != isinstance(found, LatentSpace):
        raise InputError(f"found: is not of {neuron!r}; give what interpret found of it")
    dtype = next(model.parameters()).dtype
    if isinstance(found, Interpretation):
        _, index = split_neuron(neuron)
        inner = torch_formula.FormulaModule(found.formula, dtype)
        part = torch_formula.OneOf(inner, _link(found.link, dtype))
        return torch_formula.Hybrid(model, layer, [index or 0], part)
    return _of_space(model, neuron, found, X, dtype)


def _link(link: MonotoneLink, dtype: Any) -> FormulaModule | Steps:
    from closedform.neurons.adapters import torch_formula

    if link.formula is not None:
        return torch_formula.FormulaModule(link.formula, dtype)
    at, values = link.isotonic.at, link.isotonic.values
    if len(at) > KNOTS:
        places = np.unique(np.linspace(0, len(at) - 1, KNOTS).round().astype(int))
        at, values = at[places], values[places]
    return torch_formula.Steps(at, values, dtype)


def _of_space(model: Any, neuron: Any, found: LatentSpace, X: object, dtype: Any) -> Hybrid:
    from closedform.neurons.adapters import torch_formula

    nets = latent_space.coordinates(model, neuron, "cpu")
    if len(nets) != found.coordinates:
        raise InputError(
            f"found: is of {found.coordinates} neurons, {neuron!r} are {len(nets)}; give what "
            "interpret found of it"
        )
    rows = matrix(X, min_rows=1)
    targets = np.stack([net.value(rows.values) for net in nets], axis=1)
    T = np.stack([formula(rows.values) for formula in found.formulas], axis=1)
    defined = np.isfinite(T).all(axis=1)
    centre, scale = T[defined].mean(axis=0), T[defined].std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    every = product(range(DEGREE + 1), repeat=len(found.formulas))
    exponents = [powers for powers in every if sum(powers) <= DEGREE]
    Z = (T[defined] - centre) / scale
    terms = np.stack([np.prod(Z ** np.array(powers), axis=1) for powers in exponents], axis=1)
    coefficients = np.linalg.lstsq(terms, targets[defined], rcond=None)[0]
    inner = [torch_formula.FormulaModule(formula, dtype) for formula in found.formulas]
    part = torch_formula.Polynomials(inner, centre, scale, exponents, coefficients, dtype)
    which = neuron[1]
    width = range(latent_space.MOST_COORDINATES)[slice(None) if which == "all" else which]
    indices = list(width)[: len(nets)]
    return torch_formula.Hybrid(model, neuron[0], indices, part)
