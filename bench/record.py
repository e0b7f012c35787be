"""What a benchmark is, and what it reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Value = int | float | str


@dataclass(frozen=True)
class Target:
    """What must hold of a record.

    Attributes:
        quantity: "ours", "ratio" or "floor", a field or property of the record.
        bound: the least it may be.
        most: the bound is the most it may be.
    """

    quantity: Literal["ours", "ratio", "floor"]
    bound: float
    most: bool = False

    def __str__(self) -> str:
        unit = {"ours": "", "ratio": "x", "floor": " of the floor"}[self.quantity]
        return f"{'<=' if self.most else '>='} {self.bound:g}{unit}"


@dataclass(frozen=True)
class Record:
    """One measured comparison.

    Attributes:
        name: of the benchmark.
        parameters: it was run with.
        answer: what was asserted, or found, before anything was timed.
        ours: seconds, or the quantity that `unit` names.
        unit: "s" where `ours` and `theirs` are times.
        peer: whom `theirs` belongs to; where it could not be run, why.
        theirs: the peer's; None where it could not be run.
        beyond: the peer had not got there when its time was over, `theirs` is a lower bound.
        floor: share of the machine's measured best that we reach, 1 at the floor; None if unknown.
        targets: what must hold.
        note: anything else measured.
        again: our work, to be profiled if a target is missed; not kept.
        profile: the dearest functions where a target was missed.
        summary: whether it counts up other records of its benchmark.
    """

    name: str
    parameters: Mapping[str, Value]
    answer: str
    ours: float
    unit: str = "s"
    peer: str = ""
    theirs: float | None = None
    beyond: bool = False
    floor: float | None = None
    targets: tuple[Target, ...] = ()
    note: str = ""
    again: Callable[[], object] | None = field(default=None, compare=False)
    profile: str = ""
    summary: bool = False

    @property
    def ratio(self) -> float | None:
        """The peer's time over ours."""
        if self.unit != "s" or self.theirs is None or not self.ours > 0:
            return None
        nobody = self.beyond and math.isinf(self.ours)
        return None if nobody else self.theirs / self.ours

    @property
    def verdict(self) -> str:
        """What the targets say: "pass", "miss", or nothing where one could not be judged."""
        met = [self._meets(target) for target in self.targets]
        if False in met:
            return "miss"
        return "pass" if met and None not in met else ""

    def _meets(self, target: Target) -> bool | None:
        value = getattr(self, target.quantity)
        if value is None:
            return None
        met: bool = value <= target.bound if target.most else value >= target.bound
        # A peer that had not got there in its time might have needed longer.
        unknown = self.beyond and target.quantity == "ratio" and math.isfinite(self.ours)
        return None if not met and unknown else met

    def plain(self) -> dict[str, Any]:
        """For a JSON file."""
        entry = asdict(replace(self, again=None))
        del entry["again"]
        return entry

    @classmethod
    def from_plain(cls, entry: Mapping[str, Any]) -> Record:
        targets = tuple(Target(**target) for target in entry["targets"])
        return cls(**{**entry, "targets": targets})

    def line(self) -> str:
        """One line, and one more for a profile."""
        what = " ".join(f"{key}={value}" for key, value in self.parameters.items())
        parts = [
            f"{self.name} {what}".strip(),
            self.answer,
            f"ours {quantity(self.ours)} {self.unit}",
        ]
        if self.theirs is not None:
            more = "more than " if self.beyond else ""
            parts.append(f"{self.peer} {more}{quantity(self.theirs)} {self.unit}")
        elif self.peer:
            parts.append(self.peer)
        if self.ratio is not None:
            parts.append(f"ratio {'> ' if self.beyond else ''}{self.ratio:.3g}")
        if self.floor is not None:
            parts.append(f"{self.floor:.0%} of the floor")
        if self.note:
            parts.append(self.note)
        if self.targets:
            asked = " and ".join(map(str, self.targets))
            parts.append(f"{asked}: {self.verdict.upper() or 'not measured'}")
        return "; ".join(parts) + (f"\n    profile: {self.profile}" if self.profile else "")


def quantity(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


@dataclass(frozen=True)
class Benchmark:
    """A name, the function that measures, and the values of its parameters.

    Attributes:
        name: "group.what".
        run: called with every parameter, threads and seed as keywords; gives records.
        parameters: values of each; every combination is run.
        quick: those that are fewer or smaller with --quick.
        summary: records of counts and totals, from all of a run's.
    """

    name: str
    run: Callable[..., list[Record]]
    parameters: Mapping[str, tuple[Value, ...]]
    quick: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    summary: Callable[[Sequence[Record]], list[Record]] | None = None

    @property
    def group(self) -> str:
        return self.name.split(".")[0]
