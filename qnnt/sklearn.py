"""Exact training as estimators of scikit-learn: a classifier, and the encoder of its inputs.

Needs ``pip install 'qnnt[sklearn]'``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import index
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from qnnt.domain import Domain
from qnnt.exceptions import InputError, require_word
from qnnt.generate.table import columns_instance
from qnnt.goals import AtMost, Goal, as_goal
from qnnt.limits import Limit, Limits, Status
from qnnt.pipeline import solve
from qnnt.tables.columns import MISSING, Column
from qnnt.tables.encoding import TableEncoding, Target
from qnnt.tables.features import Missing, Unseen

if TYPE_CHECKING:
    from qnnt.activation import ActivationLike
    from qnnt.backends.base import Backend

Array = npt.NDArray[Any]


class QuantileEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns columns of numbers, categories and missing values into integers of Z_d.

    Numbers become levels of about equally many rows, categories an input of 0 or 1 each, as in ``qnnt
    generate table``: :mod:`qnnt.tables.features` says exactly how. A column with one value is left out.

    Parameters: ``d`` is the size of the domain, 2 or more. ``missing`` says what becomes of a missing number:
    ``"error"``, ``"impute"`` for the median, or ``"level"`` for a level of its own. ``unseen`` says what
    becomes of a category that was not there when fitting: ``"error"``, or ``"ignore"`` for none of them.

    Attributes: ``encoding_`` is the :class:`~qnnt.tables.encoding.TableEncoding`; ``n_features_in_`` and
    ``feature_names_in_`` are those of scikit-learn. ``fit`` and ``transform`` raise ``ValueError``.
    """

    def __init__(self, d: int = 3, missing: Missing = "error", unseen: Unseen = "error") -> None:
        self.d, self.missing, self.unseen = d, missing, unseen

    def fit(self, X: Any, y: Any = None) -> QuantileEncoder:  # noqa: ARG002 - for pipelines
        """Learn the levels and categories of the columns of X (n, f)."""
        with _value_errors():
            columns = _columns(self, X, reset=True)
            d = _integer("d", self.d)
            if d < 2:
                raise InputError("d", f"must be at least 2, not {d}")
            require_word("treatment of unseen categories", self.unseen, get_args(Unseen))
            self.encoding_ = TableEncoding.fit(columns, Domain(d), missing=self.missing)
        return self

    def transform(self, X: Any) -> Array:
        """The rows of X (n, f) as integers of Z_d, (n, number of names out)."""
        check_is_fitted(self)
        with _value_errors():
            return self.encoding_.inputs(_columns(self, X, reset=False), self.unseen)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Array:
        """Names of the integers: a column's own, ``column=category`` for a category."""
        check_is_fitted(self)
        own = _names(self)
        if input_features is not None and list(input_features) != own:
            raise ValueError(f"input_features must be those of fit: {', '.join(own)}")
        return np.array([n for feature in self.encoding_.features for n in feature.names], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        _read_by_columns(tags, self.missing)
        tags.transformer_tags.preserves_dtype = []
        return tags


class QuantizedReLUClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A quantised neural network, trained to fewest errors with proof, or as far as the time allows.

    The inputs are encoded as :class:`QuantileEncoder` does, with unseen categories as none of them. Two
    classes are one output neuron, k classes are k; a row of the training data is right if all of them are.
    Where the outputs show no single class, the largest pre-activation decides.

    Parameters: ``d`` is the size of the domain of weights, biases and values, ``hidden`` are the sizes of the
    hidden layers, ``errors`` is ``"min"``, ``"at-most:N"``, ``"exactly:N"`` or N for at most N, and
    ``activation`` is as for :class:`qnnt.Instance`. ``time_limit`` is in seconds for one fit (None for no
    limit), and ``backend`` and ``threads`` are as for :func:`qnnt.solve`. ``missing`` is as for the encoder,
    and ``random_state`` gives the seed of a backend that uses one: an integer, or a ``RandomState``, which
    draws it at each fit; None for 0.

    Attributes: ``classes_``; ``network_``, the :class:`qnnt.Network`; ``errors_``, how many rows of the
    training data are wrong, in that all outputs count; ``lower_bound_``, below which no network lies;
    ``optimal_``, whether the two are equal; ``result_`` and ``encoding_``.

    ``fit`` raises ``ValueError`` for data that cannot be used, and if there is no network with so few errors.
    If it ends before that is known, the network that comes nearest to the goal stays, and a
    ``sklearn.exceptions.ConvergenceWarning`` says so.
    """

    def __init__(
        self,
        d: int = 3,
        hidden: Sequence[int] = (4,),
        errors: str | int | Goal = "min",
        activation: ActivationLike = "relu",
        time_limit: float | None = 60,
        backend: str | Backend | Sequence[str | Backend] = "auto",
        missing: Missing = "error",
        threads: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.d, self.hidden, self.errors, self.activation = d, hidden, errors, activation
        self.time_limit, self.backend, self.missing = time_limit, backend, missing
        self.threads, self.random_state = threads, random_state

    def fit(self, X: Any, y: Any) -> QuantizedReLUClassifier:
        """Train on rows X (n, f) of classes y (n,)."""
        with _value_errors():
            columns = _columns(self, X, y, reset=True)
            y = np.ravel(columns.pop())
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise InputError("y", f"has the one class {self.classes_[0]!r}; at least two are needed")
            target = Target(_free("class", columns), _texts(self.classes_))
            columns.append(Column(target.column, target.classes, codes, np.arange(len(y)), "row"))
            said = self.errors
            goal = as_goal(said if isinstance(said, str | Goal) else AtMost(_integer("errors", said)))
            instance, self.encoding_ = columns_instance(
                columns,
                [target],
                _integer("d", self.d),
                _sizes(self.hidden),
                goal,
                self.activation,
                self.missing,
            )
            limits = Limits(
                self.time_limit, threads=_integer("threads", self.threads), seed=_seed(self.random_state)
            )
        self.result_ = solve(instance, backend=self.backend, limits=limits)
        if self.result_.limit is Limit.INTERRUPT:  # so that one Ctrl-C ends a search over many fits, too
            raise KeyboardInterrupt
        if self.result_.network is None:
            known = "" if goal.exact else f": each has {self.result_.lower_bound} errors or more"
            raise ValueError(f"no network meets {goal}{known}")
        if self.result_.status is Status.UNKNOWN and not goal.accepts(self.result_.errors or 0):
            reached = (
                f"the network has {self.result_.errors} errors, and whether one meets {goal} is not known"
            )
            warnings.warn(f"{reached}: {self.result_.reason}", ConvergenceWarning, stacklevel=2)
        self.network_ = self.result_.network
        self.errors_, self.lower_bound_ = self.result_.errors, self.result_.lower_bound
        self.optimal_ = self.errors_ == self.lower_bound_
        return self

    def predict(self, X: Any) -> Array:
        """The classes of rows X (n, f), (n,)."""
        check_is_fitted(self)
        with _value_errors():
            inputs = self.encoding_.inputs(_columns(self, X, reset=False), "ignore")
        values, sums = self.network_.outputs(inputs)
        levels = self.network_.activation.output.levels_of(values)
        return np.asarray(self.classes_[self.encoding_.targets[0].decode(levels, sums)[0]])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        _read_by_columns(tags, self.missing)
        return tags


def _read_by_columns(tags: Any, missing: str) -> None:
    tags.input_tags.allow_nan = missing != "error"
    tags.input_tags.string = tags.input_tags.categorical = True


@contextmanager
def _value_errors() -> Iterator[None]:
    """Raise errors in the input as the ``ValueError`` that scikit-learn promises."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error)) from error


def _integer(name: str, said: Any) -> int:
    """A parameter that has to be an integer of any type, but no truth value."""
    if isinstance(said, bool | np.bool_) or not hasattr(said, "__index__"):
        raise InputError(name, f"must be an integer, not {said!r}")
    return index(said)


def _sizes(hidden: Any) -> list[int]:
    """The sizes of the hidden layers."""
    if isinstance(hidden, str) or not hasattr(hidden, "__iter__"):
        raise InputError("hidden", f"must be a list of integers, not {hidden!r}")
    return [_integer("hidden", size) for size in hidden]


def _seed(random_state: Any) -> int:
    """A seed of the package: an integer as it is, what a generator draws, or 0."""
    if random_state is None:
        return 0
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return _integer("random_state", random_state)


def _columns(estimator: BaseEstimator, X: Any, *y: Any, reset: bool) -> list[Any]:
    """The columns of a table of any kind, checked by scikit-learn, and after them y if it is given."""
    checked = validate_data(
        estimator, X, *y, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=1
    )
    table, *labels = checked if y else (checked,)
    if estimator.missing == "error":
        assert_all_finite(table if table.dtype.kind == "f" else 0, input_name="X")
    return [*(_column(name, table[:, j]) for j, name in enumerate(_names(estimator))), *labels]


def _names(estimator: BaseEstimator) -> list[str]:
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if names is None else list(names)


def _column(name: str, values: Array) -> Column:
    """A column of an array; numbers are written so that they are read as they were."""
    rows = np.arange(len(values))
    if values.dtype.kind in "biuf":
        distinct, codes = np.unique(values, return_inverse=True)
        cells = [repr(value + 0) for value in distinct.tolist()]  # True + 0 is 1
        return Column(name, cells, codes, rows, "row")
    return Column.of(name, ["" if _is_missing(v) else str(v) for v in values.tolist()], rows, "row")


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or pandas' NA, which is not even equal to itself."""
    return value is None or not isinstance(same := value == value, bool | np.bool_) or not same


def _texts(classes: Array) -> tuple[str, ...]:
    """Names of the classes in a file; their numbers, if they cannot be told apart as text."""
    texts = tuple(str(c).strip() for c in classes.tolist())
    plain = len(set(texts)) == len(texts) and MISSING.isdisjoint(texts)
    return texts if plain else tuple(map(str, range(len(texts))))


def _free(name: str, columns: Sequence[Column]) -> str:
    taken = {column.name for column in columns}
    while name in taken:
        name += "_"
    return name
