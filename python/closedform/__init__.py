"""Closed-form expressions from data and from trained neural networks."""

from closedform.discover import Discovery, discover
from closedform.estimators import ClosedFormClassifier, ClosedFormRegressor
from closedform.formula import Formula, Front
from closedform.interpret import Fidelity, Interpretation, interpret
from closedform.library import get_cmake_dir, get_include
from closedform.networks import Network, network
from closedform.search import build_info, search
from closedform.separability import Leaf, Product, Separability, Sum, separability
from closedform.surrogate import Surrogate

__all__ = [
    "ClosedFormClassifier",
    "ClosedFormRegressor",
    "Discovery",
    "Fidelity",
    "Formula",
    "Front",
    "Interpretation",
    "Leaf",
    "Network",
    "Product",
    "Separability",
    "Sum",
    "Surrogate",
    "build_info",
    "discover",
    "get_cmake_dir",
    "get_include",
    "interpret",
    "network",
    "search",
    "separability",
]
