"""The structure behind a surrogate: which inputs matter, and sums and products of which blocks.

Scores and trees are our own definition: pairwise second derivatives propose trees of sums and
products, and the error of fits restricted to each tree, on rows held out, decides between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from closedform import _core
from closedform._choices import Device
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.figures.canvas import row_of_axes
from closedform.figures.structure import Branch, draw_part, draw_tree
from closedform.surrogates.everywhere import Everywhere
from closedform.surrogates.model import Surrogate
from closedform.tables import cluster, devices, scalars
from closedform.tables.checks import matrix
from closedform.tables.chunks import Data
from closedform.tables.columns import inputs_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 300  # of a line in a picture

Strategy = Literal["per-dimension", "per-block", "global"]
TransformName = Literal["reciprocal", "log", "square", "sqrt", "exp"]


@dataclass(frozen=True)
class Leaf:
    """A function of these inputs (column numbers) that does not split further."""

    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Sum:
    """The sum of its parts, functions of disjoint inputs, and a constant."""

    parts: tuple[Tree, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        return _union(self.parts)


@dataclass(frozen=True)
class Product:
    """The product of its parts, functions of disjoint inputs."""

    parts: tuple[Tree, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        return _union(self.parts)


Tree: TypeAlias = Leaf | Sum | Product


@dataclass(frozen=True)
class Separability:
    """What `separability` found.

    Attributes:
        tree: `Leaf`, `Sum` and `Product` over the active inputs.
        active: per input, whether it has an effect the surrogate can tell from its own error.
        categorical: per input, whether it takes so few values that second derivatives along it
            mean nothing; its scores are NaN and it counts as coupled to every other.
        strategy: "per-dimension" if every leaf has one input, "global" if nothing splits,
            "per-block" otherwise.
        link: where nothing splits, the name of L such that L(u) is a sum of functions of single
            inputs, confirmed by held-out error of that fit taken back to y; otherwise None.
        additive, multiplicative: (d, d) root-mean-square scores, 0 for a perfect sum or product of
            the pair; NaN where the time was over first, (0, 0) for more than 256 inputs.
        additive_median, multiplicative_median: the same by the median.
        effect: (d,) the rms change of u when one input is taken from another row, over
            sqrt(2) std u: the root of its total Sobol index.
        anchor: (d,) the row through which blocks are sliced.
        tried: every tree that was fitted, with its error on held-out rows over the standard
            deviation of y.
        reason: how the tree was decided, in words.
    """

    tree: Tree
    active: tuple[bool, ...]
    categorical: tuple[bool, ...]
    strategy: Strategy
    link: TransformName | None
    additive: Floats
    multiplicative: Floats
    additive_median: Floats
    multiplicative_median: Floats
    effect: Floats
    anchor: Floats
    names: tuple[str, ...]
    tried: tuple[tuple[Tree, float], ...]
    reason: str
    _leaves: dict[tuple[int, ...], _core.TensorSurrogate] = field(repr=False, compare=False)

    @property
    def error(self) -> float:
        """Held-out error of the tree over y's standard deviation; NaN where none was fitted."""
        return dict(self.tried).get(self.tree, float("nan"))

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The tree's leaves, left to right."""
        return tuple(leaves_of(self.tree))

    def leaf_values(self, leaf: Leaf, X: object) -> Floats:
        """The fitted function of one leaf at rows of its own inputs, (n, len(leaf.inputs)) -> (n,).

        Known up to what the tree leaves open: a constant for a part of a sum, a factor for a part
        of a product.
        """
        if leaf.inputs not in self._leaves:
            raise InputError(f"leaf: {leaf} is not one of this tree's leaves")
        return self._leaves[leaf.inputs].value(matrix(X, min_rows=0).values)

    @property
    def template(self) -> str | None:
        """The structure as a search's `template`: f1(x1)*f2(x2) + f3(x3, x4), the link's inverse
        around it; None where nothing splits."""
        if self.link is not None:
            single = Sum(tuple(Leaf((i,)) for i, acts in enumerate(self.active) if acts))
            return _INVERSES[self.link].format(template_of(single, self.names, count(1)))
        if len(self.leaves) == 1:
            return None
        return template_of(self.tree, self.names, count(1))

    def plot(self, kind: Literal["structure", "parts"] = "structure") -> Figure:
        """Draws what the function is made of.

        Args:
            kind: "structure", the tree of sums and products; "parts", the fitted function of every
                leaf that has one input, in pictures side by side.

        Returns:
            A figure of matplotlib.

        Raises:
            InputError: matplotlib is not installed, another kind, no leaf of one input.
        """
        scalars.choice(kind, "kind", ("structure", "parts"))
        draws = [self.draw_tree] if kind == "structure" else self.part_pictures()
        if not draws:
            raise InputError(f'kind: "parts" needs a leaf of one input; there is {self} alone')
        figure, axes = row_of_axes(len(draws))
        for draw, one in zip(draws, axes, strict=True):
            draw(one)
        return figure

    def draw_tree(self, axes: Axes) -> Axes:
        """Draws the tree on axes of matplotlib."""
        return draw_tree(axes, _branch(self.tree, self.names))

    def part_pictures(self) -> list[Callable[[Axes], Axes]]:
        """What draws each leaf of one input on axes of matplotlib."""
        single = [leaf for leaf in self.leaves if len(leaf.inputs) == 1]
        return [partial(self._draw_part, leaf) for leaf in single if leaf.inputs in self._leaves]

    def _draw_part(self, leaf: Leaf, axes: Axes) -> Axes:
        model, (column,) = self._leaves[leaf.inputs], leaf.inputs
        nodes = model.nodes(0)
        few = self.categorical[column]
        x = nodes if few else np.linspace(nodes[0], nodes[-1], POINTS)
        values = model.value(np.ascontiguousarray(x[:, None]))
        return draw_part(axes, x, values, name=self.names[column], steps=few)

    @property
    def scores(self) -> str:
        """The pairs and their scores, as a table."""
        lines = ["pair                     additive           product (rms, median)"]
        for j in range(len(self.additive)):
            for i in range(j):
                numbers = (
                    self.additive[i, j],
                    self.additive_median[i, j],
                    self.multiplicative[i, j],
                    self.multiplicative_median[i, j],
                )
                pair = f"{self.names[i]}, {self.names[j]}"
                lines.append(f"{pair:<24}" + "".join(f" {v:8.1e}" for v in numbers))
        return "\n".join(lines)

    def __str__(self) -> str:
        return describe(self.tree, self.names)


