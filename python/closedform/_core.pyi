from collections.abc import Callable, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

def build_info() -> dict[str, str]: ...

# interruption -------------------------------------------------------------------------------------

def request_interrupt() -> None: ...
def forget_interrupt() -> None: ...
def interrupt_requested() -> bool: ...

# devices ------------------------------------------------------------------------------------------

class DeviceError(RuntimeError): ...

class DeviceMatrix:
    def __init__(
        self, address: int, rows: int, columns: int, single: bool, owner: object
    ) -> None: ...
    @staticmethod
    def from_dlpack(capsule: object) -> DeviceMatrix: ...
    @property
    def address(self) -> int: ...
    @property
    def single(self) -> bool: ...
    @property
    def shape(self) -> tuple[int, int]: ...

class DeviceReport(TypedDict):
    name: str
    compute_capability: str
    memory: int
    multiprocessors: int
    clock: float
    bandwidth: float

def cuda_devices() -> list[DeviceReport]: ...
def cuda_problem() -> tuple[str, bool]: ...
def cuda_matrix_library() -> str: ...
def cuda_release_memory() -> None: ...

# sums of terms -----------------------------------------------------------------------------------

def sums_of_terms(
    X: npt.NDArray[np.floating[Any]],
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    names: Sequence[str],
    operators: Sequence[str],
    max_size: int,
    seconds: float,
    iterations: int,
    threads: int,
    seed: int,
    stop_callback: Callable[[], bool] | None,
) -> list[tuple[str, float]]: ...
def additive_sums(
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    names: Sequence[str],
    operators: Sequence[str],
    fits: int,
    seconds: float,
    seed: int,
) -> list[tuple[str, float]]: ...

# few of many columns ------------------------------------------------------------------------------

def few_terms(
    columns: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    root: npt.NDArray[np.float64],
) -> list[list[tuple[int, float]]]: ...
def exact_sum(
    columns: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> list[tuple[int, float]]: ...
def pair_gains(
    gram: npt.NDArray[np.float64], along: npt.NDArray[np.float64], least: float
) -> npt.NDArray[np.float64]: ...

# networks -----------------------------------------------------------------------------------------

class _Network:
    @property
    def inputs(self) -> int: ...
    @property
    def widths(self) -> list[int]: ...
    def value(
        self,
        x: npt.NDArray[np.floating[Any]] | DeviceMatrix,
        head: str,
        layer: int,
        index: int,
        threads: int = 0,
        on_device: bool = False,
        own_products: bool = False,
    ) -> npt.NDArray[np.float64]: ...
    def gradient(
        self,
        x: npt.NDArray[np.floating[Any]] | DeviceMatrix,
        head: str,
        layer: int,
        index: int,
        threads: int = 0,
        on_device: bool = False,
        own_products: bool = False,
    ) -> npt.NDArray[np.float64]: ...

class NetworkFloat64(_Network):
    def __init__(
        self,
        layers: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], str, float]],
    ) -> None: ...

class NetworkFloat32(_Network):
    def __init__(
        self,
        layers: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], str, float]],
    ) -> None: ...

# surrogate ----------------------------------------------------------------------------------------

class OutsideGrid(ValueError): ...
class FileError(ValueError): ...

def read_surrogate(
    bytes: bytes,
) -> tuple[TensorSurrogate, list[str], list[bool], float, str, int, float]: ...

class TensorSurrogate:
    def __init__(
        self,
        nodes: Sequence[npt.NDArray[np.float64]],
        patches: Sequence[tuple[int, int]],
        factors: Sequence[npt.NDArray[np.float64]],
        offset: float,
        outside: str,
    ) -> None: ...
    @property
    def inputs(self) -> int: ...
    @property
    def modes(self) -> int: ...
    @property
    def offset(self) -> float: ...
    @property
    def outside(self) -> Literal["error", "clamp", "linear"]: ...
    def nodes(self, d: int, /) -> npt.NDArray[np.float64]: ...
    def patch(self, d: int, /) -> tuple[int, int]: ...
    def factor(self, d: int, /) -> npt.NDArray[np.float64]: ...
    def table(
        self, d: int, /
    ) -> tuple[
        npt.NDArray[np.float64],
        npt.NDArray[np.float64],
        npt.NDArray[np.float64],
        npt.NDArray[np.float64],
    ]: ...
    def set_outside(self, name: str, /) -> None: ...
    def value(
        self,
        x: npt.NDArray[np.floating[Any]] | DeviceMatrix,
        threads: int = 0,
        on_device: bool = False,
    ) -> npt.NDArray[np.float64]: ...
    def gradient(
        self,
        x: npt.NDArray[np.floating[Any]] | DeviceMatrix,
        threads: int = 0,
        on_device: bool = False,
    ) -> npt.NDArray[np.float64]: ...
    def hessian(
        self,
        x: npt.NDArray[np.floating[Any]] | DeviceMatrix,
        threads: int = 0,
        on_device: bool = False,
    ) -> npt.NDArray[np.float64]: ...

