"""Closed-form expressions from data and from trained neural networks."""

from closedform._core import build_info
from closedform.surrogate import Surrogate

__all__ = ["Surrogate", "build_info"]
