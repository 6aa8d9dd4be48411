"""A trained dense network of real weights: y = W·x + b and an activation, layer after layer.

The numbers are those of the trained network, in double precision. Models come from arrays, from
scikit-learn's ``MLPClassifier`` and ``MLPRegressor``, from ``.npz`` files (:meth:`DenseModel.save`) and from
ONNX (:func:`qnnt.files.onnx.read_onnx`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError

FloatArray = npt.NDArray[np.floating[Any]]


def _sigmoid(y: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * y)))


def _softmax(y: FloatArray) -> FloatArray:
    powers = np.exp(y - y.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


# "identity" and "relu" are exact in any floating point, the others are not.
ACTIVATIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda y: y,
    "relu": lambda y: np.maximum(y, 0),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}


def activate(name: str, y: FloatArray) -> FloatArray:
    """The activation of pre-activations (N, n), computed in double precision and returned in y's type."""
    return ACTIVATIONS[name](y.astype(np.float64)).astype(y.dtype)


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """``weights`` (n, f) and ``biases`` (n,), finite; ``activation`` is one of :data:`ACTIVATIONS`.

    Raises :class:`InputError` naming what is wrong.
    """

    weights: FloatArray
    biases: FloatArray
    activation: str

    def __post_init__(self) -> None:
        weights, biases = real_numbers("weights", self.weights, 2), real_numbers("biases", self.biases, 1)
        if not weights.size:
            raise InputError("weights", f"a layer has inputs and outputs, not shape {weights.shape}")
        if len(biases) != len(weights):
            raise InputError("biases", f"{len(weights)} neurons have one each, not {len(biases)}")
        if self.activation not in ACTIVATIONS:
            raise InputError("activation", f"{self.activation!r} is none of {', '.join(ACTIVATIONS)}")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "biases", biases)


