"""Closed-form expressions from data and from trained neural networks."""

from closedform._core import build_info
from closedform.separability import Leaf, Product, Separability, Sum, separability
from closedform.surrogate import Surrogate

__all__ = ["Leaf", "Product", "Separability", "Sum", "Surrogate", "build_info", "separability"]
