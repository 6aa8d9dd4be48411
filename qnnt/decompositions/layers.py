"""Observation 1's decomposition of an architecture, layer by layer: no search."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise

from qnnt.architecture import Architecture
from qnnt.decompositions.tree import TreeDecomposition

Side = tuple[list[int], list[int]]


def layer_decomposition(architecture: Architecture, *, inputs: bool = True) -> TreeDecomposition:
    """A path of bags V_i ∪ V_{i+1}, an in-bag for each input and an out-bag for each output.

    Of width at most twice the architecture's width. With a single hidden layer the paper's proof has no inner
    bag to hang the others on: here the in- and out-bags, each V_1 and one neuron, form a path, and the width
    is at most the architecture's. Without a hidden layer (the observation asks for one) all neurons but one
    side form the core: the smaller of the two layers and one neuron of the other in each bag. Vertices are as
    in :meth:`Graph.of`; without ``inputs`` the in-bags are left out.
    """
    before, inner, after = _parts(architecture, inputs)
    # In-bags as a path, inner bags as a path, out-bags as a path, one after the other: every bag before the
    # inner ones holds V_1, every one after them the last hidden layer.
    bags = [*_each(*before), *inner, *_each(*after)]
    return TreeDecomposition.of(bags, ((i, i + 1) for i in range(len(bags) - 1)))


def largest_layer_bag(architecture: Architecture, *, inputs: bool = True) -> list[int]:
    """A largest bag of :func:`layer_decomposition`, whose bags together may outgrow any memory."""
    before, inner, after = _parts(architecture, inputs)
    return max([*inner, *([*vertices[:1], *rest] for vertices, rest in (before, after))], key=len)


def _each(vertices: list[int], rest: list[int]) -> Iterator[list[int]]:
    return ([v, *rest] for v in vertices)


def _parts(architecture: Architecture, inputs: bool) -> tuple[Side, list[list[int]], Side]:
    """In- and out-bags, each as the vertices that it has one of and those that it has all of; inner bags."""
    sizes = [len(layer) for layer in architecture.layers]
    ends = list(accumulate(sizes, initial=0))
    layers = [list(range(a, b)) for a, b in pairwise(ends)]
    if not inputs:
        shift = architecture.alpha
        layers = [[v - shift for v in layer] for layer in layers[1:]]
        first, hidden, last = [], layers[:-1], layers[-1]
    else:
        first, hidden, last = layers[0], layers[1:-1], layers[-1]
    if not hidden:  # a bipartite graph, or outputs alone
        hidden, first, last = ([first], [], last) if len(first) <= len(last) else ([last], first, [])
    return (first, hidden[0]), [a + b for a, b in pairwise(hidden)], (last, hidden[-1])
