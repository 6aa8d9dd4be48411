"""Graphs (``.gr``) and tree decompositions (``.td``) as files of the PACE 2017 treewidth track.

``.gr``: ``p tw VERTICES EDGES``, then an edge ``u v`` on each line. ``.td``: ``s td BAGS LARGEST VERTICES``,
where LARGEST is the size of the largest bag, a line ``b NUMBER v…`` for each bag, then an edge between bags
on each line. All count from 1; lines that begin with ``c`` are comments; counts are checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qnnt.decompositions.graph import Graph
from qnnt.decompositions.tree import Bag, TreeDecomposition
from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.files.text import is_count, split_lines, split_words
from qnnt.files.writing import write_text


def read_gr(path: str | Path) -> Graph:
    """The graph in a ``.gr`` file (``.gz`` too); raises :class:`InputError` naming the line."""
    with located(Path(path)):
        return parse_gr(read_text(Path(path)))


def read_td(path: str | Path, graph: Graph | None = None) -> TreeDecomposition:
    """The tree decomposition in a ``.td`` file (``.gz`` too), bags in the order of their numbers.

    Checked against the graph if there is one. Raises :class:`InputError` naming the line, or the condition
    that fails.
    """
    with located(Path(path)):
        decomposition, vertices = parse_td(read_text(Path(path)))
        if graph is not None:
            if vertices != graph.n:
                raise InputError("", f"is for {vertices} vertices, the graph has {graph.n}")
            decomposition.check(graph)
        return decomposition


def write_gr(graph: Graph, path: str | Path) -> None:
    """Write a ``.gr`` file, whole or not at all; raises :class:`InputError` if it cannot be written."""
    write_text(Path(path), gr_text(graph))


def write_td(decomposition: TreeDecomposition, graph: Graph, path: str | Path) -> None:
    """Write a ``.td`` file of a decomposition of the graph; see :func:`write_gr`."""
    write_text(Path(path), td_text(decomposition, graph.n))


def gr_text(graph: Graph) -> str:
    """The graph as a ``.gr`` file."""
    edges = "".join(f"{u} {v}\n" for u, v in (graph.edges + 1).tolist())
    return f"p tw {graph.n} {len(graph.edges)}\n{edges}"


def td_text(decomposition: TreeDecomposition, vertices: int) -> str:
    """The decomposition of a graph with so many vertices as a ``.td`` file."""
    lines = [f"s td {len(decomposition.bags)} {decomposition.width + 1} {vertices}"]
    for number, bag in enumerate(decomposition.bags, start=1):
        lines.append(" ".join(["b", str(number), *(str(v + 1) for v in bag)]))
    lines += [f"{a + 1} {b + 1}" for a, b in decomposition.edges]
    return "\n".join(lines) + "\n"


def parse_gr(text: str) -> Graph:
    """The graph of a ``.gr`` text; raises :class:`InputError` naming the line."""
    n = m = None
    edges: list[tuple[int, int]] = []
    for number, words in _lines(text):
        if words[0] == "p":
            if n is not None:
                raise InputError(f"line {number}", "there is a second p line")
            if words[:2] != ["p", "tw"] or len(words) != 4:
                raise InputError(f"line {number}", f"must be 'p tw VERTICES EDGES', not {_shown(words)}")
            n, m = _integers(words[2:], number)
        elif n is None:
            raise InputError(f"line {number}", "the line 'p tw VERTICES EDGES' must come first")
        else:
            edges.append(_pair(words, n, "vertices", number))
    if n is None:
        raise InputError("", "has no line 'p tw VERTICES EDGES'")
    if len(edges) != m:
        raise InputError("", f"the p line announces {m} edges, there are {len(edges)}")
    return Graph(n, np.array(edges, dtype=np.int64).reshape(-1, 2) - 1)


def parse_td(text: str) -> tuple[TreeDecomposition, int]:
    """The tree decomposition of a ``.td`` text and the number of vertices that it announces.

    Raises :class:`InputError` naming the line. Whether it decomposes a graph is not looked at.
    """
    head: list[int] = []
    bags: dict[int, Bag] = {}
    edges: list[tuple[int, int]] = []
    for number, words in _lines(text):
        if words[0] == "s":
            if head:
                raise InputError(f"line {number}", "there is a second s line")
            if words[:2] != ["s", "td"] or len(words) != 5:
                raise InputError(
                    f"line {number}", f"must be 's td BAGS LARGEST VERTICES', not {_shown(words)}"
                )
            head = _integers(words[2:], number)
        elif not head:
            raise InputError(f"line {number}", "the line 's td BAGS LARGEST VERTICES' must come first")
        elif words[0] == "b":
            bag, vertices = _bag(words, head, number)
            if bag in bags:
                raise InputError(f"line {number}", f"bag {bag} is given twice")
            bags[bag] = vertices
        else:
            edges.append(_pair(words, head[0], "bags", number))
    if not head:
        raise InputError("", "has no line 's td BAGS LARGEST VERTICES'")
    if len(bags) != head[0]:
        raise InputError("", f"the s line announces {head[0]} bags, there are {len(bags)}")
    largest = max(map(len, bags.values()), default=0)
    if largest != head[1]:
        raise InputError("", f"the s line announces a largest bag of {head[1]} vertices, it has {largest}")
    found = TreeDecomposition.of((bags[i + 1] for i in range(head[0])), ((a - 1, b - 1) for a, b in edges))
    return found, head[2]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and words, without comments and blank lines."""
    for number, line in enumerate(split_lines(text), start=1):
        if not line.startswith("c") and (words := split_words(line, number)):
            yield number, words


def _integers(words: list[str], number: int) -> list[int]:
    for word in words:
        if not is_count(word):
            raise InputError(f"line {number}", f"{word[:40]!r} is no count")
    return [int(word) for word in words]


def _pair(words: list[str], most: int, what: str, number: int) -> tuple[int, int]:
    if len(words) != 2:
        raise InputError(f"line {number}", f"must be an edge 'u v', not {_shown(words)}")
    u, v = _numbers(words, most, what, number)
    return u, v


def _bag(words: list[str], head: list[int], number: int) -> tuple[int, Bag]:
    if len(words) < 2:
        raise InputError(f"line {number}", "a bag needs its number")
    (bag,) = _numbers(words[1:2], head[0], "bags", number)
    vertices = _numbers(words[2:], head[2], "vertices", number)
    return bag, tuple(v - 1 for v in sorted(set(vertices)))


def _numbers(words: list[str], most: int, what: str, number: int) -> list[int]:
    for word in words:
        if not is_count(word) or not 1 <= int(word) <= most:
            raise InputError(f"line {number}", f"{word[:40]!r} is none of the {what} 1..{most}")
    return [int(word) for word in words]


def _shown(words: list[str]) -> str:
    return repr(" ".join(words)[:60])
