"""The rows a neuron is to be interpreted on, as its network takes them, checked."""

from __future__ import annotations

from closedform._choices import Missing
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.neurons.network import Network
from closedform.neurons.unit_gradients import points
from closedform.pipelines.neuron_rows import CHOOSING, MEASURING
from closedform.tables import checks, chunks, cluster
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data

FEWEST_ROWS = 50


def neuron_table(
    net: Network, X: object, weights: object, missing: Missing
) -> tuple[Data, Floats | str | None]:
    """The rows as the network takes them, and their weights.

    Raises:
        InputError: rows that do not fit, too few of them, or a model of one input.
    """
    boundary = isinstance(weights, str) and weights == "boundary"
    dropped = 0
    if missing == "drop" or chunks.is_chunked(X) or cluster.is_distributed(X):
        data, _ = cluster.gathered(X, None, None if boundary else weights, missing=missing)
        X, weights, dropped = data.inputs, weights if boundary else data.weights, data.dropped
    table = points(net, X)
    _check(table)
    found = Data(table, None, None, dropped=dropped)
    if weights is None or isinstance(weights, str):
        return found, weights
    return found, checks.weights(weights, len(table.values))


def _check(table: Matrix) -> None:
    if table.values.shape[1] == 1:
        raise InputError(
            "model: has one input, so its unit gradient says nothing; search its values instead: "
            "cf.search(X, values=cf.network(model).value(X))"
        )
    if len(table.values) < FEWEST_ROWS:
        raise InputError(
            f"X: has too few rows ({len(table.values)}); at least {FEWEST_ROWS} are needed: "
            f"{CHOOSING:.0%} choose the formula and {MEASURING:.0%} measure it"
        )
