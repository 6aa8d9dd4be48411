"""PACE files: round trips, what is wrong in them, and the real graphs with known treewidth."""

from __future__ import annotations

import gzip

import goatd
import numpy as np
import pytest
from graphs import DATA, graphs, known_treewidths
from hypothesis import given

from qnnt.decompositions import search
from qnnt.decompositions.search import decompose
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.exceptions import InputError
from qnnt.files.pace import (
    gr_text,
    parse_gr,
    parse_td,
    read_gr,
    read_td,
    td_text,
    write_gr,
    write_td,
)

here = pytest.mark.skipif(not known_treewidths(), reason="the data files are not here")


@given(graphs())
def test_round_trip(graph):
    assert parse_gr(gr_text(graph)) == graph
    found = decompose(graph, "min-fill")
    assert parse_td(td_text(found, graph.n)) == (found, graph.n)


def test_comments_and_blank_lines():
    graph = parse_gr("c made by hand\n\np tw 3 2\n1 2\nc between\n 3  2 \n")
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    found, n = parse_td("c a\ns td 2 2 3\nb 2 3 2\nc b\n2 1\nb 1 1 2\n")
    assert (found, n) == (TreeDecomposition.of([[0, 1], [1, 2]], [(1, 0)]), 3)


def test_only_line_ends_end_a_comment():
    assert parse_gr("c a\u20281 2\rp tw 2 1\r\nc b\x0c1 2\n1 2\n").edges.tolist() == [[0, 1]]
    with pytest.raises(InputError, match=r"line 2: holds the character U\+2028"):
        parse_gr("p tw 2 1\n1\u20282\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no line 'p tw VERTICES EDGES'"),
        ("1 2\n", "line 1: the line 'p tw VERTICES EDGES' must come first"),
        ("p cnf 1 2\n", "line 1: must be 'p tw VERTICES EDGES', not 'p cnf 1 2'"),
        ("p tw 3\n", "line 1: must be"),
        ("p tw x 1\n", "line 1: 'x' is no count"),
        ("p tw 3 1\nc\np tw 3 1\n", "line 3: there is a second p line"),
        ("p tw 3 1\n1 2 3\n", "line 2: must be an edge 'u v', not '1 2 3'"),
        ("p tw 3 1\n\n1 4\n", "line 3: '4' is none of the vertices 1..3"),
        ("p tw 3 1\n0 1\n", "line 2: '0' is none of the vertices 1..3"),
        ("p tw 3 2\n1 2\n", "announces 2 edges, there are 1"),
    ],
)
def test_wrong_gr(text, words):
    with pytest.raises(InputError) as error:
        parse_gr(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no line 's td BAGS LARGEST VERTICES'"),
        ("b 1 1\n", "line 1: the line 's td BAGS LARGEST VERTICES' must come first"),
        ("s td 1 1\n", "line 1: must be"),
        ("s td 1 1 -1\n", "line 1: '-1' is no count"),
        ("s td 1 1 1\ns td 1 1 1\n", "line 2: there is a second s line"),
        ("s td 1 1 1\nb\n", "line 2: a bag needs its number"),
        ("s td 1 1 1\nb 2 1\n", "line 2: '2' is none of the bags 1..1"),
        ("s td 1 1 1\nb 1 2\n", "line 2: '2' is none of the vertices 1..1"),
        ("s td 2 1 1\nb 1 1\nb 1 1\n", "line 3: bag 1 is given twice"),
        ("s td 2 1 1\nb 1 1\n", "announces 2 bags, there are 1"),
        ("s td 1 2 1\nb 1 1\n", "announces a largest bag of 2 vertices, it has 1"),
        ("s td 1 1 1\nb 1 1\n1 2\n", "line 3: '2' is none of the bags 1..1"),
    ],
)
def test_wrong_td(text, words):
    with pytest.raises(InputError) as error:
        parse_td(text)
    assert words in str(error.value)


def test_files(tmp_path):
    path = tmp_path / "house.gr"
    graph = parse_gr("p tw 3 2\n1 2\n2 3\n")
    write_gr(graph, path)
    assert read_gr(path) == graph
    with gzip.open(tmp_path / "house.gr.gz", "wt") as file:
        file.write(path.read_text())
    assert read_gr(tmp_path / "house.gr.gz") == graph
    found = decompose(graph)
    write_td(found, graph, tmp_path / "house.td")
    assert read_td(tmp_path / "house.td", graph) == found
    (tmp_path / "house.td").write_text("s td 2 2 3\nb 1 1 2\nb 2 3\n1 2\n")
    with pytest.raises(InputError, match=r"house.td.*\(P1\) fails: no bag holds the edge 2 3"):
        read_td(tmp_path / "house.td", graph)
    (tmp_path / "house.td").write_text("s td 1 2 2\nb 1 1 2\n")
    with pytest.raises(InputError, match="is for 2 vertices, the graph has 3"):
        read_td(tmp_path / "house.td", graph)
    (tmp_path / "house.gr").write_text("p tw 3 2\n1 2\n2 x\n")
    with pytest.raises(InputError, match=r"house.gr: line 3"):
        read_gr(tmp_path / "house.gr")


@here
def test_the_real_graphs_are_decomposed_well(tmp_path):
    """Each decomposition is written, read back, and found valid here and by goatd."""
    ratios = []
    for path, treewidth in known_treewidths():
        graph = read_gr(path)
        found = decompose(graph, seconds=0.02)
        write_td(found, graph, tmp_path / "found.td")
        assert read_td(tmp_path / "found.td", graph) == found
        text = (tmp_path / "found.td").read_text()
        goatd.TreeDecomposition.from_td(text).validate(goatd.Graph.from_gr(path.read_text()))
        assert found.width >= treewidth
        ratios.append(found.width / treewidth)
    assert len(ratios) == 50
    assert np.mean(ratios) <= 1.3


@here
def test_the_real_graphs_without_goatd(monkeypatch):
    monkeypatch.setattr(search, "available", lambda: False)
    ratios = []
    for path, treewidth in known_treewidths():
        graph = read_gr(path)
        found = decompose(graph)
        assert found.problem(graph) is None
        ratios.append(found.width / treewidth)
    assert np.mean(ratios) <= 1.3


@here
def test_their_published_decompositions_are_accepted_and_broken_ones_are_not(tmp_path):
    files = sorted((DATA / "tw").glob("*/*.td"))
    treewidths = dict(known_treewidths())
    assert len(files) == 8
    for path in files:
        graph = read_gr(path.with_suffix(".gr"))
        published = read_td(path, graph)
        assert published.width == treewidths[path.with_suffix(".gr")]
        lines = path.read_text().splitlines()
        bag = next(i for i, line in enumerate(lines) if line.startswith("b ") and len(line.split()) > 3)
        gone = lines[bag].split()[2]
        broken = [line for line in lines if not line.startswith("b ")]
        bags = [
            " ".join(w for i, w in enumerate(line.split()) if i < 2 or w != gone)
            for line in lines
            if line.startswith("b ")
        ]
        (tmp_path / "broken.td").write_text("\n".join([broken[0], *bags, *broken[1:]]))
        with pytest.raises(InputError, match=rf"vertex {gone} is in no bag|largest bag"):
            read_td(tmp_path / "broken.td", graph)
        (tmp_path / "broken.td").write_text("\n".join(lines[:-1]))
        with pytest.raises(InputError, match="no tree"):
            read_td(tmp_path / "broken.td", graph)
