"""The public names, as type checkers see them."""

from closedform.errors import InputError, OutsideWarning
from closedform.formulas.constants import Constant, Constants
from closedform.formulas.domain import Domain
from closedform.formulas.formula import Formula
from closedform.formulas.front import Front
from closedform.formulas.grouped import GroupedFormula
from closedform.formulas.merging import Merging
from closedform.formulas.scoring import Score, score
from closedform.info import build_info, get_cmake_dir, get_include
from closedform.neurons.network import Network, network
from closedform.neurons.unit_gradients import UnitGradients
from closedform.pipelines.discovery import discover
from closedform.pipelines.held_out import Errors
from closedform.pipelines.hybrid import hybrid
from closedform.pipelines.interpretation import interpret
from closedform.pipelines.latent_space import LatentSpace
from closedform.pipelines.monotone_link import MonotoneLink
from closedform.pipelines.neuron_verdict import Fidelity, NeuronVerdict
from closedform.pipelines.provenance import Provenance
from closedform.pipelines.results import Discovery, Interpretation
from closedform.pipelines.systems import System, discover_system
from closedform.pipelines.verdict import Verdict
from closedform.searches.api import search
from closedform.searches.noise_plan import NoisePlan
from closedform.searches.progress import Progress
from closedform.sklearn import ClosedFormClassifier, ClosedFormRegressor
from closedform.surrogates.model import Surrogate
from closedform.surrogates.separability import Leaf, Product, Separability, Sum, separability
from closedform.surrogates.similarity import Similarity

__all__ = [
    "ClosedFormClassifier",
    "ClosedFormRegressor",
    "Constant",
    "Constants",
    "Discovery",
    "Domain",
    "Errors",
    "Fidelity",
    "Formula",
    "Front",
    "GroupedFormula",
    "InputError",
    "Interpretation",
    "LatentSpace",
    "Leaf",
    "Merging",
    "MonotoneLink",
    "Network",
    "NeuronVerdict",
    "NoisePlan",
    "OutsideWarning",
    "Product",
    "Progress",
    "Provenance",
    "Score",
    "Separability",
    "Similarity",
    "Sum",
    "Surrogate",
    "System",
    "UnitGradients",
    "Verdict",
    "build_info",
    "discover",
    "discover_system",
    "get_cmake_dir",
    "get_include",
    "hybrid",
    "interpret",
    "network",
    "score",
    "search",
    "separability",
]

__version__: str
