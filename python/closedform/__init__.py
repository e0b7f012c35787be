"""Closed-form expressions from data and from trained neural networks."""

from closedform._core import build_info

__all__ = ["build_info"]