class SurrogateReport(TypedDict):
    segments: int
    smoothing: float
    held_out_error: float
    held_out_rows: str
    discrete: list[bool]

def fit_surrogate(
    x: npt.NDArray[np.floating[Any]],
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    *,
    modes: int,
    segments: int,
    smoothing: float,
    patch: int,
    degree: int,
    time: float,
    seed: int,
    threads: int,
    on_device: bool = False,
    beyond: Beyond | None = None,
    least_on_device: int | None = None,
    trials: Callable[[Sequence[SurrogateTrial], float], Sequence[FittedTrial | None]] | None = None,
) -> tuple[TensorSurrogate, SurrogateReport]: ...

class SurrogateTrial: ...
class FittedTrial: ...

class TrialRows:
    def __init__(
        self,
        x: npt.NDArray[np.floating[Any]],
        y: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None,
        *,
        modes: int,
        patch: int,
        degree: int,
        seed: int,
        low: Sequence[float],
        high: Sequence[float],
    ) -> None: ...
    def fit(self, trial: SurrogateTrial, seconds: float) -> FittedTrial: ...

# sums over the partitions of a cluster ------------------------------------------------------------

class Beyond:
    def __init__(
        self,
        ask: Callable[[TensorSurrogate], tuple[Sequence[npt.NDArray[np.float64]], float] | None],
        weight: float,
        low: Sequence[float],
        high: Sequence[float],
    ) -> None: ...

class PairTotals:
    def __iadd__(self, other: PairTotals) -> PairTotals: ...

def error_slopes(
    model: TensorSurrogate,
    x: npt.NDArray[np.floating[Any]],
    y: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    *,
    threads: int,
) -> tuple[list[npt.NDArray[np.float64]], float]: ...
def pair_totals(
    model: TensorSurrogate,
    x: npt.NDArray[np.floating[Any]],
    *,
    offset: float,
    most_rows: int,
    threads: int,
) -> PairTotals: ...

# separability -------------------------------------------------------------------------------------

class PairScores(TypedDict):
    additive_median: npt.NDArray[np.float64]
    additive_rms: npt.NDArray[np.float64]
    product_median: npt.NDArray[np.float64]
    product_rms: npt.NDArray[np.float64]

class SeparationReport(PairScores):
    effect: npt.NDArray[np.float64]
    active: list[bool]
    anchor: npt.NDArray[np.float64]
    tree: tuple[str, Any]
    tried: list[tuple[tuple[str, Any], float]]
    link: str
    link_error: float
    complete: bool
    leaves: list[TensorSurrogate]
    leaf_inputs: list[list[int]]

def pair_scores(
    model: TensorSurrogate,
    x: npt.NDArray[np.floating[Any]],
    *,
    discrete: list[bool],
    threads: int,
    on_device: bool = False,
) -> PairScores: ...
def separate(
    model: TensorSurrogate,
    x: npt.NDArray[np.floating[Any]],
    y: npt.NDArray[np.float64] | None,
    weights: npt.NDArray[np.float64] | None,
    *,
    discrete: list[bool],
    held_out_error: float,
    segments: int,
    smoothing: float,
    time: float,
    seed: int,
    threads: int,
    on_device: bool = False,
    pairs: Callable[[TensorSurrogate, float], PairTotals] | None = None,
) -> SeparationReport: ...

# symmetries ---------------------------------------------------------------------------------------

