"""What rows say of a formula that was searched in a form of the user's: a template, or groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.noise import Noise, Parameters
from closedform.searches.settings import Settings


@dataclass(frozen=True)
class Evidence:
    """For the best formula of a front.

    Attributes:
        noise: the model that suits it best. parameters: the model's own, around it.
        gain: nats by which it describes the rows shorter than a constant does.
        residuals: (n,) over their standard errors, in the rows' order.
        exact: it meets the rows to rounding.
    """

    noise: Noise
    parameters: Parameters
    gain: float
    residuals: Floats
    exact: bool


def told_form(
    groups: object,
    template: object,
    values: object,
    others: Mapping[str, object],
    settings: Settings,
) -> Settings:
    """The settings of a search with groups or a template, or without: such a one is the CPU's.

    others: arguments that go with none of them, by name; None where they are not given.

    Raises:
        InputError: names an argument that does not go with them.
    """
    if groups is None and template is None:
        return settings
    argument = "template" if groups is None else "groups"
    if values is None:
        raise InputError(f"{argument}: is of values; give them, an array or a column's name")
    others = {name: given for name, given in others.items() if name not in ("limits", "units")}
    own = {
        "client": settings.cluster if template is not None else None,
        "complexities or operators of your own": settings.words,
        "options resume": settings.journal,
    }
    for name, given in {**others, **own}.items():
        if given is not None:
            raise InputError(f"{argument}: cannot be given with {name}; leave one of them out")
    if settings.backend != "native":
        raise InputError(f'{argument}: is known to the native engine alone; use backend="native"')
    if settings.device == "cuda":
        raise InputError(f"{argument}: is searched on the CPU; leave out device")
    return replace(settings, device="cpu")


def constant_cost(noise: Noise, y: Floats, counts: Floats) -> float:
    """-log density of the rows around the best constant."""
    constant = np.full(len(y), float(np.average(y, weights=counts)))
    with np.errstate(all="ignore"):
        parameters = noise.parameters(y, constant, counts, 1)
        return float(counts @ noise.costs(y, constant, parameters))
