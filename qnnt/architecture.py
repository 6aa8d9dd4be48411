"""Network architectures: layered directed acyclic graphs (paper, Section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.sizes import require_room

if TYPE_CHECKING:
    import networkx as nx

Pairs = npt.NDArray[np.int64]

_NAME, _ARC = 64, 16  # bytes that one takes


@dataclass(frozen=True)
class Connection:
    """The arcs that enter one layer, sorted by target.

    ``source`` and ``target`` hold positions *within* the previous and this layer; arc i of the connection
    is arc ``first + i`` of the architecture. ``starts[j]`` is where the arcs of this layer's neuron j begin
    (one more entry than neurons). ``first_bias`` is the number of neuron 0's bias among all biases.
    """

    first: int
    first_bias: int
    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    n_source: int

    @property
    def n_target(self) -> int:
        """Number of neurons in the layer that the arcs enter."""
        return len(self.starts) - 1

    @property
    def dense(self) -> bool:
        """Whether every neuron of the layer is reached from every neuron of the previous one."""
        return len(self.source) == self.n_source * self.n_target

    def sources(self, neuron: int) -> npt.NDArray[np.int64]:
        """Positions, in the previous layer, of the in-neighbours of one neuron, ascending."""
        return self.source[self.starts[neuron] : self.starts[neuron + 1]]

    @property
    def all_arcs(self) -> slice:
        """The arcs that enter the layer, as a slice of the architecture's arcs."""
        return slice(self.first, self.first + len(self.source))

    @property
    def biases(self) -> slice:
        """The biases of the layer, as a slice of all biases."""
        return slice(self.first_bias, self.first_bias + self.n_target)

    def arcs(self, neuron: int) -> slice:
        """The arcs that enter one neuron, as a slice of the architecture's arcs."""
        return slice(self.first + int(self.starts[neuron]), self.first + int(self.starts[neuron + 1]))


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Architecture:
    """A layered DAG G: ``layers`` of neuron names, and arcs from one layer to the next.

    Arcs are given as pairs of names, or as an (A, 2) array of neuron numbers (source, target), counted from 0
    through the layers. ``arc_index`` holds them as numbers, sorted by target, then source, so that two
    architectures with the same arcs are equal. Raises :class:`InputError` naming the place when a name occurs
    twice, an arc skips a layer or names an unknown neuron, a neuron of layer ≥ 1 has no in-arc, or a sink
    lies outside the last layer (Section 2: layer 0 holds the sources, all sinks share one layer).
    """

    layers: tuple[tuple[str, ...], ...]
    arc_index: Pairs

    def __init__(self, layers: Iterable[Sequence[str]], arcs: Iterable[tuple[str, str]] | Pairs) -> None:
        object.__setattr__(self, "layers", tuple(tuple(layer) for layer in layers))
        self._check_names()
        pairs = self._given(arcs) if isinstance(arcs, np.ndarray) else self._numbers(list(arcs))
        self._check_layers(pairs)
        object.__setattr__(self, "arc_index", self._sorted(pairs))
        self._check_degrees(self.arc_index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.layers == other.layers and np.array_equal(self.arc_index, other.arc_index)

    def __repr__(self) -> str:
        return f"Architecture({self.shape}, {'dense' if self.is_dense else f'{self.n_arcs:,} arcs'})"

    def expect_exact(self, domain: Domain) -> None:
        """Raise :class:`InputError` if a sum of products over the domain could be 2^53 or more."""
        largest = max(int(np.diff(c.starts).max()) for c in self.connections)
        if (largest + 1) * domain.hi**2 >= 2**53:
            raise InputError("d", f"sums of {largest} products over {domain} exceed exact arithmetic")

    @property
    def shape(self) -> str:
        """How many neurons each layer has: ``13-3``."""
        return "-".join(str(len(layer)) for layer in self.layers)

    def __hash__(self) -> int:
        return hash((self.layers, self.arc_index.tobytes()))

    def _check_names(self) -> None:
        if len(self.layers) < 2:
            raise InputError("layers", "an architecture has at least an input and an output layer")
        for i, layer in enumerate(self.layers):
            if not layer:
                raise InputError(f"layers[{i}]", "a layer has at least one neuron")
        # Different hashes cost a tenth of the memory of a set of millions of names.
        hashes = np.sort(np.fromiter(map(hash, self.names), np.int64, self.n_neurons))
        if (hashes[1:] != hashes[:-1]).all():
            return
        known: set[str] = set()
        for i, layer in enumerate(self.layers):
            for j, name in enumerate(layer):
                if name in known:
                    raise InputError(f"layers[{i}][{j}]", f"neuron {name!r} is named twice")
                known.add(name)

    def _given(self, arcs: Pairs) -> Pairs:
        if arcs.ndim != 2 or arcs.shape[1] != 2 or not np.issubdtype(arcs.dtype, np.integer):
            raise InputError("arcs", f"must be pairs of integers, not {arcs.dtype} of shape {arcs.shape}")
        wrong = np.flatnonzero(((arcs < 0) | (arcs >= self.n_neurons)).any(axis=1))
        if len(wrong):
            i = wrong[0]
            raise InputError(
                f"arcs[{i}]", f"{arcs[i].tolist()} are not both of the {self.n_neurons:,} neurons"
            )
        return arcs.astype(np.int64, copy=False)

    def _numbers(self, arcs: list[tuple[str, str]]) -> Pairs:
        number = {name: i for i, name in enumerate(self.names)}
        pairs = np.empty((len(arcs), 2), dtype=np.int64)
        try:
            pairs[:, 0] = [number[source] for source, _ in arcs]
            pairs[:, 1] = [number[target] for _, target in arcs]
        except KeyError:
            i, name = next((i, end) for i, arc in enumerate(arcs) for end in arc if end not in number)
            raise InputError(f"arcs[{i}]", f"unknown neuron {name!r}") from None
        return pairs

    def _check_layers(self, pairs: Pairs) -> None:
        layer = np.repeat(np.arange(len(self.layers), dtype=np.int32), list(map(len, self.layers)))
        from_layer, to_layer = layer[pairs].T
        wrong = np.flatnonzero(to_layer != from_layer + 1)
        if len(wrong):
            i = wrong[0]
            raise InputError(
                f"arcs[{i}]",
                f"arc {self._shown(pairs[i])} goes from layer {from_layer[i]} to layer {to_layer[i]}; "
                "arcs go from one layer to the next",
            )

    def _sorted(self, pairs: Pairs) -> Pairs:
        code = pairs[:, 1] * self.n_neurons + pairs[:, 0]
        order = np.argsort(code, kind="stable")
        repeated = np.flatnonzero(np.diff(code[order]) == 0)
        if len(repeated):
            i = order[repeated[0] + 1]
            raise InputError(f"arcs[{i}]", f"arc {self._shown(pairs[i])} is given twice")
        pairs = pairs[order]
        pairs.setflags(write=False)
        return pairs

    def _shown(self, pair: Pairs) -> str:
        (i, source), (j, target) = map(self.position, pair.tolist())
        return f"{self.layers[i][source]!r} → {self.layers[j][target]!r}"

    def _check_degrees(self, pairs: Pairs) -> None:
        n, first_hidden = self.n_neurons, len(self.layers[0])
        no_in = np.flatnonzero(np.bincount(pairs[:, 1], minlength=n)[first_hidden:] == 0)
        if len(no_in):
            layer, j = self.position(first_hidden + int(no_in[0]))
            raise InputError(f"layers[{layer}][{j}]", f"neuron {self.layers[layer][j]!r} has no in-arc")
        last = n - len(self.layers[-1])
        no_out = np.flatnonzero(np.bincount(pairs[:, 0], minlength=n)[:last] == 0)
        if len(no_out):
            layer, j = self.position(int(no_out[0]))
            raise InputError(
                f"layers[{layer}][{j}]",
                f"neuron {self.layers[layer][j]!r} has no out-arc; sinks belong in the last layer",
            )

    @classmethod
    def dense(cls, sizes: Sequence[int]) -> Architecture:
        """Every neuron to every neuron of the next layer: x0…, then h0… (h1_0… if deeper), then y0….

        ``Architecture.dense([4, 3, 2])`` has 4 inputs, one hidden layer of 3 and 2 outputs.
        """
        if len(sizes) < 2 or min(sizes) < 1:
            raise InputError("layers", f"layer sizes must be two or more positive numbers, not {list(sizes)}")
        require_room(_NAME * sum(sizes), "layers", "the names of so many neurons need")
        deep = len(sizes) > 3
        prefixes = ["x", *(f"h{i}_" if deep else "h" for i in range(1, len(sizes) - 1)), "y"]
        return cls.full([f"{p}{j}" for j in range(size)] for p, size in zip(prefixes, sizes, strict=True))

    @classmethod
    def full(cls, layers: Iterable[Sequence[str]]) -> Architecture:
        """Every neuron to every neuron of the next layer, under these names.

        Raises :class:`InputError` if the arcs are more than the cap of :mod:`qnnt.sizes` has room for.
        """
        names = tuple(map(tuple, layers))
        arcs = sum(len(a) * len(b) for a, b in pairwise(names))
        require_room(_ARC * arcs, "layers", "the arcs between so many neurons need")
        ends = np.cumsum([0, *map(len, names)]).tolist()
        numbers = [np.arange(a, b) for a, b in pairwise(ends)]
        pairs = [np.column_stack([np.tile(a, len(b)), np.repeat(b, len(a))]) for a, b in pairwise(numbers)]
        return cls(names, np.vstack(pairs) if pairs else np.empty((0, 2), dtype=np.int64))

    @property
    def names(self) -> Iterator[str]:
        """All neurons, in the order of their numbers."""
        return chain.from_iterable(self.layers)

    @cached_property
    def arcs(self) -> tuple[tuple[str, str], ...]:
        """The arcs as pairs of names, in the order of ``arc_index``."""
        names = list(self.names)
        return tuple((names[a], names[b]) for a, b in self.arc_index.tolist())

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return len(self.arc_index)

    @property
    def n_neurons(self) -> int:
        """Number of neurons, inputs and outputs included."""
        return sum(map(len, self.layers))

    @property
    def n_biases(self) -> int:
        """Number of neurons with a bias: all but the inputs."""
        return self.n_neurons - len(self.layers[0])

    @property
    def n_parameters(self) -> int:
        """Number of integers to be trained: one weight per arc, one bias per neuron that is no input."""
        return self.n_arcs + self.n_biases

    @property
    def alpha(self) -> int:
        """α: the number of inputs."""
        return len(self.layers[0])

    @property
    def omega(self) -> int:
        """ω: the number of outputs."""
        return len(self.layers[-1])

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.layers) - 2

    @property
    def width(self) -> int:
        """The size of the largest hidden layer; 0 without one."""
        return max(map(len, self.layers[1:-1]), default=0)

    @cached_property
    def max_degree(self) -> int:
        """Δ: the largest number of arcs at any neuron, in and out together."""
        return int(np.bincount(self.arc_index.ravel()).max())

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """The arcs into layer 1, 2, … as :class:`Connection`."""
        result = []
        offsets = np.concatenate([[0], np.cumsum([len(layer) for layer in self.layers])])
        for i in range(1, len(self.layers)):
            lo, hi = np.searchsorted(self.arc_index[:, 1], [offsets[i], offsets[i + 1]])
            source = self.arc_index[lo:hi, 0] - offsets[i - 1]
            target = self.arc_index[lo:hi, 1] - offsets[i]
            starts = np.searchsorted(target, np.arange(len(self.layers[i]) + 1))
            first_bias = int(offsets[i] - offsets[1])
            result.append(Connection(int(lo), first_bias, source, target, starts, len(self.layers[i - 1])))
        return tuple(result)

    @cached_property
    def twins(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Interchangeable hidden neurons: classes of equal in- and out-neighbours.

        Each entry is (layer, positions in that layer), with at least two positions, layers ascending.
        """
        result = []
        for layer in range(1, len(self.layers) - 1):
            into, out = self.connections[layer - 1], self.connections[layer]
            by_source = np.argsort(out.source, kind="stable")
            out_starts = np.searchsorted(out.source[by_source], np.arange(out.n_source + 1))
            classes: dict[tuple[bytes, bytes], list[int]] = {}
            for j in range(into.n_target):
                targets = out.target[by_source[out_starts[j] : out_starts[j + 1]]]
                classes.setdefault((into.sources(j).tobytes(), targets.tobytes()), []).append(j)
            result += [(layer, tuple(members)) for members in classes.values() if len(members) > 1]
        return tuple(result)

    @cached_property
    def is_dense(self) -> bool:
        """Whether every layer is fully connected to the next."""
        return all(c.dense for c in self.connections)

    def position(self, neuron: int) -> tuple[int, int]:
        """(layer, position in it) of a global neuron number."""
        for i, layer in enumerate(self.layers):
            if neuron < len(layer):
                return i, neuron
            neuron -= len(layer)
        raise IndexError(neuron)

    def graph(self) -> nx.DiGraph[str]:
        """The DAG as a ``networkx.DiGraph`` with a node attribute ``layer``."""
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        for i, layer in enumerate(self.layers):
            graph.add_nodes_from(layer, layer=i)
        graph.add_edges_from(self.arcs)
        return graph
