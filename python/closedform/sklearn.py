"""scikit-learn estimators over the pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from closedform._typing import Floats
from closedform.errors import InputError
from closedform.pipelines.discovery import discover
from closedform.searches.api import search
from closedform.searches.settings import Arguments, NoiseKind
from closedform.tables import checks
from closedform.tables.checks import Matrix

if TYPE_CHECKING:
    from typing_extensions import Self

    from closedform.formulas.formula import Formula
    from closedform.formulas.front import Front
    from closedform.pipelines.results import Discovery
    from closedform.pipelines.verdict import Verdict


class _Estimator(Arguments, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators have. scikit-learn looks after names and numbers of columns, we after
    the values, whose faults we name by row and column."""

    formula_: Formula
    front_: Front
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def _table(self, X: object, y: object) -> tuple[Matrix, npt.NDArray[Any]]:
        """X and y to fit to, and what columns there are kept for later."""
        X, y = validate_data(self, X, y, skip_check_array=True)
        return checks.matrix(X), column_or_1d(y, warn=True)

    def _values(self, X: object) -> Floats:
        """The formula's, (n,) float64.

        Raises:
            ValueError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called.
        """
        check_is_fitted(self, "formula_")
        table = checks.matrix(X, min_rows=1)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self.formula_(table)


@dataclass(kw_only=True, eq=False, repr=False)
class ClosedFormRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """`discover` as a scikit-learn regressor.

    The parameters are those of `closedform.discover`.

    Attributes:
        formula_: the formula found.
        front_: every formula of the Pareto front.
        verdict_: whether it is a law, an approximation or none.
        discovery_: all that `discover` returned.
        n_features_in_: number of inputs.
        feature_names_in_: (d,) object array of column names; only after fitting a table whose
            column names are all strings.
    """

    strategy: str = "auto"
    noise: NoiseKind = "auto"

    def fit(self, X: object, y: object, sample_weight: object = None, sigma: object = None) -> Self:
        """Finds a formula for y.

        Args:
            X: (n, d) array or table, as `discover` takes it.
            y: (n,) real numbers.
            sample_weight: (n,) non-negative row weights.
            sigma: (n,) standard errors of y, instead of `noise`.

        Raises:
            ValueError: an argument cannot be used.
        """
        table, target = self._table(X, y)
        discovery = discover(table, target, weights=sample_weight, sigma=sigma, **self.get_params())
        self.discovery_: Discovery = discovery
        self.verdict_: Verdict = discovery.verdict
        self.front_, self.formula_ = discovery.front, discovery.formula
        return self

    def predict(self, X: object) -> Floats:
        """Values of the formula, (n,) float64.

        Raises:
            ValueError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called.
        """
        return self._values(X)


class ClosedFormClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
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
            ValueError, TypeError: an argument cannot be used.
        """
        table, labels = self._table(X, y)
        assert_all_finite(labels, input_name="y")
        classes = LabelEncoder().fit(labels).classes_  # says so where kinds are mixed
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise InputError(
                "y: Only binary classification is supported. The type of the target is "
                f"{kind}. Give two classes, or `search` values"
            )
        front = search(table, labels=labels, weights=sample_weight, **self.get_params())
        self.classes_ = classes
        self.front_, self.formula_ = front, front.best
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
