"""A trained network: one weight per arc, one bias per neuron, and its vectorised evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qnnt.activation import ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset, integers
from qnnt.domain import Domain, IntArray
from qnnt.exceptions import InputError

_BLOCK = 1 << 22  # products held at once while evaluating


@dataclass(frozen=True, eq=False, init=False)
class Network:
    """``weights`` (A,) in the order of ``architecture.arcs``, ``biases`` (H,) of all but the input neurons.

    ``activation`` is given as for an :class:`~qnnt.Instance`. Raises :class:`InputError` if a length does not
    fit or a value is no integer of the domain.
    """

    architecture: Architecture
    domain: Domain
    weights: npt.NDArray[np.int64]
    biases: npt.NDArray[np.int64]
    activation: Activations

    def __init__(
        self,
        architecture: Architecture,
        domain: Domain,
        weights: npt.ArrayLike,
        biases: npt.ArrayLike,
        activation: ActivationLike = "relu",
    ) -> None:
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "activation", Activations.of(activation, domain))
        for name, given, length in (
            ("weights", weights, architecture.n_arcs),
            ("biases", biases, architecture.n_biases),
        ):
            values = np.array(integers(name, given), dtype=np.int64)
            if values.shape != (length,):
                raise InputError(name, f"{values.shape} does not fit the architecture's ({length},)")
            outside = ~domain.contains(values)
            if outside.any():
                i = int(np.argmax(outside))
                raise InputError(f"{name}[{i}]", f"value {values[i]} is not in {domain}")
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @classmethod
    def from_vector(
        cls,
        architecture: Architecture,
        domain: Domain,
        vector: IntArray,
        activation: ActivationLike = "relu",
    ) -> Network:
        """The network whose parameters are ``vector`` (A + H,): all weights, then all biases."""
        a = architecture.n_arcs
        return cls(architecture, domain, np.asarray(vector[:a]), np.asarray(vector[a:]), activation)

    @property
    def vector(self) -> npt.NDArray[np.int64]:
        """All weights, then all biases, (A + H,)."""
        return np.concatenate([self.weights, self.biases])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return (
            self.architecture == other.architecture
            and self.domain == other.domain
            and self.activation == other.activation
            and np.array_equal(self.vector, other.vector)
        )

    __hash__ = None  # type: ignore[assignment]

    def activations(self, inputs: npt.ArrayLike) -> list[npt.NDArray[np.int64]]:
        """Values of every neuron on inputs (n, α): one (n, layer size) array per layer, inputs first."""
        x = np.asarray(inputs, dtype=np.int64)
        if x.ndim != 2 or x.shape[1] != self.architecture.alpha:
            raise InputError("inputs", f"shape {x.shape} is not (n, {self.architecture.alpha})")
        values = [x]
        connections = self.architecture.connections
        for connection, activation in zip(
            connections, self.activation.each(len(connections) - 1), strict=True
        ):
            weights = self.weights[connection.all_arcs]
            if connection.dense:
                sums = values[-1] @ weights.reshape(connection.n_target, connection.n_source).T
            else:
                sums = np.add.reduceat(
                    values[-1][:, connection.source] * weights, connection.starts[:-1], axis=1
                )
            values.append(activation(sums - self.biases[connection.biases]))
        return values

    def predict(self, inputs: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Outputs (n, ω) on inputs (n, α)."""
        x = np.asarray(inputs)
        step = max(1, _BLOCK // max(1, max(len(c.source) for c in self.architecture.connections)))
        blocks = [self.activations(x[i : i + step])[-1] for i in range(0, max(1, len(x)), step)]
        return np.concatenate(blocks)

    def error(self, dataset: Dataset) -> int:
        """Number of data points, repetitions counted, on which any output differs from the label."""
        if not len(dataset):
            return 0
        wrong = (self.predict(dataset.inputs) != dataset.labels).any(axis=1)
        return int(dataset.counts[wrong].sum())

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network file; raises :class:`InputError` naming the place."""
        from qnnt.files.networks import read_network

        return read_network(Path(path))

    def save(self, path: str | Path) -> None:
        """Write a network file; a name ending in ``.gz`` is compressed."""
        from qnnt.files.networks import write_network

        write_network(self, Path(path))
