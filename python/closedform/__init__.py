"""Closed-form expressions from data and from trained neural networks."""

from closedform.formula import Formula, Front
from closedform.search import build_info, search

__all__ = ["Formula", "Front", "build_info", "search"]
