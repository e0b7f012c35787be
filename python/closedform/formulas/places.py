"""Constants by their places in an expression: an exponent that a fit takes to a whole number is
structure, and no constant any more (`is_structure` in expression.hpp)."""

from __future__ import annotations

from collections.abc import Sequence

from closedform import _core


def constants_at_places(expression: _core.Expression, fitted: _core.Expression) -> list[float]:
    """What `fitted` has where `expression` has its constants.

    Args:
        fitted: the same structure with other constants, alone or within functions of one operand.
    """
    nodes = fitted.nodes
    return [nodes[place][2] for place in expression.constant_places]


def still_held(
    held: Sequence[bool], expression: _core.Expression, changed: _core.Expression
) -> list[bool]:
    """`held` of those constants of an expression that are some after they have changed."""
    left = set(changed.constant_places)
    places = expression.constant_places
    return [one for one, place in zip(held, places, strict=True) if place in left]
