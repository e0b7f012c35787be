"""The public names, as type checkers see them."""

from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.info import build_info, get_cmake_dir, get_include
from closedform.neurons.network import Network, network
from closedform.pipelines.discovery import discover
from closedform.pipelines.interpretation import interpret
from closedform.pipelines.results import Discovery, Fidelity, Interpretation
from closedform.searches.api import search
from closedform.sklearn import ClosedFormClassifier, ClosedFormRegressor
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Leaf, Product, Separability, Sum, separability

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

__version__: str
