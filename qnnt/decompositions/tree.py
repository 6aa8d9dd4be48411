"""Tree decompositions (paper, Section 2): bags on a tree, conditions (P1) and (P2)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qnnt.decompositions.graph import Graph
from qnnt.exceptions import InputError
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.drawing.picture import Picture

Bag = tuple[int, ...]


@dataclass(frozen=True)
class TreeDecomposition:
    """``bags[t]`` are the vertices of tree node t, ascending; ``edges`` join tree nodes.

    There is at least one bag, which may be empty. Nothing is checked here: :meth:`problem` does.
    """

    bags: tuple[Bag, ...]
    edges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, bags: Iterable[Iterable[int]], edges: Iterable[tuple[int, int]]) -> TreeDecomposition:
        """From bags in any order of their vertices; no bag at all becomes one empty bag."""
        sorted_bags = tuple(tuple(sorted(set(bag))) for bag in bags)
        return cls(sorted_bags or ((),), tuple((int(a), int(b)) for a, b in edges))

    @classmethod
    def from_order(cls, graph: Graph, order: Sequence[int]) -> TreeDecomposition:
        """The decomposition that an elimination order gives, in time linear in the size of its bags.

        ``order`` (n,) lists the vertices as they are eliminated. Raises :class:`InputError` unless it is a
        permutation of them.
        """
        if sorted(order) != list(range(graph.n)):
            raise InputError("order", f"is no permutation of the vertices 0..{graph.n - 1}")
        place = [0] * graph.n
        for i, v in enumerate(order):
            place[v] = i
        # The later neighbours of v once all before it are gone: its own, and what its children pass on.
        later: list[set[int]] = [
            {u for u in graph.neighbours[v] if place[u] > place[v]} for v in range(graph.n)
        ]
        edges, roots = [], []
        for i, v in enumerate(order):
            if not later[v]:
                roots.append(i)
                continue
            parent = min(later[v], key=place.__getitem__)
            later[parent] |= later[v]
            later[parent].discard(parent)
            edges.append((i, place[parent]))
        edges += itertools.pairwise(roots)
        return cls.of(([v, *later[v]] for v in order), edges).contracted()

    @property
    def largest(self) -> Bag:
        """A largest bag."""
        return self.bags[max(range(len(self.bags)), key=lambda t: len(self.bags[t]))]

    @property
    def width(self) -> int:
        """The size of the largest bag less one; −1 if all are empty."""
        return len(self.largest) - 1

    @cached_property
    def rooted(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(parent of each tree node, −1 for the root, node 0; all nodes, parents before children).

        Only nodes that the root reaches are listed in the second; all of them if it is a tree.
        """
        neighbours: list[list[int]] = [[] for _ in self.bags]
        for a, b in self.edges:
            neighbours[a].append(b)
            neighbours[b].append(a)
        parent, order = [-1] * len(self.bags), [0]
        reached = bytearray(len(self.bags))
        reached[0] = 1
        for t in order:
            for child in neighbours[t]:
                if not reached[child]:
                    reached[child] = 1
                    parent[child] = t
                    order.append(child)
        return tuple(parent), tuple(order)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each tree node under the root, node 0."""
        parent, order = self.rooted
        children: list[list[int]] = [[] for _ in self.bags]
        for t in order[1:]:
            children[parent[t]].append(t)
        return tuple(map(tuple, children))

    def picture(self, names: Sequence[str] | None = None, title: str = "") -> Picture:
        """The tree drawn, bag 0 on top; ``names`` (n,) of the vertices, without them their numbers from 1.

        It must be one tree: see :meth:`problem`.
        """
        from qnnt.drawing.trees import tree_picture

        bags = [[str(v + 1) if names is None else names[v] for v in bag] for bag in self.bags]
        bags_in_all = count(len(bags), "bag")
        return tree_picture(
            bags, self.children, title or f"Tree decomposition: {bags_in_all}, width {self.width}"
        )

    def _repr_svg_(self) -> str:
        from qnnt.drawing.svg import svg_text

        return svg_text(self.picture())

    def contracted(self) -> TreeDecomposition:
        """Without bags that a neighbour contains, if (P2) holds; the width stays."""
        parent, order = self.rooted
        kept: list[set[int]] = []
        place, edges = [0] * len(self.bags), []
        for t in order:
            bag, above = set(self.bags[t]), place[parent[t]]
            if kept and (bag <= kept[above] or bag >= kept[above]):
                kept[above] |= bag
                place[t] = above
                continue
            place[t] = len(kept)
            if kept:
                edges.append((above, place[t]))
            kept.append(bag)
        return TreeDecomposition.of(kept, edges)

    def rooted_at(self, root: int) -> TreeDecomposition:
        """The same with the bags ``root`` and 0 exchanged: node 0 is the root everywhere."""
        place = list(range(len(self.bags)))
        place[0], place[root] = root, 0
        edges = tuple((place[a], place[b]) for a, b in self.edges)
        return TreeDecomposition(tuple(self.bags[t] for t in place), edges)

    def elimination_order(self) -> tuple[int, ...]:
        """An order of the vertices whose decomposition is no wider: each goes with its topmost bag."""
        parent, order = self.rooted
        found: list[int] = []
        for t in reversed(order):
            above = set(self.bags[parent[t]]) if parent[t] >= 0 else set()
            found += [v for v in self.bags[t] if v not in above]
        return tuple(found)

    def problem(self, graph: Graph) -> str | None:
        """Why this is no tree decomposition of the graph, or None if it is one.

        Looked at in this order: the tree, the vertices, (P2) each vertex's bags are connected and at least
        one, (P1) each edge lies in a bag. Vertices and bags are counted from 1, as in PACE files.
        """
        nodes = len(self.bags)
        for a, b in self.edges:
            if not (0 <= a < nodes and 0 <= b < nodes):
                return f"no tree: edge {a + 1} {b + 1} leaves the bags 1..{nodes}"
        parent, order = self.rooted
        if len(self.edges) != nodes - 1:
            return f"no tree: {nodes} bags and {len(self.edges)} edges"
        if len(order) != nodes:
            return f"no tree: bag {1 + min(set(range(nodes)) - set(order))} is not connected to bag 1"
        # A vertex's bags are connected iff exactly one of them has a parent without the vertex.
        tops = [0] * graph.n
        sets = [set(bag) for bag in self.bags]
        for t, bag in enumerate(self.bags):
            for v in bag:
                if not 0 <= v < graph.n:
                    return f"bag {t + 1} holds {v + 1}, which is none of the vertices 1..{graph.n}"
                tops[v] += parent[t] < 0 or v not in sets[parent[t]]
        for v, n_tops in enumerate(tops):
            if not n_tops:
                return f"(P2) fails: vertex {v + 1} is in no bag"
            if n_tops > 1:
                return f"(P2) fails: the bags of vertex {v + 1} are not connected"
        # Two connected sets of tree nodes that meet do so in the topmost node of one of them.
        top = [0] * graph.n
        for t in reversed(order):
            for v in self.bags[t]:
                top[v] = t
        for u, v in graph.edges.tolist():
            if v not in sets[top[u]] and u not in sets[top[v]]:
                return f"(P1) fails: no bag holds the edge {u + 1} {v + 1}"
        return None

    def check(self, graph: Graph) -> None:
        """Raise :class:`InputError` with the reason unless this is a tree decomposition of the graph."""
        reason = self.problem(graph)
        if reason is not None:
            raise InputError("", reason)