class MergingReport(TypedDict):
    merges: list[
        tuple[
            Literal["unused", "linear", "product", "radius", "mixed"],
            str,
            tuple[str, ...],
            float,
            float,
            float,
        ]
    ]
    texts: list[str]
    Z: npt.NDArray[np.float64]
    U: npt.NDArray[np.float64]
    S: npt.NDArray[np.float64]
    loss: float
    exact: bool

def find_symmetries(
    X: npt.NDArray[np.float64],
    U: npt.NDArray[np.float64],
    scales: npt.NDArray[np.float64] | None,
    weights: npt.NDArray[np.float64] | None,
    names: Sequence[str],
    operators: Sequence[str],
    seed: int,
    seconds: float,
) -> tuple[MergingReport, MergingReport | None]: ...
def separable_blocks(
    Z: npt.NDArray[np.float64],
    U: npt.NDArray[np.float64],
    S: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    seconds: float,
) -> list[tuple[int, int, float]]: ...

# operators ----------------------------------------------------------------------------------------

class Operator:
    """See cpp/include/closedform/expression/operator_table.hpp."""

    @property
    def name(self) -> str: ...
    @property
    def operands(self) -> int: ...
    @property
    def power(self) -> int: ...
    @property
    def periodic(self) -> bool: ...
    @property
    def values_only(self) -> bool: ...
    @property
    def cost(self) -> int: ...
    @property
    def slopes(self) -> list[str]: ...
    @property
    def sympy(self) -> str: ...
    @property
    def c(self) -> str: ...
    @property
    def fortran(self) -> str: ...
    @property
    def julia(self) -> str: ...
    @property
    def julia_guard(self) -> str: ...
    @property
    def arrays(self) -> str: ...
    def value(self, operands: Sequence[float], /) -> float: ...

OPERATORS: dict[str, Operator]

# expressions and search ---------------------------------------------------------------------------

class Vocabulary:
    """See cpp/include/closedform/expression/vocabulary.hpp."""

    def __init__(self) -> None: ...
    def define(self, name: str, text: str, operands: Sequence[str]) -> None: ...
    def count(self, name: str, counts: int) -> None: ...
    def count_input(self, column: int, counts: int) -> None: ...

class Expression:
    def __init__(self, text: str, names: Sequence[str]) -> None: ...
    def written_out(self) -> Expression: ...
    def text(self, names: Sequence[str], /) -> str: ...
    @property
    def complexity(self) -> int: ...
    @property
    def inputs_needed(self) -> int: ...
    @property
    def operators(self) -> list[str]: ...
    @property
    def nodes(self) -> list[tuple[str, int, float]]: ...
    @property
    def begins(self) -> list[int]: ...
    @property
    def constants(self) -> list[float]: ...
    @property
    def constant_places(self) -> list[int]: ...
    @property
    def exponents(self) -> list[float]: ...
    def simplified(self, operators: Sequence[str]) -> Expression: ...
    def refit(
        self,
        X: npt.NDArray[np.float64],
        y: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None = None,
        snap_within: float = -1.0,
        floor: float = 0.0,
        seconds: float = ...,
        fixed: Sequence[bool] = ...,
    ) -> tuple[Expression, float]: ...
    def evaluate(
        self, X: npt.NDArray[np.float64] | npt.NDArray[np.float32], threads: int = 0
    ) -> npt.NDArray[np.float64]: ...
    def gradient(
        self, X: npt.NDArray[np.float64] | npt.NDArray[np.float32], threads: int = 0
    ) -> npt.NDArray[np.float64]: ...
    def hessian(
        self, X: npt.NDArray[np.float64] | npt.NDArray[np.float32], threads: int = 0
    ) -> npt.NDArray[np.float64]: ...
    def rearranged(self, operators: Sequence[str]) -> list[Expression]: ...
    def exponential(self, operators: Sequence[str], tolerance: float) -> Expression | None: ...
    def constant_slopes(
        self, X: npt.NDArray[np.float64] | npt.NDArray[np.float32], threads: int = 0
    ) -> npt.NDArray[np.float64]: ...
    def node_values(
        self, X: npt.NDArray[np.float64], nodes: Sequence[int], threads: int = 0
    ) -> npt.NDArray[np.float64]: ...
    def part(self, node: int) -> Expression: ...
    def with_constants(self, constants: Sequence[float]) -> Expression: ...
    def determined_by(self, rows: int) -> bool: ...
    def interval(
        self, low: Sequence[float], high: Sequence[float]
    ) -> tuple[float, float, bool]: ...
    def interval_gradient(
        self, low: Sequence[float], high: Sequence[float]
    ) -> list[tuple[float, float, bool]]: ...

