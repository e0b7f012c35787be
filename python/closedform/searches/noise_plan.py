"""What a search goes by: the noise models formulas are judged by, and how rows are weighed."""

from __future__ import annotations

from dataclasses import dataclass

from closedform._choices import KINDS
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.noise import Absolute, Noise, Parameters, sigma_alone
from closedform.tables import scalars


@dataclass(frozen=True)
class NoisePlan:
    """What a search goes by.

    Attributes:
        noises: the models formulas are judged by; the first is the one searched with.
        precisions: for each of them (n,) one over the expected square of a row's error, in any
            unit; None for equal ones.
        reason: one line on how it was chosen.
        fitted: the first model's own parameters around the formula that was chosen.
        decided: errors of one size everywhere were asked for or are out of the question.
    """

    noises: tuple[Noise, ...]
    precisions: tuple[Floats | None, ...]
    reason: str
    decided: bool = True
    fitted: Parameters = ()

    @property
    def main(self) -> Noise:
        return self.noises[0]

    @property
    def precision(self) -> Floats | None:
        return self.precisions[0]

    @property
    def logarithmic(self) -> bool:
        """Whether errors are in proportion for certain: structure shows in the logarithm."""
        return self.decided and self.main.kind in ("relative", "log")

    def looked_at(self) -> list[NoisePlan]:
        """A plan for every model that needs a search of its own: in proportion is in proportion,
        whatever the density."""
        shapes: dict[str, NoisePlan] = {}
        for noise in self.noises:
            shape = "relative" if noise.kind == "log" else noise.kind
            shapes.setdefault(shape, self.led_by(noise.kind))
        return list(shapes.values())

    def led_by(self, kind: str) -> NoisePlan:
        """The same with another model to search with."""
        order = sorted(range(len(self.noises)), key=lambda i: self.noises[i].kind != kind)
        return NoisePlan(
            tuple(self.noises[i] for i in order),
            tuple(self.precisions[i] for i in order),
            self.reason,
            self.decided,
        )

    def __str__(self) -> str:
        return f"{self.main}; {self.reason}"


# Before anybody has looked.
PLAIN = NoisePlan((Absolute(),), (None,), "nothing else was looked at")


def check(noise: object, sigma: object, sigma_X: object = None) -> None:
    """Refuses models there are not.

    Raises:
        InputError: names the argument.
    """
    scalars.choice(noise, "noise", KINDS)
    sigma_alone(noise, sigma)
    if sigma_X is not None and noise not in ("auto", "absolute"):
        raise InputError(
            f"sigma_X: given with noise={noise!r}; with errors in the inputs those of the target "
            'are of one size ("absolute"), or sigma'
        )