@dataclass(frozen=True, eq=False)
class DenseModel:
    """Dense layers, each taking what the one before gives; softmax can only be the last activation.

    ``labels`` (k,) are the classes that the k outputs of a classifier stand for; a single sigmoid output
    tells ``labels[0]`` from ``labels[1]``. None for a regressor, or where the classes are not known. Raises
    :class:`InputError` naming the layer.
    """

    layers: tuple[DenseLayer, ...]
    labels: npt.NDArray[Any] | None = field(default=None)

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError("layers", "a model has at least one")
        for i, (before, layer) in enumerate(zip(self.layers, self.layers[1:], strict=False), 1):
            if layer.weights.shape[1] != len(before.weights):
                what = (
                    f"takes {layer.weights.shape[1]} inputs, but the layer before gives {len(before.weights)}"
                )
                raise InputError(f"layers[{i}]", what)
            if before.activation == "softmax":
                raise InputError(f"layers[{i - 1}]", "softmax can only be the last activation")
        outputs = len(self.layers[-1].weights)
        if self.labels is not None:
            labels = _label_vector(self.labels)
            if len(labels) != max(outputs, 2):
                what = f"{outputs} outputs stand for {max(outputs, 2)} classes, not {len(labels)}"
                raise InputError("labels", what)
            object.__setattr__(self, "labels", labels)

    @classmethod
    def from_arrays(
        cls,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike],
        activations: Sequence[str],
        labels: npt.ArrayLike | None = None,
    ) -> DenseModel:
        """A model of one weight matrix (n, f), one bias vector (n,) and one activation for each layer.

        Raises :class:`InputError` naming the layer.
        """
        if not len(weights) == len(biases) == len(activations):
            counts = f"{len(weights)} weight matrices, {len(biases)} biases, {len(activations)} activations"
            raise InputError("layers", f"need as many of each: {counts}")
        layers = []
        for i, (matrix, vector, name) in enumerate(zip(weights, biases, activations, strict=True)):
            try:
                layers.append(DenseLayer(np.asarray(matrix), np.asarray(vector), name))
            except InputError as error:
                raise InputError(f"layers[{i}].{error.place}", error.message) from None
        return cls(tuple(layers), None if labels is None else np.asarray(labels))

    @classmethod
    def from_sklearn(cls, estimator: Any) -> DenseModel:
        """The network of a fitted ``MLPClassifier`` or ``MLPRegressor``.

        Raises :class:`InputError` for an estimator of another kind, an unfitted or a multi-label one.
        """
        names = {
            "identity": "identity",
            "relu": "relu",
            "tanh": "tanh",
            "logistic": "sigmoid",
            "softmax": "softmax",
        }
        kind = type(estimator).__name__
        if not hasattr(estimator, "activation") or not hasattr(estimator, "hidden_layer_sizes"):
            raise InputError(kind, "is neither an MLPClassifier nor an MLPRegressor")
        if not hasattr(estimator, "coefs_"):
            raise InputError(kind, "is not fitted yet")
        hidden = [names[estimator.activation]] * (len(estimator.coefs_) - 1)
        labels = getattr(estimator, "classes_", None)
        last = names[estimator.out_activation_]
        if labels is not None and last == "sigmoid" and len(estimator.intercepts_[-1]) > 1:
            raise InputError(kind, "multi-label classifiers are not supported")
        weights = [matrix.T for matrix in estimator.coefs_]
        return cls.from_arrays(weights, estimator.intercepts_, [*hidden, last], labels)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons in each layer: 784-64-10."""
        return (self.layers[0].weights.shape[1], *(len(layer.weights) for layer in self.layers))

    def preactivations(self, X: npt.ArrayLike) -> FloatArray:
        """What the last layer computes before its activation, (N, n), for inputs (N, f)."""
        values = inputs(X, self.sizes[0])
        for i, layer in enumerate(self.layers):
            values = (activate(self.layers[i - 1].activation, values) if i else values) @ layer.weights.T
            values = values + layer.biases
        return values

    def predict(self, X: npt.ArrayLike) -> FloatArray:
        """The outputs (N, n) for inputs (N, f)."""
        return activate(self.layers[-1].activation, self.preactivations(X))

    def classify(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The class (N,) of each input (N, f); see :func:`classes`."""
        return classes(self.preactivations(X), self.labels)

    def save(self, path: str | Path) -> None:
        """Write a ``.npz`` file that :meth:`load` reads.

        Raises :class:`InputError` if it is named otherwise, ``*.onnx`` too, or cannot be written.
        """
        from qnnt.files.dense_models import write_model

        write_model(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> DenseModel:
        """The model in a ``.npz`` or ``.onnx`` file; raises :class:`InputError` naming the place."""
        from qnnt.files.dense_models import read_model

        return read_model(Path(path))


def _label_vector(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """The labels as a vector of numbers or text; :class:`InputError` if they are none."""
    labels = np.asarray(values)
    if labels.ndim != 1:
        raise InputError("labels", f"must be a vector, one for each output, not of shape {labels.shape}")
    if not labels.dtype.hasobject:
        return labels
    told = labels.tolist()
    try:
        plain = np.array(told)
    except ValueError:  # lists of several lengths
        plain = labels
    if plain.shape != labels.shape or plain.dtype.hasobject or plain.tolist() != told:
        raise InputError("labels", "must be all numbers or all text, not objects of other kinds")
    return plain


def inputs(X: npt.ArrayLike, f: int) -> npt.NDArray[np.float64]:
    """The inputs as (N, f) doubles; :class:`InputError` unless they are finite numbers of that shape."""
    values = real_numbers("inputs", X, 2)
    if values.shape[1] != f:
        raise InputError("inputs", f"have {values.shape[1]} columns, but the model takes {f}")
    return values


def classes(preactivations: FloatArray, labels: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """The class (N,) of the largest of n > 1 pre-activations (N, n), or by the sign of the only one.

    Without ``labels`` the classes are 0, 1, ….
    """
    n = preactivations.shape[1]
    chosen = preactivations.argmax(axis=1) if n > 1 else (preactivations[:, 0] > 0).astype(np.int64)
    return chosen if labels is None else labels[chosen]


class _Network(Protocol):
    """A real or a rounded network, as far as it takes to score it."""

    @property
    def sizes(self) -> tuple[int, ...]: ...

    @property
    def labels(self) -> npt.NDArray[Any] | None: ...

    def predict(self, X: npt.ArrayLike) -> FloatArray: ...

    def classify(self, X: npt.ArrayLike) -> npt.NDArray[Any]: ...


def measure(network: _Network, y: npt.NDArray[Any]) -> str:
    """``"accuracy"`` for a vector of classes, ``"mean squared error"`` for real values."""
    classes = network.labels is not None or (network.sizes[-1] > 1 and y.dtype.kind in "iubUS")
    return "accuracy" if y.ndim == 1 and classes else "mean squared error"


def score(network: _Network, X: npt.ArrayLike, y: npt.NDArray[Any]) -> float:
    """The :func:`measure` of a network on inputs X (N, f) with y (N,) classes, or values (N,) or (N, n).

    Raises :class:`InputError` for labels that do not fit.
    """
    if len(y) != len(np.asarray(X)):
        raise InputError("y", f"has {len(y)} rows, X has {len(np.asarray(X))}")
    if measure(network, y) == "accuracy":
        known = np.arange(network.sizes[-1]) if network.labels is None else network.labels
        if not np.isin(y, known).any():
            raise InputError("y", f"holds none of the classes {', '.join(map(str, known[:10].tolist()))}")
        return float((network.classify(X) == y).mean())
    outputs = network.predict(X).astype(np.float64)
    values = real_numbers("y", y if y.ndim > 1 else y[:, None], 2)
    if values.shape != outputs.shape:
        raise InputError("y", f"of shape {y.shape} does not fit outputs of shape {outputs.shape}")
    return float(((outputs - values) ** 2).mean())


def real_numbers(what: str, values: npt.ArrayLike, dimensions: int) -> npt.NDArray[np.float64]:
    """The values as finite doubles of so many dimensions; raises :class:`InputError` with place ``what``."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(what, f"must be numbers, not {array.dtype}")
    if array.ndim != dimensions:
        shape = "a matrix" if dimensions == 2 else "a vector"
        raise InputError(what, f"must be {shape}, not of shape {array.shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(what, "must be finite, but there are NaN or infinite values")
    return array
