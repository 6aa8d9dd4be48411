"""A trained network: one weight per arc, one bias per neuron, and its vectorised evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt import formula
from qnnt.activation import ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset, integers, whole_numbers
from qnnt.domain import Domain, IntArray
from qnnt.exceptions import InputError
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.drawing.picture import Picture

_BLOCK = 1 << 22  # products held at once while evaluating


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Network:
    """``weights`` (A,) in the order of ``architecture.arcs``, ``biases`` (H,) of all but the input neurons.

    ``activation`` is given as for an :class:`~qnnt.Instance`. ``encoding`` tells how rows of a table become
    inputs, if it was trained on a table; it does not count when networks are compared. Raises
    :class:`InputError` if a length does not fit, a value is no integer of the domain, or sums could be too
    large to be exact.
    """

    architecture: Architecture
    domain: Domain
    weights: npt.NDArray[np.int64]
    biases: npt.NDArray[np.int64]
    activation: Activations
    encoding: dict[str, Any] | None

    def __init__(
        self,
        architecture: Architecture,
        domain: Domain,
        weights: npt.ArrayLike,
        biases: npt.ArrayLike,
        activation: ActivationLike = "relu",
        encoding: dict[str, Any] | None = None,
    ) -> None:
        architecture.expect_exact(domain)
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "activation", Activations.of(activation, domain))
        object.__setattr__(self, "encoding", encoding)
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
        encoding: dict[str, Any] | None = None,
    ) -> Network:
        """The network whose parameters are ``vector`` (A + H,): all weights, then all biases."""
        a = architecture.n_arcs
        weights, biases = np.asarray(vector[:a]), np.asarray(vector[a:])
        return cls(architecture, domain, weights, biases, activation, encoding)

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

    def __repr__(self) -> str:
        used = f"{self.n_weights:,} of {count(self.architecture.n_arcs, 'weight')} not 0"
        return f"Network({self.domain}, {self.architecture.shape}, {self.activation}, {used})"

    def __str__(self) -> str:
        """Each neuron as a formula; a large network is cut."""
        return formula.text(self.architecture, self.activation, self.weights, self.biases)

    def picture(self, title: str = "") -> Picture:
        """The network drawn: weights by colour and width, grey what has no effect on the outputs."""
        from qnnt.drawing.networks import network_picture

        about = f"{self.domain}, {self.architecture.shape}, {self.activation}"
        title = title or f"Network: {about}, {self.n_weights:,} of {self.architecture.n_arcs:,} weights not 0"
        return network_picture(
            self.architecture, self.domain, self.activation, self.weights, self.biases, title
        )

    def _repr_svg_(self) -> str:
        from qnnt.drawing.svg import svg_text

        return svg_text(self.picture())

    @property
    def n_weights(self) -> int:
        """How many weights are not 0."""
        return int(np.count_nonzero(self.weights))

    def activations(self, inputs: npt.ArrayLike) -> list[npt.NDArray[np.int64]]:
        """Values of every neuron on inputs (n, α): one (n, layer size) array per layer, inputs first.

        Raises :class:`InputError` naming an input that is no integer of the domain; 1.0 is one.
        """
        x = self._inputs(inputs)
        return [x, *(values for _, values in self._layers(x))]

    def outputs(self, inputs: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Outputs on inputs (n, α), and the pre-activations Σ w·a − bias behind them, (n, ω) both.

        Raises as :meth:`activations`.
        """
        x = self._inputs(inputs)
        step = max(1, _BLOCK // max(1, max(len(c.source) for c in self.architecture.connections)))
        blocks = [self._layers(x[i : i + step])[-1] for i in range(0, max(1, len(x)), step)]
        sums, values = (np.concatenate(each) for each in zip(*blocks, strict=True))
        return values, sums

    def predict(self, inputs: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Outputs (n, ω) on inputs (n, α). Raises as :meth:`activations`."""
        return self.outputs(inputs)[0]

    def _inputs(self, inputs: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The inputs as integers of the domain, (n, α)."""
        x = whole_numbers("inputs", inputs)
        if x.ndim != 2 or x.shape[1] != self.architecture.alpha:
            raise InputError("inputs", f"shape {x.shape} is not (n, {self.architecture.alpha})")
        outside = ~self.domain.contains(x)
        if outside.any():
            row, column = np.unravel_index(int(np.argmax(outside)), outside.shape)
            raise InputError(f"inputs[{row}][{column}]", f"value {x[row, column]} is not in {self.domain}")
        return x

    def _layers(self, x: npt.NDArray[np.int64]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Pre-activations and values of each layer after the inputs."""
        found, before = [], x
        connections = self.architecture.connections
        for connection, activation in zip(
            connections, self.activation.each(len(connections) - 1), strict=True
        ):
            weights = self.weights[connection.all_arcs]
            if connection.dense:
                sums = before @ weights.reshape(connection.n_target, connection.n_source).T
            else:
                sums = np.add.reduceat(before[:, connection.source] * weights, connection.starts[:-1], axis=1)
            sums = sums - self.biases[connection.biases]
            before = activation(sums)
            found.append((sums, before))
        return found

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
