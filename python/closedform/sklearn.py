"""scikit-learn estimators over the pipelines; scikit-learn itself is not needed to use them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.pipelines.discovery import discover
from closedform.searches.api import search
from closedform.searches.settings import Arguments
from closedform.tables import checks
from closedform.tables.checks import Matrix
from closedform.tables.frames import column_labels

if TYPE_CHECKING:
    from typing_extensions import Self

    from closedform.formulas.formula import Formula
    from closedform.formulas.front import Front
    from closedform.pipelines.results import Discovery


class _Estimator(Arguments):
    """What both estimators have: parameters by name, and columns that have to stay the same."""

    formula_: Formula
    front_: Front
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's parameters by name (`deep` changes nothing: none is an estimator)."""
        return {name: getattr(self, name) for name in _parameters(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Sets parameters of the constructor by name.

        Raises:
            InputError: a name the constructor does not have.
        """
        known = _parameters(type(self))
        for name, value in params.items():
            if name not in known:
                raise InputError(f"{name}: no such parameter; there are {', '.join(known)}")
            setattr(self, name, value)
        return self

    def _remember(self, X: object, table: Matrix, front: Front, formula: Formula) -> None:
        """Keeps what was fitted, and on which columns."""
        self.front_, self.formula_ = front, formula
        self.n_features_in_ = len(table.names)
        labels = column_labels(X)
        if labels is not None and all(isinstance(label, str) for label in labels):
            self.feature_names_in_ = np.array(labels, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _values(self, X: object) -> Floats:
        """The formula's, (n,) float64.

        Raises:
            InputError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called (AttributeError without
                scikit-learn).
        """
        if not hasattr(self, "formula_"):
            raise _not_fitted(f"this {type(self).__name__} is not fitted; call fit first")
        labels = column_labels(X)
        names = getattr(self, "feature_names_in_", None)
        if names is not None and labels is not None and list(labels) != list(names):
            raise InputError(
                "X: The feature names should match those that were passed during fit; "
                f"give the columns {', '.join(map(str, names))} in this order"
            )
        table = checks.matrix(X, min_rows=1)
        if len(table.names) != self.n_features_in_:
            raise InputError(
                f"X has {len(table.names)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return self.formula_(table)

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {k: v for k, v in self.get_params().items() if v is not defaults[k].default}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "formula_")


@dataclass(kw_only=True, eq=False, repr=False)
class ClosedFormRegressor(_Estimator):
    """`discover` as a scikit-learn regressor.

    The parameters are those of `closedform.discover`.

    Attributes:
        formula_: the formula found.
        front_: every formula of the Pareto front.
        discovery_: all that `discover` returned.
        n_features_in_: number of inputs.
        feature_names_in_: (d,) object array of column names; only after fitting a table whose
            column names are all strings.
    """

    strategy: str = "auto"

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Finds a formula for y.

        Args:
            X: (n, d) array or table, as `discover` takes it.
            y: (n,) real numbers.
            sample_weight: (n,) non-negative row weights.

        Raises:
            InputError: an argument cannot be used.
        """
        table = _table(X, y)
        discovery = discover(table, y, weights=sample_weight, **self.get_params())
        self.discovery_: Discovery = discovery
        self._remember(X, table, discovery.front, discovery.formula)
        return self

    def predict(self, X: object) -> Floats:
        """Values of the formula, (n,) float64.

        Raises:
            InputError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called (AttributeError without
                scikit-learn).
        """
        return self._values(X)

    def score(self, X: object, y: object, sample_weight: object = None) -> float:
        """The coefficient of determination R² of `predict(X)`; 1 is perfect."""
        predicted = self.predict(X)
        rows = len(predicted)
        truth = checks.vector(y, rows)
        w = np.ones(rows) if sample_weight is None else checks.weights(sample_weight, rows)
        residual = float(np.sum(w * (truth - predicted) ** 2))
        total = float(np.sum(w * (truth - np.average(truth, weights=w)) ** 2))
        if total == 0:
            return 1.0 if residual == 0 else 0.0
        return 1.0 - residual / total

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(),
        )


class ClosedFormClassifier(_Estimator):
    """`search` for labels as a scikit-learn classifier of two classes.

    A formula T is searched whose sign tells the classes apart (hinge loss): the class is the larger
    label where T > 0. The parameters are those of `closedform.search`.

    Attributes:
        classes_: (2,) the labels, in order.
        formula_: T.
        front_: every formula of the Pareto front.
        n_features_in_: number of inputs.
        feature_names_in_: (d,) object array of column names; only after fitting a table whose
            column names are all strings.
    """

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Finds a formula whose sign is the class.

        Args:
            X: (n, d) array or table, as `search` takes it.
            y: (n,) of two different values.
            sample_weight: (n,) non-negative row weights.

        Raises:
            InputError: an argument cannot be used.
        """
        table = _table(X, y)
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        front = search(
            table, labels=_two_classes(labels), weights=sample_weight, **self.get_params()
        )
        self.classes_ = np.unique(labels)
        self._remember(X, table, front, front.best)
        return self

    def decision_function(self, X: object) -> Floats:
        """T, (n,) float64: positive where the class is `classes_[1]`.

        Raises: as `ClosedFormRegressor.predict`.
        """
        return self._values(X)

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Labels, (n,); where T is not defined, `classes_[0]`. Raises as `decision_function`."""
        above = self._values(X) > 0
        labels: npt.NDArray[Any] = self.classes_[above.astype(np.intp)]
        return labels

    def score(self, X: object, y: object, sample_weight: object = None) -> float:
        """The share of rows, by weight, whose label is `predict(X)`."""
        predicted = self.predict(X)
        weights = None if sample_weight is None else checks.weights(sample_weight, len(predicted))
        return float(np.average(predicted == np.asarray(y), weights=weights))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_class=False),
            input_tags=InputTags(),
        )


def _table(X: object, y: object) -> Matrix:
    """X, where there is a y."""
    if y is None:
        raise InputError("y: requires y to be passed, but the target y is None")
    return checks.matrix(X)


def _two_classes(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The labels, unless there are more than two: said in scikit-learn's words."""
    try:
        several = len(np.unique(labels)) > 2
    except TypeError:  # kinds that cannot be compared: `search` says so
        several = False
    if several:
        fractions = labels.dtype.kind == "f" and np.any(labels != np.round(labels))
        kind = "continuous" if fractions else "multiclass"
        raise InputError(
            "y: Only binary classification is supported. The type of the target is "
            f"{kind}. Give two classes, or `search` values"
        )
    return labels


def _parameters(estimator: type) -> list[str]:
    return list(inspect.signature(estimator).parameters)


def _not_fitted(message: str) -> Exception:
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return AttributeError(message)
    error: Exception = NotFittedError(message)
    return error
