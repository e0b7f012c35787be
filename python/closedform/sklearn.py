"""scikit-learn estimators over the pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
from joblib import effective_n_jobs
from scipy.sparse import issparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite, check_array, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from closedform._choices import Device, Missing, NoiseKind
from closedform._typing import Floats
from closedform.errors import InputError
from closedform.formulas.grouped import GroupedFormula
from closedform.pipelines.discovery import discover
from closedform.pipelines.log_odds import log_odds
from closedform.searches.api import search
from closedform.searches.progress import Callback
from closedform.searches.settings import OPERATORS, Operators, Start, given_formulas
from closedform.searches.turns import Turns
from closedform.tables import checks, chunks, devices, scalars
from closedform.tables.checks import Matrix
from closedform.tables.chunks import Data
from closedform.tables.groups import Groups

if TYPE_CHECKING:
    from typing_extensions import Self

    from closedform.formulas.formula import Formula
    from closedform.formulas.front import Front
    from closedform.pipelines.results import Discovery
    from closedform.pipelines.verdict import Verdict


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators have. scikit-learn looks after names and numbers of columns, we after
    the values, whose faults we name by row and column."""

    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    random_state: Any
    n_jobs: int | None
    missing: Missing
    start: Start | None
    warm_start: bool

    def _arguments(self) -> dict[str, Any]:
        """What the parameters say, as our own functions call it."""
        given = dict(self.get_params(deep=False))
        state = given.pop("random_state")
        scalars.flag(given.pop("warm_start"), "warm_start")
        if not isinstance(state, (int, np.integer)):
            state = int(check_random_state(state).randint(np.iinfo(np.int32).max))
        jobs = given.pop("n_jobs")
        if jobs is not None:
            jobs = scalars.whole(jobs, "n_jobs", -scalars.MOST_THREADS, scalars.MOST_THREADS)
        if jobs == 0:
            raise InputError("n_jobs: is 0; give a number of threads, or -1 for all cores")
        shown = bool(given.pop("verbose"))
        return {**given, "seed": state, "threads": effective_n_jobs(jobs), "progress": shown}

    def _begun(self, former: Sequence[Front], count: int, names: Sequence[str]) -> list[Any]:
        """What each of so many searches begins with: `start`, and what was found before."""
        if not self.warm_start or len(former) != count or former[0].best.own_names != tuple(names):
            return [self.start] * count
        given = given_formulas(self.start)
        return [[*given, *front] for front in former]

    def _table(self, X: object, y: object) -> tuple[Matrix, object]:
        """X and y to fit to, and what columns there are kept for later."""
        scalars.choice(self.missing, "missing", get_args(Missing))
        y = devices.on_host(y, "y")
        X, y = validate_data(self, X, y, skip_check_array=True)
        return self._matrix(X, 2), y

    def _rows(self, X: object) -> Matrix:
        """X to predict at.

        Raises:
            ValueError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called.
        """
        check_is_fitted(self)
        table = self._matrix(X, 1)
        validate_data(self, X, reset=False, skip_check_array=True)
        return table

    def _matrix(self, X: object, min_rows: int) -> Matrix:
        """`checks.matrix`; of what scikit-learn answers with a TypeError of its own, that one."""
        if issparse(X) or (isinstance(X, np.ndarray) and X.dtype == object):
            check_array(X, dtype="numeric", ensure_all_finite=False, ensure_min_features=0)
        return checks.matrix(X, min_rows=min_rows, allow_nan=self.missing == "drop")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "drop"
        return tags


class ClosedFormRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """`discover` as a scikit-learn regressor, of one target or several.

    Args:
        noise, strategy, operators, complexities, max_size: as in `closedform.discover`, for each
            target.
        backend, options, start, stop_loss, device, callback: likewise.
        groups: as there, the name of a column of the tables fitted and predicted.
        template: as there.
        units, constant_units, limits, constraints: as there; "y" among the units is every target's.
        missing: "error" refuses missing values; "drop" leaves out the rows of a fit that have one,
            and predicts NaN where a formula would need it.
        time, evaluations: of the whole `fit`; several targets share them equally.
        warm_start: whether a fit begins with the formulas of the one before, beside `start`.
        n_jobs: threads, as scikit-learn means it: None for one (or what
            `joblib.parallel_backend` says), -1 for all cores.
        random_state: an int, the `seed` of `discover`; a RandomState draws one; None for another
            one at every fit.
        verbose: whether a terminal or a notebook shows how far it is.

    Attributes:
        formulas_: the formulas found, one a target.
        discoveries_: all that `discover` returned, one a target.
        formula_, front_, verdict_, discovery_: the formula, every formula of its Pareto front, the
            verdict and all of it, where there is one target.
        n_features_in_: number of inputs.
        feature_names_in_: (d,) object array of column names; only after fitting a table whose
            column names are all strings.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> model = cf.ClosedFormRegressor(operators="+ *", evaluations=2000, random_state=0)
        >>> print(model.fit(X, X[:, 0] * X[:, 1]).formula_)
        x1*x2
    """

    discoveries_: list[Discovery]

    def __init__(
        self,
        *,
        noise: NoiseKind = "auto",
        missing: Missing = "error",
        time: float = 60.0,
        evaluations: int | None = None,
        operators: Operators = OPERATORS,
        complexities: Mapping[str, int] | None = None,
        max_size: int = 30,
        groups: str | None = None,
        template: str | None = None,
        units: Mapping[str, str] | None = None,
        constant_units: str | Sequence[str] = "dimensionless",
        limits: Mapping[str, Any] | None = None,
        constraints: Mapping[str, Any] | None = None,
        strategy: str = "auto",
        backend: str = "native",
        options: Mapping[str, Any] | None = None,
        start: Start | None = None,
        stop_loss: float | None = None,
        warm_start: bool = False,
        device: Device = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        callback: Callback | None = None,
        verbose: bool = False,
    ) -> None:
        self.noise = noise
        self.missing = missing
        self.time = time
        self.evaluations = evaluations
        self.operators = operators
        self.complexities = complexities
        self.max_size = max_size
        self.groups = groups
        self.template = template
        self.units = units
        self.constant_units = constant_units
        self.limits = limits
        self.constraints = constraints
        self.strategy = strategy
        self.backend = backend
        self.options = options
        self.start = start
        self.stop_loss = stop_loss
        self.warm_start = warm_start
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.callback = callback
        self.verbose = verbose

    def fit(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        sigma: object = None,
        sigma_X: object = None,
    ) -> Self:
        """Finds a formula for y, or one for each of its columns.

        Args:
            X: (n, d) array or table of float64 or what becomes it, as `discover` takes it.
            y: (n,) real numbers, or (n, targets).
            sample_weight: (n,) non-negative row weights; None for equal ones.
            sigma: standard errors of y, of its shape or (n,) for all targets, instead of `noise`.
            sigma_X: standard errors of the inputs, as `discover` takes them.

        Returns:
            The estimator.

        Raises:
            ValueError, TypeError: an argument cannot be used.
        """
        X, groups = self._grouped(X)
        table, y = self._table(X, y)
        targets = _columns(y)
        given = self._arguments() | {"groups": groups}
        if len(targets) > 1 and "checkpoint" in (self.options or {}):
            raise InputError(f"options: one checkpoint cannot hold {len(targets)} targets' fronts")
        sigma = devices.on_host(sigma, "sigma")
        errors = [sigma] * len(targets)
        if sigma is not None and np.asarray(sigma).ndim == 2:
            errors = list(np.asarray(sigma).T)
        if len(errors) != len(targets):
            raise InputError(f"sigma: has {len(errors)} columns for {len(targets)} of y")
        if sample_weight is not None:
            sample_weight = checks.weights(sample_weight, len(table.values), name="sample_weight")
        turns = Turns(given, len(targets))
        former = [discovery.front for discovery in getattr(self, "discoveries_", ())]
        begun = self._begun(former, len(targets), table.names)
        found = []
        for target, error, start in zip(targets, errors, begun, strict=True):
            told = {**turns.next(), "start": start}
            found.append(
                discover(table, target, weights=sample_weight, sigma=error, sigma_X=sigma_X, **told)
            )
            turns.ended(found[-1].stopped)
        self.discoveries_ = found
        self.formulas_: list[Formula] = [discovery.formula for discovery in found]
        return self

    def predict(self, X: object) -> Floats:
        """Values of the formula.

        Returns:
            (n,) float64, or (n, targets) of several; not finite where a formula is not defined.

        Raises:
            ValueError, TypeError: X cannot be used or has other columns than the table fitted.
            sklearn.exceptions.NotFittedError: `fit` has not been called.
        """
        check_is_fitted(self)
        X, groups = self._grouped(X)
        table = self._rows(X)
        values = [
            formula(table, groups=groups) if isinstance(formula, GroupedFormula) else formula(table)
            for formula in self.formulas_
        ]
        return values[0] if len(values) == 1 else np.column_stack(values)

    def _grouped(self, X: object) -> tuple[object, Groups | None]:
        """The table without the column of the groups, and these."""
        if self.groups is None:
            return X, None
        return Groups.read(X, scalars.text(self.groups, "groups"))

    @property
    def discovery_(self) -> Discovery:
        found: list[Discovery] = getattr(self, "discoveries_", [])
        if len(found) != 1:
            raise AttributeError(f"{len(found)} targets have been fitted; see `discoveries_`")
        return found[0]

    @property
    def formula_(self) -> Formula:
        return self.discovery_.formula

    @property
    def front_(self) -> Front:
        return self.discovery_.front

    @property
    def verdict_(self) -> Verdict:
        return self.discovery_.verdict

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _columns(y: object) -> list[Any]:
    """The targets one by one."""
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        return list(values.T)
    return [column_or_1d(y, warn=True)]


class ClosedFormClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """`search` for labels as a scikit-learn classifier.

    A formula T is searched that is large for the larger label and small for the other (hinge loss);
    of more classes each has one that tells it from all others. The log odds of the class are linear
    in T, their slope and offset fitted to the same rows (Platt 1999); the class is the likeliest.

    Args:
        operators, complexities, max_size, units, constant_units, limits: as in
            `closedform.search`, for each formula.
        backend, options, start, stop_loss, device, callback: likewise.
        missing: "error" refuses missing values; "drop" leaves out the rows of a fit that have one
            among the inputs, and takes the odds of the rows fitted where a formula would need it.
        time, evaluations: of the whole `fit`; several formulas share them equally.
        warm_start, n_jobs, random_state, verbose: as in `ClosedFormRegressor`.

    Attributes:
        classes_: (k,) the labels, in order.
        formulas_, fronts_: T and every formula of its Pareto front: one of two classes, else one
            a class.
        links_: (formulas, 2) slope and offset of the log odds: of two classes the larger label is
            the likelier where T > -offset / slope (for a positive slope).
        formula_, front_: the formula and its front where there is one.
        n_features_in_: number of inputs.
        feature_names_in_: (d,) object array of column names; only after fitting a table whose
            column names are all strings.

    Example:
        >>> import numpy as np
        >>> import closedform as cf
        >>> X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
        >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "different")
        >>> model = cf.ClosedFormClassifier(operators="+ *", evaluations=2000, random_state=0)
        >>> print(model.fit(X, y).predict([[0.5, 0.5], [0.5, -0.5]]))
        ['same' 'different']
    """

    classes_: npt.NDArray[Any]

    def __init__(
        self,
        *,
        missing: Missing = "error",
        time: float = 60.0,
        evaluations: int | None = None,
        operators: Operators = OPERATORS,
        complexities: Mapping[str, int] | None = None,
        max_size: int = 30,
        units: Mapping[str, str] | None = None,
        constant_units: str | Sequence[str] = "dimensionless",
        limits: Mapping[str, Any] | None = None,
        backend: str = "native",
        options: Mapping[str, Any] | None = None,
        start: Start | None = None,
        stop_loss: float | None = None,
        warm_start: bool = False,
        device: Device = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        callback: Callback | None = None,
        verbose: bool = False,
    ) -> None:
        self.missing = missing
        self.time = time
        self.evaluations = evaluations
        self.operators = operators
        self.complexities = complexities
        self.max_size = max_size
        self.units = units
        self.constant_units = constant_units
        self.limits = limits
        self.backend = backend
        self.options = options
        self.start = start
        self.stop_loss = stop_loss
        self.warm_start = warm_start
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.callback = callback
        self.verbose = verbose

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Finds a formula that tells the classes apart, or one for each of more than two.

        Args:
            X: (n, d) array or table, as `search` takes it.
            y: (n,) labels, two different ones at least.
            sample_weight: (n,) non-negative row weights; None for equal ones.

        Returns:
            The estimator.

        Raises:
            ValueError, TypeError: an argument cannot be used.
        """
        table, y = self._table(X, y)
        labels = column_or_1d(y, warn=True)
        weights = None
        if sample_weight is not None:
            weights = checks.weights(sample_weight, len(table.values), name="sample_weight")
        data = chunks.complete(Data(table, None, weights), self.missing)
        table, weights = data.inputs, data.weights
        if data.kept is not None:
            labels = labels[data.kept]
        assert_all_finite(labels, input_name="y")
        classes = LabelEncoder().fit(labels).classes_  # says so where kinds are mixed
        type_of_target(labels, input_name="y", raise_unknown=True)
        check_classification_targets(labels)
        if len(classes) < 2:
            raise InputError(f"y: has {len(classes)} class; give two different labels at least")
        own = classes[1:] if len(classes) == 2 else classes
        given = self._arguments()
        del given["missing"]
        if len(own) > 1 and "checkpoint" in (self.options or {}):
            raise InputError(f"options: one checkpoint cannot hold {len(own)} classes' fronts")
        turns = Turns(given, len(own))
        fronts: list[Front] = []
        links: list[tuple[float, float, float]] = []
        begun = self._begun(getattr(self, "fronts_", ()), len(own), table.names)
        for label, start in zip(own, begun, strict=True):
            signs = np.where(labels == label, 1.0, -1.0)
            told = {**turns.next(), "start": start}
            fronts.append(search(table, labels=signs, weights=weights, **told))
            turns.ended(fronts[-1].stopped)
            links.append(log_odds(fronts[-1].best(table), signs, weights))
        self.classes_, self.fronts_ = classes, fronts
        self.links_: Floats = np.array([link[:2] for link in links])
        self._priors = [link[2] for link in links]
        self.formulas_: list[Formula] = [front.best for front in fronts]
        return self

    def decision_function(self, X: object) -> Floats:
        """Log odds of the classes.

        Returns:
            (n,) float64 of two classes, positive where the class is `classes_[1]`; else
            (n, classes), of each against all others. Where a formula is not defined, those of the
            rows fitted.

        Raises: as `ClosedFormRegressor.predict`.
        """
        table = self._rows(X)
        odds = []
        for formula, link, prior in zip(self.formulas_, self.links_, self._priors, strict=True):
            T = formula(table)
            odds.append(np.where(np.isnan(T), prior, link[0] * T + link[1] if link[0] else link[1]))
        return odds[0] if len(odds) == 1 else np.column_stack(odds)

    def predict_proba(self, X: object) -> Floats:
        """Probabilities of the classes, (n, classes) float64 in the order of `classes_`: logistic
        in the log odds; of more than two classes each one's over their sum.

        Raises: as `decision_function`.
        """
        odds = self.decision_function(X)
        if odds.ndim == 1:
            return np.column_stack([expit(-odds), expit(odds)])
        own = np.maximum(expit(odds), np.finfo(np.float64).tiny)  # none: all the same
        shares: Floats = own / own.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Labels, (n,): the likeliest ones. Raises as `decision_function`."""
        odds = self.decision_function(X)
        at = (odds > 0).astype(np.intp) if odds.ndim == 1 else odds.argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[at]
        return labels

    @property
    def front_(self) -> Front:
        fronts: list[Front] = getattr(self, "fronts_", [])
        if len(fronts) != 1:
            raise AttributeError(f"{len(fronts)} formulas have been found; see `fronts_`")
        return fronts[0]

    @property
    def formula_(self) -> Formula:
        return self.front_.best
