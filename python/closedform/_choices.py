"""Words that arguments take, for whoever only reads arguments: nothing else is imported."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

# How a target scatters around what it follows (`formulas/noise.py`), and "auto" for a look at it.
Kind: TypeAlias = Literal["absolute", "relative", "log", "mixed", "robust", "counts"]
NoiseKind: TypeAlias = Literal["auto"] | Kind
KINDS: tuple[NoiseKind, ...] = ("auto", *get_args(Kind))
BACKENDS = ("native", "pysr")
Device: TypeAlias = Literal["cpu", "cuda", "auto"]
# What is done with rows that have a missing value.
Missing: TypeAlias = Literal["error", "drop"]