class FormulaRules:
    """See cpp/include/closedform/search/formula_rules.hpp."""

    most_depth: int
    most_constants: int
    def __init__(self, names: Sequence[str]) -> None: ...
    def set_units(
        self,
        inputs: Sequence[Sequence[float]],
        target: Sequence[float] | None,
        constants: Sequence[Sequence[float]],
    ) -> None: ...
    def limit_nesting(self, outer: str, inner: str, most: int, /) -> None: ...
    def limit_operands(self, name: str, left: int, right: int, /) -> None: ...
    def forbid(self, name: str, input: int, /) -> None: ...
    def shape(
        self, of: str, input: int, low: float, high: float, points: npt.NDArray[np.float64]
    ) -> None: ...
    def allow(self, text: str, names: Sequence[str], /) -> bool: ...
    def allow_parts(self, template: Template, parts: Sequence[str], /) -> bool: ...
    def units_of_constants(self, text: str, names: Sequence[str]) -> list[list[float]] | None: ...

class SearchReport(TypedDict):
    front: list[tuple[str, float]]
    rivals: list[tuple[str, float]]
    parts: NotRequired[list[list[str]]]  # with a template
    rival_parts: NotRequired[list[list[str]]]
    reason: str
    evaluations: int
    node_evaluations: int
    seconds: float
    evolving: float
    epochs: list[list[float]]

class Template:
    """See cpp/include/closedform/expression/template.hpp."""

    def __init__(self, text: str, names: Sequence[str]) -> None: ...
    @property
    def unknowns(self) -> list[tuple[str, int]]: ...
    def arguments(self, names: Sequence[str]) -> list[list[str]]: ...
    def constants(self, parts: Sequence[str]) -> list[float]: ...
    def text(self, parts: Sequence[str], names: Sequence[str]) -> str: ...
    def refit(
        self,
        parts: Sequence[str],
        constants: Sequence[float],
        X: npt.NDArray[np.float64],
        y: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None = None,
    ) -> tuple[list[float], float]: ...

class Goal:
    """What a search is after; keeps its arrays alive."""

    @staticmethod
    def values(
        values: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> Goal: ...
    @staticmethod
    def gradients(
        directions: npt.NDArray[np.float64],
        scales: npt.NDArray[np.float64] | None,
        weights: npt.NDArray[np.float64] | None,
        signed: bool,
        axes: bool = False,
        framed: bool = False,
    ) -> Goal: ...
    @staticmethod
    def labels(
        labels: npt.NDArray[np.float64], weights: npt.NDArray[np.float64] | None
    ) -> Goal: ...
    def losses(
        self,
        texts: Sequence[str],
        names: Sequence[str],
        X: npt.NDArray[np.float64] | npt.NDArray[np.float32],
        threads: int = 0,
    ) -> list[float]: ...
    def losses_on_device(
        self,
        texts: Sequence[str],
        names: Sequence[str],
        X: npt.NDArray[np.float64] | npt.NDArray[np.float32],
        rough: bool = False,
    ) -> list[float]: ...
    def normal_equations(
        self,
        texts: Sequence[str],
        names: Sequence[str],
        X: npt.NDArray[np.float64],
        threads: int = 0,
        on_device: bool = False,
    ) -> list[tuple[float, list[float], list[float]]]: ...
    def loss(
        self,
        text: str,
        names: Sequence[str],
        X: npt.NDArray[np.float64] | npt.NDArray[np.float32],
        threads: int = 0,
    ) -> float: ...

def search(
    X: npt.NDArray[np.float64] | npt.NDArray[np.float32],
    goal: Goal,
    names: Sequence[str],
    operators: Sequence[str],
    max_size: int,
    seconds: float,
    evaluations: int,
    threads: int,
    seed: int,
    start: Sequence[Sequence[str]],
    callback: Callable[[float, int, list[tuple[str, float]]], bool] | None,
    good_enough: float,
    on_device: bool = False,
    rules: FormulaRules | None = None,
    resume: bytes = b"",
    keep: Callable[[bytes], None] | None = None,
    template: Template | None = None,
) -> SearchReport: ...
