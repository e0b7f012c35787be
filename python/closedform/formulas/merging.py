"""Inputs of a formula that enter only together: which were merged, and the problem that leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from closedform._typing import Floats

Kind = Literal["unused", "linear", "product", "radius", "mixed", "block"]


@dataclass(frozen=True)
class Merge:
    """One merge of two inputs into one, or an input left out.

    Attributes:
        kind: "unused" (G_k = 0), "linear" (c a + b), "product" (a^p b^q), "radius" (c a^2 + b^2)
            "mixed" (c a + b^2, a exp(c b), a exp(c b^2)) or "block" (a function found by a search
            of the two alone).
        text: the merged input in the original inputs' names; of "unused" the input left out.
        inputs: texts of what was merged.
        statistic: mean |a - b| / mean(|a| + |b|) of the two sides of the rule, 0 where it holds;
            of "unused" the mean |component| of the unit gradients.
        noise: the part of the statistic that cannot be predicted from the inputs. Well below the
            statistic: a structured error, of a trained network or of a false pair.
        loss: what the merge adds to `Merging.loss`.
    """

    kind: Kind
    text: str
    inputs: tuple[str, ...]
    statistic: float
    noise: float
    loss: float

    def __str__(self) -> str:
        what = "left out" if self.kind == "unused" else f"from {', '.join(self.inputs)}"
        return f"{self.text}: {self.kind}, {what}, to {self.statistic:.1e} (noise {self.noise:.1e})"


@dataclass(frozen=True)
class Merging:
    """The problem in merged inputs z_1 ... z_m, functions of disjoint original inputs.

    A formula T(z) is judged by comparing (dT/dz_k S_k)_k with (U_k)_k, row by row: its loss is then
    that of T(z(x)) in the original inputs.

    Attributes:
        merges: in the order in which they were made; a merged input can merge again.
        texts: (m,) the inputs left, in the original names. A single one is the answer itself.
        Z: (n, m) their values.
        U: (n, m) components of the unit gradients along the inputs' own gradients.
        S: (n, m) sizes of the inputs' own gradients.
        loss: (weighted) mean of `2 - 2 |U|` over the rows whose gradient is not zero. No formula of
            the merged inputs has a smaller cosine loss.
        exact: every merge holds to rounding, so that nothing is lost by searching merged alone.
        tentative: a Merging with further merges, small in error but not shown to be true; search
            both and compare by loss. None when there are none.
    """

    merges: tuple[Merge, ...]
    texts: tuple[str, ...]
    Z: Floats
    U: Floats
    S: Floats
    loss: float
    exact: bool
    tentative: Merging | None

    def __str__(self) -> str:
        lines = [str(merge) for merge in self.merges] or ["no inputs merge for certain"]
        if self.tentative is not None:
            further = self.tentative.merges[len(self.merges) :]
            lines += [f"perhaps {merge}" for merge in further]
        return "\n".join(lines)