def separability(
    surrogate: Surrogate,
    X: object,
    y: object = None,
    *,
    weights: object = None,
    time: float = 10.0,
    seed: int = 0,
    threads: int | None = None,
    device: Device = "auto",
    client: object = None,
) -> Separability:
    """Finds the sums and products of blocks of inputs a function is made of.

    Args:
        surrogate: fitted to the data.
        X: (n, d) rows, or chunks of them (`chunks.gather`), at which derivatives are taken: the
            data, usually. Scores are taken at a million of them, evenly spaced; of Dask's data
            where they lie, and all else at 200,000.
        y: (n,) the data's target, or the name of a column of a data set. With it, doubtful cases
            are decided by fits of each candidate tree to the data; without, by fits to the
            surrogate's values, against its own held-out error.
        weights: (n,) of the rows.
        time: seconds. What has been found when they are over is the result, and `reason` says so.
        seed: of the choice of held-out rows; give the surrogate's for comparable errors.
        threads: None for all cores; results do not depend on it unless `time` runs out.
        device: "cpu"; "cuda", a GPU, for the pass over all rows, in their precision; or "auto", a
            GPU where one can be used, for 131,072 rows or more. Trees are fitted on the CPU.
        client: of dask.distributed, for Dask's data; default the current one.

    Raises:
        InputError: a ValueError, for rows that do not fit the surrogate.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (300, 2))
        >>> y = np.sin(2 * X[:, 0]) * np.exp(X[:, 1])
        >>> surrogate = cf.Surrogate(modes=2, segments=6, smoothing=0.0).fit(X, y)
        >>> print(cf.separability(surrogate, X, y))
        product(x1, x2)
    """
    devices.checked(device)
    if not isinstance(surrogate, Surrogate):
        raise InputError(f"surrogate: must be a Surrogate, not {type(surrogate).__name__}")
    time, seed = scalars.seconds(time, "time"), scalars.seed(seed)
    data, partitions = cluster.gathered(X, y, weights, client=client)
    everywhere = None
    if partitions is not None and sum(partitions.rows) > len(data.inputs.values):
        everywhere = Everywhere(partitions, monotonic() + time)
    return separated(
        surrogate, data, everywhere, time=time, seed=seed, threads=threads, device=device
    )


