"""A formula's text for people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from closedform import _core
from closedform.formulas.constants import Constants
from closedform.formulas.form import MARK

# What a formula's own text has, for it is read back as it was: a sum with a negative number, and
# a number one that is a factor.
SIGNS = {" + -": " - ", " - -": " + "}
ONE = re.compile(r"((?:^|\(|, | [+-] )-?)1\*(?!\*)")


def readable_text(expression: _core.Expression, names: Sequence[str], constants: Constants) -> str:
    """The formula with its constants as they are told, and signs as people write them."""
    marks = [MARK + k for k in range(len(constants))]
    signed = [
        math.copysign(mark, constant.value) for mark, constant in zip(marks, constants, strict=True)
    ]
    text = expression.with_constants(signed).text(list(names))
    for mark, constant in zip(marks, constants, strict=True):
        text = text.replace(f"{mark:.0f}", constant.size)
    for double, single in SIGNS.items():
        text = text.replace(double, single)
    return ONE.sub(r"\1", text)
