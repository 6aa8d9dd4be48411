"""Finding tree decompositions: goatd where it is installed, elimination by least degree otherwise.

Every way is near-linear in sparse graphs: 10^5 vertices of treewidth 2 take seconds. networkx's heuristics
are not used: they look through all bags for each vertex, and 10^5 vertices would take minutes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Literal, get_args

from qnnt.decompositions.graph import Graph
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.exceptions import Unavailable, require_word
from qnnt.limits import Limits

Method = Literal["auto", "portfolio", "flowcutter", "min-fill", "min-degree", "nested-dissection"]

_GOATD = {"min-fill": "minfill", "min-degree": "mindegree", "nested-dissection": "nested-dissection"}
_SMALL = 5000  # vertices up to which a second of search for a narrower decomposition is started


def available() -> bool:
    """Whether goatd is installed; it is not imported."""
    return find_spec("goatd") is not None


def decompose(
    graph: Graph, method: Method = "auto", *, seed: int = 0, seconds: float = 1.0
) -> TreeDecomposition:
    """A tree decomposition of the graph, as narrow as the method finds; always one tree, (P1) and (P2) hold.

    ``portfolio`` and ``flowcutter`` search for about ``seconds``; the other methods are greedy and repeat
    themselves. ``auto`` takes the narrowest that elimination finds and, up to 5,000 vertices, searches on if
    that is wider than 2 (treewidth 0, 1 and 2 are found by elimination). Without goatd there is only
    ``min-degree``, which ``auto`` then stands for.

    Raises :class:`Unavailable` for another method when goatd is missing, :class:`UnknownWord` for an unknown
    one, and ``ValueError`` for seconds that are no time limit (:class:`qnnt.Limits`).
    """
    require_word("method", method, get_args(Method))
    Limits.of(seconds)
    if graph.n == 0:
        return TreeDecomposition(((),), ())
    if not available():
        if method not in ("auto", "min-degree"):
            raise Unavailable(f"method {method!r} needs goatd: pip install 'qnnt[treewidth]'")
        return TreeDecomposition.from_order(graph, least_degree_order(graph))
    if method != "auto":
        return _goatd(graph, method, seed, seconds)
    found = [_goatd(graph, "min-fill", seed, seconds)]
    if found[0].width > 2:
        found.append(_goatd(graph, "min-degree", seed, seconds))
        found += [_goatd(graph, "portfolio", seed, seconds)] if graph.n <= _SMALL else []
    return min(found, key=lambda td: (td.width, len(td.bags)))


def elimination_order(
    graph: Graph, method: Method = "auto", *, seed: int = 0, seconds: float = 1.0
) -> tuple[int, ...]:
    """All vertices in an order of elimination as narrow as :func:`decompose`; same arguments and errors."""
    return decompose(graph, method, seed=seed, seconds=seconds).elimination_order()


def least_degree_order(graph: Graph) -> list[int]:
    """Eliminate a vertex of least degree, join its neighbours, repeat; ties go to the smaller number."""
    return [v for v, _ in _eliminated(graph)]


def largest_bag(graph: Graph, most: int) -> set[int]:
    """A largest bag of the decomposition by least degree that gives up beyond bags of ``most`` vertices.

    The first bag that would be larger holds all vertices that are left: they are mostly joined to each other
    by then, and to go on would cost more time and memory than a narrower bag is worth.
    """
    largest: set[int] = set()
    left = set(range(graph.n))
    for v, around in _eliminated(graph):
        if len(around) >= most:
            return left
        left.remove(v)
        if len(around) >= len(largest):
            largest = {v, *around}
    return largest


def _eliminated(graph: Graph) -> Iterator[tuple[int, set[int]]]:
    """Vertices in the order of :func:`least_degree_order`, each with its neighbours at that time."""
    neighbours = [set(around) for around in graph.neighbours]
    heap = [(len(around), v) for v, around in enumerate(neighbours)]
    heapq.heapify(heap)
    gone = bytearray(graph.n)
    while heap:
        degree, v = heapq.heappop(heap)
        if gone[v] or degree != len(neighbours[v]):
            continue  # an entry that a newer one has replaced
        gone[v] = 1
        yield v, neighbours[v]
        for u in neighbours[v]:
            around = neighbours[u]
            around |= neighbours[v]
            around -= {u, v}
            heapq.heappush(heap, (len(around), u))
        neighbours[v] = set()


def _goatd(graph: Graph, method: str, seed: int, seconds: float) -> TreeDecomposition:
    import goatd

    budget = max(1, round(1000 * seconds))
    given = goatd.Graph(graph.n, [(u, v) for u, v in graph.edges.tolist()])
    if method == "flowcutter":
        found = goatd.decompose(given, order="flowcutter", budget_ms=budget)
    elif method == "portfolio":
        found = goatd.decompose(given, order="portfolio", seed=seed, budget_ms=budget)
    else:
        found = goatd.decompose(given, order=_GOATD[method], seed=seed)
    return TreeDecomposition.of(found.bags, _linked(len(found.bags), found.edges)).contracted()


def _linked(nodes: int, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The forest with its trees linked to one: a graph in parts has a decomposition in parts."""
    if len(edges) == nodes - 1:
        return edges
    import networkx as nx

    forest: nx.Graph[int] = nx.Graph(edges)
    forest.add_nodes_from(range(nodes))
    tops = [min(part) for part in nx.connected_components(forest)]
    return [*edges, *itertools.pairwise(tops)]
