"""The parameters of an instance that the paper's theorems speak of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qnnt.activation import relu
from qnnt.architecture import Architecture
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.layers import largest_layer_bag
from qnnt.decompositions.search import decompose, largest_bag
from qnnt.instance import Instance

_SEARCHED = 100_000  # arcs up to which narrow decompositions are searched for
_MOST = 256  # vertices in a bag at which elimination gives up on a larger graph


@dataclass(frozen=True)
class Treewidth:
    """``lower`` ≤ treewidth ≤ ``upper``; a decomposition of width ``upper`` was found.

    ``bag`` and ``bag_arcs`` are the numbers of vertices and of arcs in one of its largest bags.
    """

    lower: int
    upper: int
    bag: int
    bag_arcs: int

    def __str__(self) -> str:
        return f"{self.upper}" if self.lower == self.upper else f"{self.lower} to {self.upper}"


@dataclass(frozen=True)
class Parameters:
    """Names are the paper's: α, ω, d, ℓ (None if it is to be found), |D|, width, depth, Δ, treewidth.

    The paper asks for at most ℓ errors. If the goal is to have exactly so many, this is at most so many, too.

    ``is_relu`` says whether every neuron computes ReLU_d, as in the paper. ``distinct_inputs`` is p and
    ``pairs`` the number of distinct input-output pairs that a network can learn. ``treewidth`` is that of the
    graph with the inputs, ``treewidth_without_inputs`` of the rest.
    """

    activation: str
    is_relu: bool
    alpha: int
    omega: int
    d: int
    ell: int | None
    points: int
    distinct_inputs: int
    pairs: int
    guesses_log10: float
    unavoidable: int
    width: int
    depth: int
    max_degree: int
    max_in_degree: int
    max_out_degree: int
    treewidth: Treewidth
    treewidth_without_inputs: Treewidth

    @property
    def log10_in_degree(self) -> float:
        """log10 of the in-degree that Lemma 3 must allow.

        It is Lemma 1's bound, which holds for ReLU_d alone, or all in-arcs if those are fewer.
        """
        every = math.log10(self.max_in_degree)
        if not self.is_relu:
            return every
        p = self.distinct_inputs
        power = math.log(2) + p * math.log(2 * self.d**2 * p + 1)
        return min(every, float(np.logaddexp(power, 0.0)) / math.log(10))

    @property
    def log10_table(self) -> float:
        """log10 of Lemma 3's bound on the table of a bag, d^(b + m)·(2·d²·Δ)^(2·p·b).

        b vertices and m arcs are those of the bag at hand; Δ is :attr:`log10_in_degree`.
        """
        b, m = self.treewidth.bag, self.treewidth.bag_arcs
        sums = math.log10(2 * self.d**2) + self.log10_in_degree
        return (b + m) * math.log10(self.d) + 2 * self.distinct_inputs * b * sums

    def as_dict(self) -> dict[str, Any]:
        """The parameters as JSON can hold them."""
        return {**asdict(self), "log10_table": self.log10_table}


def parameters(instance: Instance) -> Parameters:
    """The parameters of an instance; the treewidth takes up to seconds for thousands of neurons."""
    architecture, choices = instance.architecture, instance.choices
    degrees = [np.bincount(column) for column in architecture.arc_index.T]
    labels = np.bincount(choices.of, minlength=len(choices.inputs))
    return Parameters(
        activation=str(instance.activation),
        is_relu=all(activation == relu(instance.domain) for activation in instance.activations),
        alpha=architecture.alpha,
        omega=architecture.omega,
        d=instance.domain.d,
        ell=instance.goal.budget,
        points=instance.dataset.total,
        distinct_inputs=len(choices.inputs),
        pairs=len(choices.of),
        # An input is taught one of its labels or none.
        guesses_log10=float(np.log10(labels + 1).sum()),
        unavoidable=choices.unavoidable,
        width=architecture.width,
        depth=architecture.depth,
        max_degree=architecture.max_degree,
        max_in_degree=int(degrees[1].max()),
        max_out_degree=int(degrees[0].max()),
        treewidth=treewidth(architecture),
        treewidth_without_inputs=treewidth(architecture, inputs=False),
    )


def treewidth(architecture: Architecture, *, inputs: bool = True) -> Treewidth:
    """Bounds on the treewidth of the graph under an architecture, with or without its inputs.

    Above: the narrower of Observation 1's decomposition and what :func:`decompose` finds, or elimination by
    least degree in a graph of more than 100,000 arcs. Below: the graph's degeneracy.
    """
    graph = Graph.of(architecture, inputs=inputs)
    bag = set(largest_layer_bag(architecture, inputs=inputs))
    lower = _degeneracy(graph)
    if len(bag) - 1 > lower:
        small = len(graph.edges) <= _SEARCHED
        found = set(decompose(graph).largest) if small else largest_bag(graph, _MOST)
        bag = found if len(found) < len(bag) else bag
    arcs = sum(u in bag for v in bag for u in graph.neighbours[v]) // 2
    return Treewidth(lower, len(bag) - 1, len(bag), arcs)


def _degeneracy(graph: Graph) -> int:
    """The largest least degree of a subgraph, a lower bound on the treewidth."""
    import networkx as nx

    if not len(graph.edges):
        return 0
    return int(max(nx.core_number(nx.Graph(graph.edges.tolist())).values()))