def separated(
    surrogate: Surrogate,
    data: Data,
    everywhere: Everywhere | None,
    *,
    time: float,
    seed: int,
    threads: int | None,
    device: Device,
) -> Separability:
    """As `separability`, of rows that have been checked.

    everywhere: all rows, where these are a sample of them.
    """
    count = scalars.thread_count(threads)
    surrogate.core  # noqa: B018  # refuses one that is not fitted
    rows = inputs_of(data.inputs, surrogate.names, surrogate.labels, "the surrogate")
    on_device = devices.on_gpu(device, len(rows))
    found = devices.running(
        lambda: _core.separate(
            surrogate.core,
            rows,
            data.y,
            data.weights,
            discrete=list(surrogate.discrete),
            held_out_error=surrogate.held_out_error,
            segments=surrogate.segments_,
            smoothing=surrogate.smoothing_,
            time=time,
            seed=seed,
            threads=count,
            on_device=on_device,
            pairs=None
            if everywhere is None
            else everywhere.pairs(rows, surrogate.names, surrogate.labels),
        )
    )
    tree = _tree(found["tree"])
    tried = tuple((_tree(t), error) for t, error in found["tried"])
    return Separability(
        tree=tree,
        active=tuple(found["active"]),
        categorical=surrogate.discrete,
        strategy=_strategy(tree),
        link=None if found["link"] == "identity" else found["link"],  # type: ignore[arg-type]
        additive=found["additive_rms"],
        multiplicative=found["product_rms"],
        additive_median=found["additive_median"],
        multiplicative_median=found["product_median"],
        effect=found["effect"],
        anchor=found["anchor"],
        names=surrogate.names,
        tried=tried,
        reason=_reason(tree, tried, surrogate, data.y is not None)
        + _link_reason(found["link"], found["link_error"])
        + ("" if found["complete"] else "; the time was over before all was tried"),
        _leaves={
            tuple(inputs): leaf
            for inputs, leaf in zip(found["leaf_inputs"], found["leaves"], strict=True)
        },
    )


def describe(tree: Tree, names: Sequence[str]) -> str:
    """The tree with the inputs' names: sums with +, products as product(...), leaves as names."""
    if isinstance(tree, Leaf):
        inner = ", ".join(names[i] for i in tree.inputs)
        return inner if len(tree.inputs) == 1 else f"f({inner})"
    parts = [describe(part, names) for part in tree.parts]
    if isinstance(tree, Product):
        return f"product({', '.join(parts)})"
    return f"sum({', '.join(parts)})"


# What takes L(u) back to u.
_INVERSES: dict[TransformName, str] = {
    "reciprocal": "1/({})",
    "log": "exp({})",
    "square": "sqrt({})",
    "sqrt": "({})**2",
    "exp": "log({})",
}


def template_of(tree: Tree, names: Sequence[str], numbers: Iterator[int]) -> str:
    """With an unknown function for every leaf, numbered from left to right."""
    if isinstance(tree, Leaf):
        return f"f{next(numbers)}({', '.join(names[i] for i in tree.inputs)})"
    parts = [template_of(part, names, numbers) for part in tree.parts]
    if isinstance(tree, Sum):
        return " + ".join(parts)
    sums = [isinstance(part, Sum) for part in tree.parts]
    return "*".join(f"({p})" if is_sum else p for p, is_sum in zip(parts, sums, strict=True))


def _branch(tree: Tree, names: Sequence[str]) -> Branch:
    if isinstance(tree, Leaf):
        return describe(tree, names)
    sign = "×" if isinstance(tree, Product) else "+"
    return sign, [_branch(part, names) for part in tree.parts]


def _reason(
    tree: Tree, tried: tuple[tuple[Tree, float], ...], surrogate: Surrogate, with_y: bool
) -> str:
    if isinstance(tree, Leaf) and len(tree.inputs) == 1:
        return "only one input has an effect"
    if not tried:
        return "no pair of inputs is separable by its scores"
    names = surrogate.names
    errors = "; ".join(f"{describe(t, names)} {error:.2g}" for t, error in tried)
    judged = "the data" if with_y else "the surrogate's values"
    return (
        f"fitted to {judged}, error on held-out rows over their spread: {errors}; the surrogate's"
        f" own is {surrogate.held_out_error:.2g}; kept: {describe(tree, names)}"
    )


def _link_reason(link: str, error: float) -> str:
    if error == 0:
        return ""
    if link == "identity":
        return f"; no link makes it additive (the best leaves {error:.2g})"
    return f"; behind the {link} link it is additive, with error {error:.2g}"


def _strategy(tree: Tree) -> Strategy:
    if isinstance(tree, Leaf):
        return "per-dimension" if len(tree.inputs) == 1 else "global"
    single = all(len(leaf.inputs) == 1 for leaf in leaves_of(tree))
    return "per-dimension" if single else "per-block"


def _tree(parts: tuple[str, Any]) -> Tree:
    kind, content = parts
    if kind == "leaf":
        return Leaf(tuple(content))
    inner = tuple(_tree(part) for part in content)
    return Sum(inner) if kind == "sum" else Product(inner)


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """The tree's leaves, left to right."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in tree.parts:
            yield from leaves_of(part)


def _union(parts: tuple[Tree, ...]) -> tuple[int, ...]:
    return tuple(sorted(i for part in parts for i in part.inputs))
