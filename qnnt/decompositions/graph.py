"""Undirected graphs, as tree decompositions need them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qnnt.architecture import Architecture
from qnnt.dataset import integers
from qnnt.exceptions import InputError

Edges = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Vertices 0…n − 1 and ``edges`` (m, 2), kept sorted, each once and smaller end first.

    Loops are dropped: every bag with the vertex holds them. Raises :class:`InputError` for edges that are no
    (m, 2) integers or name a vertex outside 0…n − 1.
    """

    n: int
    edges: Edges

    def __init__(self, n: int, edges: npt.ArrayLike) -> None:
        pairs = integers("edges", edges).astype(np.int64)
        pairs = pairs.reshape(0, 2) if pairs.size == 0 else pairs
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise InputError("edges", f"shape {pairs.shape} is not (m, 2)")
        outside = ((pairs < 0) | (pairs >= n)).any(axis=1)
        if outside.any():
            i = int(np.argmax(outside))
            raise InputError(f"edges[{i}]", f"{pairs[i].tolist()} leaves the vertices 0..{n - 1}")
        pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
        codes = np.unique(pairs[:, 0] * max(n, 1) + pairs[:, 1])
        pairs = np.column_stack([codes // max(n, 1), codes % max(n, 1)])
        pairs.flags.writeable = False
        object.__setattr__(self, "n", int(n))
        object.__setattr__(self, "edges", pairs)

    @classmethod
    def of(cls, architecture: Architecture, *, inputs: bool = True) -> Graph:
        """The graph under an architecture; vertex v is neuron v, or neuron v + α without the inputs.

        Without inputs there may be vertices of degree 0: neurons of layer 1 in a network without hidden
        layer.
        """
        arcs = architecture.arc_index
        if inputs:
            return cls(architecture.n_neurons, arcs)
        alpha = architecture.alpha
        return cls(architecture.n_neurons - alpha, arcs[arcs[:, 0] >= alpha] - alpha)

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """The neighbours of each vertex, ascending."""
        both = np.concatenate([self.edges, self.edges[:, ::-1]])
        both = both[np.lexsort((both[:, 1], both[:, 0]))]
        starts = np.searchsorted(both[:, 0], np.arange(self.n + 1)).tolist()
        ends = both[:, 1].tolist()
        return [ends[a:b] for a, b in itertools.pairwise(starts)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return self.n == other.n and np.array_equal(self.edges, other.edges)

    __hash__ = None  # type: ignore[assignment]
