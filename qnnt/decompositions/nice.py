"""Nice tree decompositions (Kloks 1994; paper, Section 2): leaf, introduce, forget, join, empty root.

With ``edges`` each edge of the graph has a node of its own too, below the node that forgets its first end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qnnt.decompositions.graph import Graph
from qnnt.decompositions.tree import Bag, TreeDecomposition


class Kind(StrEnum):
    """What a node of a nice tree decomposition does to the bag of its child."""

    LEAF = "leaf"
    INTRODUCE = "introduce"
    FORGET = "forget"
    JOIN = "join"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class Node:
    """A tree node: its ``bag``, ascending, its ``children``, and what it is about.

    ``vertex`` is the one that a leaf holds, an introduce node adds or a forget node drops, −1 otherwise;
    ``edge`` the edge of an edge node.
    """

    kind: Kind
    bag: Bag
    children: tuple[int, ...] = ()
    vertex: int = -1
    edge: tuple[int, int] | None = None


@dataclass(frozen=True)
class NiceDecomposition:
    """``nodes``, children before parents; the last is the root, whose bag is empty."""

    nodes: tuple[Node, ...]

    @property
    def width(self) -> int:
        """The size of the largest bag less one."""
        return max(len(node.bag) for node in self.nodes) - 1

    @property
    def tree(self) -> TreeDecomposition:
        """The bags and the tree alone; the root is node 0 there."""
        last = len(self.nodes) - 1
        edges = [(last - t, last - c) for t, node in enumerate(self.nodes) for c in node.children]
        return TreeDecomposition(tuple(node.bag for node in reversed(self.nodes)), tuple(edges))

    def problem(self, graph: Graph) -> str | None:
        """Why this is no nice tree decomposition of the graph, or None if it is one.

        Edge nodes, if there are any, must be one for each edge. Nodes are counted from 0.
        """
        for t, node in enumerate(self.nodes):
            if any(not 0 <= child < t for child in node.children):
                return f"node {t}: a child does not come before it"
            if not self._fits(node):
                return f"node {t}: {node.kind} does not fit its bag and children"
        if not self.nodes or self.nodes[-1].bag:
            return "the root's bag is not empty"
        edges = sorted(node.edge for node in self.nodes if node.edge is not None)
        if edges and edges != list(map(tuple, graph.edges.tolist())):
            return "the edge nodes are not the edges of the graph, each once"
        return self.tree.problem(graph)

    def _fits(self, node: Node) -> bool:
        bag, below = set(node.bag), [set(self.nodes[child].bag) for child in node.children]
        if list(node.bag) != sorted(bag):
            return False
        match node.kind, below:
            case Kind.LEAF, []:
                return bag == {node.vertex}
            case Kind.INTRODUCE, [child]:
                return node.vertex not in child and bag == child | {node.vertex}
            case Kind.FORGET, [child]:
                return node.vertex in child and bag == child - {node.vertex}
            case Kind.JOIN, [left, right]:
                return bag == left == right
            case Kind.EDGE, [child]:
                return node.edge is not None and set(node.edge) <= bag == child
        return False


def nice(
    decomposition: TreeDecomposition, graph: Graph | None = None, *, edges: bool = False
) -> NiceDecomposition:
    """The nice form, of the same width; with ``edges`` the edge-introducing one, which needs the graph.

    Linear in the number of vertices times the width. Raises ``ValueError`` for a decomposition without
    vertices (a leaf holds one), or for ``edges`` without a graph.
    """
    if edges and graph is None:
        raise ValueError("the edge-introducing form needs the graph")
    if decomposition.width < 0:
        raise ValueError("a graph without vertices has no nice tree decomposition")
    return _Builder(decomposition, graph.neighbours if graph is not None and edges else None).build()


class _Builder:
    def __init__(self, decomposition: TreeDecomposition, neighbours: list[list[int]] | None) -> None:
        self._td, self._neighbours = decomposition.contracted(), neighbours
        self._nodes: list[Node] = []
        self._forgotten: set[int] = set()

    def build(self) -> NiceDecomposition:
        _, order = self._td.rooted
        tops: dict[int, int] = {}
        for t in reversed(order):
            branches = [self._move(tops.pop(child), self._td.bags[t]) for child in self._td.children[t]]
            top = branches[0] if branches else self._leaf(self._td.bags[t])
            for branch in branches[1:]:
                top = self._add(Node(Kind.JOIN, self._td.bags[t], (top, branch)))
            tops[t] = top
        self._move(tops[order[0]], ())
        return NiceDecomposition(tuple(self._nodes))

    def _add(self, node: Node) -> int:
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _leaf(self, bag: Bag) -> int:
        return self._move(self._add(Node(Kind.LEAF, bag[:1], vertex=bag[0])), bag)

    def _move(self, top: int, target: Bag) -> int:
        """Forget and introduce one vertex after the other, until the bag is the target."""
        bag, wanted = self._nodes[top].bag, set(target)
        for v in [v for v in bag if v not in wanted]:
            top = self._edges_of(top, v)
            bag = tuple(u for u in bag if u != v)
            top = self._add(Node(Kind.FORGET, bag, (top,), v))
        held = set(bag)
        for v in [v for v in target if v not in held]:
            bag = tuple(sorted((*bag, v)))
            top = self._add(Node(Kind.INTRODUCE, bag, (top,), v))
        return top

    def _edges_of(self, top: int, v: int) -> int:
        if self._neighbours is None:
            return top
        # All neighbours that are not forgotten share v's topmost bag, which is this one.
        for u in self._neighbours[v]:
            if u not in self._forgotten:
                bag = self._nodes[top].bag
                top = self._add(Node(Kind.EDGE, bag, (top,), edge=(min(u, v), max(u, v))))
        self._forgotten.add(v)
        return top
