"""Formulas as torch modules whose constants are parameters, and a model with some neurons replaced.

What a formula computes here is what `Formula` computes, operator by operator; nothing of a text is
evaluated. All of it is made of operations that ONNX has.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.form import Form
from closedform.formulas.formula import Formula

_TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": torch.div,
    "pow": torch.pow,
    "max": torch.maximum,
    "min": torch.minimum,
    ">": lambda a, b: (a > b).to(a.dtype),
}
_ONE: Mapping[str, Callable[[Any], Any]] = {
    "square": lambda a: a * a,
    "cube": lambda a: a * a * a,
    "inv": torch.reciprocal,
    "log10": lambda a: torch.log(a) / float(np.log(10.0)),
} | {
    name: getattr(torch, name)
    for name in "sin cos tan exp log sqrt abs tanh erf atan asin acos sinh cosh sign".split()
}


class FormulaModule(torch.nn.Module):  # type: ignore[misc]
    """(n, d) rows to (n,) values of a formula; `constants`, (k,), are those that are measured."""

    def __init__(self, formula: Formula, dtype: Any) -> None:
        super().__init__()
        self._formula = formula
        self._form = Form.of_numbers(formula._expression, formula.names)
        self._nodes = self._form.expression().nodes
        values = list(self._form.values.values())
        self.constants = torch.nn.Parameter(torch.tensor(values, dtype=dtype))

    def forward(self, x: Any) -> Any:
        inputs = len(self._form.names)
        stack: list[Any] = []
        for name, column, value in self._nodes:
            if name == "variable" and column < inputs:
                stack.append(x[:, column])
            elif name == "variable":
                stack.append(self.constants[column - inputs])
            elif name == "constant":
                stack.append(torch.tensor(value, dtype=x.dtype))
            elif name in _TWO:
                second = stack.pop()
                stack.append(_TWO[name](stack.pop(), second))
            else:
                stack.append(_ONE[name](stack.pop()))
        values = stack.pop()
        return values if values.ndim else values + torch.zeros_like(x[:, 0])

    def formula(self) -> Formula:
        """With the constants as they are now."""
        values = [float(value) for value in self.constants.detach().double()]
        text = self._form.with_values(values).filled().text(list(self._form.names))
        known = self._formula
        return Formula(text, known.names, ranges=known.ranges, labels=known.labels)


class Steps(torch.nn.Module):  # type: ignore[misc]
    """A function of one variable that is linear between knots and constant beyond them."""

    def __init__(self, at: Floats, values: Floats, dtype: Any) -> None:
        super().__init__()
        slopes = np.diff(values) / np.diff(at)
        bends = np.diff(np.concatenate([[0.0], slopes, [0.0]]))
        self.register_buffer("at", torch.tensor(at, dtype=dtype))
        self.bends = torch.nn.Parameter(torch.tensor(bends, dtype=dtype))
        self.first = torch.nn.Parameter(torch.tensor(float(values[0]), dtype=dtype))

    def forward(self, t: Any) -> Any:
        return self.first + (torch.relu(t[:, None] - self.at) * self.bends).sum(dim=1)


class OneOf(torch.nn.Module):  # type: ignore[misc]
    """phi(T(x)), (n, 1): a formula and its link, of one variable."""

    def __init__(self, inner: FormulaModule, link: FormulaModule | Steps) -> None:
        super().__init__()
        self.inner, self.link = inner, link

    def forward(self, x: Any) -> Any:
        t = self.inner(x)
        return (self.link(t) if isinstance(self.link, Steps) else self.link(t[:, None]))[:, None]

    def formulas(self) -> tuple[Formula, ...]:
        return (self.inner.formula(),)


class Polynomials(torch.nn.Module):  # type: ignore[misc]
    """Coordinates as polynomials of formulas' values, (n, m).

    Args:
        inner: k formulas.
        centre, scale: (k,) of their values, which the polynomials are in units of.
        exponents: (p, k) of the terms; coefficients: (p, m).
    """

    def __init__(
        self,
        inner: Sequence[FormulaModule],
        centre: Floats,
        scale: Floats,
        exponents: Sequence[tuple[int, ...]],
        coefficients: Floats,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.inner = torch.nn.ModuleList(inner)
        self.register_buffer("centre", torch.tensor(centre, dtype=dtype))
        self.register_buffer("scale", torch.tensor(scale, dtype=dtype))
        self._exponents = tuple(exponents)
        self.coefficients = torch.nn.Parameter(torch.tensor(coefficients, dtype=dtype))

    def forward(self, x: Any) -> Any:
        values = torch.stack([module(x) for module in self.inner], dim=1)
        values = (values - self.centre) / self.scale
        terms = []
        for exponents in self._exponents:
            term = torch.ones_like(values[:, 0])
            for k, exponent in enumerate(exponents):
                for _ in range(exponent):
                    term = term * values[:, k]
            terms.append(term)
        return torch.stack(terms, dim=1) @ self.coefficients

    def formulas(self) -> tuple[Formula, ...]:
        return tuple(module.formula() for module in self.inner)


class Hybrid(torch.nn.Module):  # type: ignore[misc]
    """A model, some neurons of one layer computed by formulas of its inputs.

    Attributes:
        original: the model as it was given, which this one does not change.
        part: what takes the neurons' place; its parameters, the formulas' constants and the link's,
            are trained with the model's own.
    """

    def __init__(
        self, model: Any, layer: str, indices: Sequence[int], part: OneOf | Polynomials
    ) -> None:
        super().__init__()
        self.__dict__["original"] = model  # no module of this one: it is not trained with it
        self.model = copy.deepcopy(model)
        self.part = part
        self._indices = tuple(indices)
        self.model.get_submodule(layer).register_forward_hook(self._replace)

    def forward(self, x: Any) -> Any:
        self.__dict__["_now"] = self.part(x)
        return self.model(x)

    def formulas(self) -> tuple[Formula, ...]:
        """With their constants as they are now."""
        return self.part.formulas()

    def _replace(self, _module: Any, _inputs: Any, out: Any) -> Any:
        columns = [out[:, j] for j in range(out.shape[1])]
        for k, j in enumerate(self._indices):
            columns[j] = self.__dict__["_now"][:, k]
        return torch.stack(columns, dim=1)

    def accuracy(self, X: object, y: object) -> tuple[float, float]:
        """(before, after): the share of rows whose class the original, and this one, gets right;
        of targets that are no classes, the share of their variance that is explained.

        Args:
            X: (n, d) rows. y: (n,) targets; classes are whole numbers from 0 on, or bool.
        """
        targets = np.asarray(y)
        rows = torch.tensor(np.asarray(X), dtype=next(self.parameters()).dtype)
        if len(rows) != len(targets):
            raise InputError(f"y: has {len(targets)} rows, X has {len(rows)}; give one for each")
        found = []
        for model in (self.original, self):
            mode = model.training
            with torch.no_grad():
                out = model.eval()(rows).double().numpy()
            model.train(mode)
            found.append(_right(out.reshape(len(rows), -1), targets))
        return found[0], found[1]


def _right(out: Floats, y: Any) -> float:
    if y.dtype.kind in "bui":
        if out.shape[1] > 1:
            return float(np.mean(np.argmax(out, axis=1) == y))
        half = 0.5 if out.min() >= 0 and out.max() <= 1 else 0.0  # probabilities, or log-odds
        return float(np.mean((out[:, 0] > half) == y))
    return float(1 - np.mean((out[:, 0] - y) ** 2) / np.var(y))
