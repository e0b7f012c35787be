"""Which columns of a table are the inputs of what is evaluated: found by the user's own labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from closedform._typing import FloatMatrix
from closedform.errors import InputError
from closedform.tables.checks import Matrix


def model_inputs(
    table: Matrix, names: Sequence[str] | None, count: int | None, reader: str
) -> FloatMatrix:
    """`inputs_of` for what may know its inputs' names, their number alone, or neither (None).

    Raises:
        InputError: as `inputs_of`; not as many columns as inputs.
    """
    if names is not None:
        return inputs_of(table, names, None, reader)
    if count is not None and table.values.shape[1] != count:
        raise InputError(f"X: has {table.values.shape[1]} columns; {reader} takes {count}")
    return table.values


def inputs_of(
    table: Matrix, names: Sequence[str], labels: Sequence[str] | None, reader: str
) -> FloatMatrix:
    """The columns that are a formula's, surrogate's or network's inputs, in its order.

    Columns with labels are found by them, wherever they stand; without, as in an array, they are
    taken in the order they have. A category that no row is of (`frames.table_columns`) is 0.

    Args:
        table: checked.
        names: the inputs' names, as formulas write them.
        labels: what the user called them, where that is known; None for the names.
        reader: whose inputs they are, in messages: "the formula".

    Returns:
        (n, len(names)).

    Raises:
        InputError: an input that no column has the label of; not as many columns as inputs where
            they have none.
    """
    if table.labels is None:
        if table.values.shape[1] != len(names):
            raise InputError(
                f"X: has {table.values.shape[1]} columns; "
                f"{reader} takes {len(names)}: {', '.join(names)}"
            )
        return table.values
    wanted = names if labels is None else labels
    at = {name: j for j, name in enumerate(table.names)} if labels is None else {}
    at |= {label: j for j, label in enumerate(table.labels)}
    values = table.values
    for label in wanted:
        if label not in at and _other_category(label, table.labels):
            at[label] = values.shape[1]
            values = np.hstack([values, np.zeros((len(values), 1), values.dtype)])
    if missing := [label for label in wanted if label not in at]:
        raise InputError(
            f"X: has no column {missing[0]!r}, an input of {reader}; give a table with the columns "
            f"{', '.join(map(repr, wanted))}, or an array of them in this order"
        )
    columns = [at[label] for label in wanted]
    if columns == list(range(values.shape[1])):
        return values
    return values.take(columns, axis=1)


def _other_category(label: str, labels: Sequence[str]) -> bool:
    """Whether it is a category of a column that has others in these rows."""
    column, equals, _ = label.partition("=")
    return bool(equals) and any(one.startswith(f"{column}=") for one in labels)
