"""Finds the Matsuoka-Nakai yield surface in stress states and writes it as Fortran.

    python export.py [--output yield_function.f90]

The states lie on the surface I1 I2 = k I3 of a material with 30 degrees of friction. Found is I3 as
a formula of I1 and I2; written is the yield function of the principal stresses,
F = (formula at I1, I2) - I3, with gradient and Hessian. Inside the surface it is negative.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

import closedform as cf

FRICTION = math.radians(30)
STATES = 500


def surface_states(seed: int) -> np.ndarray:
    """(n, 3) principal stresses on the surface, in kPa, compression positive.

    Two stresses are drawn. I1 I2 = k I3 is a quadratic in the third; its roots are the state's
    largest stress and its smallest.
    """
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(50, 150, (2, STATES))
    k = 9 + 8 * math.tan(FRICTION) ** 2
    # (a + b + c)(ab + (a + b)c) = k abc
    s, p = a + b, a * b
    half = (s * s + p - k * p) / (2 * s)
    root = np.sqrt(np.maximum(half**2 - p, 0))
    c = -half + np.where(rng.random(STATES) < 0.5, root, -root)
    return np.column_stack([a, b, c])[half**2 > p]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("yield_function.f90"))
    options = parser.parse_args()
    a, b, c = surface_states(seed=0).T
    invariants = {"I1": a + b + c, "I2": a * b + b * c + c * a}
    table = np.column_stack(list(invariants.values()))
    found = cf.discover(table, a * b * c, strategy="direct").formula  # ends when it is exact
    print(f"I3 = {found}")

    text = str(found).replace("x1", "(a + b + c)").replace("x2", "(a*b + b*c + c*a)")
    stresses = ("a", "b", "c")
    function = cf.Formula(f"{text} - a*b*c", stresses)
    limits = {
        name: (float(s.min()), float(s.max())) for name, s in zip(stresses, (a, b, c), strict=True)
    }
    code = function.code(
        "fortran", 2, name="yield_function", ranges=limits, units=dict.fromkeys(stresses, "kPa")
    )
    options.output.write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main()
