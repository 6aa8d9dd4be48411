"""The nice form: one change at a time, an empty root, and each edge once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphs import graphs, two_tree
from hypothesis import given
from hypothesis import strategies as st

from qnnt.decompositions.nice import Kind, NiceDecomposition, nice
from qnnt.decompositions.search import decompose
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.files.pace import parse_gr


@given(graphs(min_n=1), st.booleans())
def test_the_nice_form_is_nice(graph, edges):
    flat = decompose(graph, "min-fill")
    found = nice(flat, graph, edges=edges)
    assert found.problem(graph) is None
    assert found.width == flat.width
    kinds = [node.kind for node in found.nodes]
    assert kinds.count(Kind.FORGET) == graph.n
    assert kinds.count(Kind.EDGE) == (len(graph.edges) if edges else 0)
    assert kinds.count(Kind.LEAF) == kinds.count(Kind.JOIN) + 1


@given(graphs(min_n=2), st.data())
def test_damage_is_found(graph, data):
    found = nice(decompose(graph, "min-degree"), graph, edges=True)
    t = data.draw(st.integers(0, len(found.nodes) - 2))
    node = found.nodes[t]
    wrong = replace(node, bag=tuple(v for v in range(graph.n) if v not in node.bag))
    nodes = [*found.nodes[:t], wrong, *found.nodes[t + 1 :]]
    assert NiceDecomposition(tuple(nodes)).problem(graph) is not None


def test_what_is_not_nice():
    graph = two_tree(4)
    found = nice(decompose(graph), graph, edges=True)
    assert NiceDecomposition(found.nodes[:-1]).problem(graph) == "the root's bag is not empty"
    edge = next(t for t, node in enumerate(found.nodes) if node.kind is Kind.EDGE)
    other = next(node.edge for node in found.nodes if node.edge not in (None, found.nodes[edge].edge))
    held = replace(found.nodes[edge], bag=(0, 1, 2, 3), edge=other)
    assert "edge does not fit" in NiceDecomposition((*found.nodes[:edge], held)).problem(graph)
    twice = [replace(n, edge=None) if n.kind is Kind.EDGE else n for n in found.nodes]
    assert "edge does not fit" in NiceDecomposition(tuple(twice)).problem(graph)
    short = nice(decompose(graph), parse_gr("p tw 4 1\n1 2\n"), edges=True)
    assert short.problem(graph) == "the edge nodes are not the edges of the graph, each once"


def test_linear_size():
    graph = two_tree(5000)
    assert len(nice(decompose(graph, "min-degree")).nodes) <= 4 * 3 * graph.n


def test_no_nice_form():
    with pytest.raises(ValueError, match="without vertices"):
        nice(TreeDecomposition.of([], []))
    with pytest.raises(ValueError, match="needs the graph"):
        nice(TreeDecomposition.of([[0]], []), edges=True)
