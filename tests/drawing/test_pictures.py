"""Pictures hold what they should, stay on their sheet, and no name can break them."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from drawings import HOSTILE, assert_fits
from hypothesis import given
from hypothesis import strategies as st

from qnnt import Architecture, Domain, Network
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.search import decompose
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.drawing import instance_picture, svg_text, write_picture
from qnnt.drawing.effect import effect
from qnnt.drawing.layers import MOST_LAYERS, MOST_NEURONS
from qnnt.drawing.picture import BLUE, GREY, ORANGE, Box, Disc, Label, Line


def random_network(sizes: list[int], d: int, seed: int, share: float = 0.6, **more: object) -> Network:
    rng, domain, architecture = np.random.default_rng(seed), Domain(d), Architecture.dense(sizes)
    vector = rng.integers(domain.lo, domain.hi + 1, architecture.n_parameters)
    vector[rng.random(len(vector)) > share] = 0
    return Network.from_vector(architecture, domain, vector, **more)


def labels(picture) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Label)]


@given(
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    d=st.integers(2, 4),
    seed=st.integers(0, 9999),
    activation=st.sampled_from(["relu", "sign"]),
)
def test_what_is_grey_has_no_effect(sizes, d, seed, activation):
    """Without the grey arcs, with constants for constant neurons, all outputs are the same on every input."""
    network = random_network(
        sizes, max(d, 3) if activation == "sign" else d, seed, 0.5, activation=activation
    )
    a, domain = network.architecture, network.domain
    known = effect(a, domain, network.activation, network.weights, network.biases)
    X = np.array(list(itertools.product(range(domain.lo, domain.hi + 1), repeat=a.alpha)))
    for constants, values in zip(known.constants, network.activations(X), strict=True):
        for constant, column in zip(constants, values.T, strict=True):
            assert constant is None or (column == constant).all()
    values = X
    for i, (connection, own) in enumerate(zip(a.connections, network.activation.each(a.depth), strict=True)):
        values = np.where(known.neurons[i], values, 99)  # whatever it shows, nothing depends on it
        weights = np.zeros((connection.n_target, connection.n_source), dtype=int)
        used = np.where(known.arcs, network.weights, 0)[connection.all_arcs]
        weights[connection.target, connection.source] = used
        values = own(values @ weights.T - network.biases[connection.biases])
        for j, constant in enumerate(known.constants[i + 1]):
            values[:, j] = values[:, j] if constant is None else constant
    assert (values == network.predict(X)).all()


def test_a_dead_neuron_is_grey_and_a_weight_shows_its_sign():
    """y = ReLU(h0 + h1): h1 is always 0, nothing depends on h2."""
    layers = [["x0", "x1"], ["h0", "h1", "h2"], ["y"]]
    arcs = {("x0", "h0"): 1, ("x1", "h0"): -1, ("x0", "h1"): 1, ("x1", "h2"): 1}
    arcs |= {("h0", "y"): 1, ("h1", "y"): 1, ("h2", "y"): 0}
    a = Architecture(layers, arcs)
    network = Network(a, Domain(3), [arcs[arc] for arc in a.arcs], [-1, 1, 0, 0])
    picture = network.picture()
    lines = {
        shape.tip.split(":")[0]: shape for shape in picture.shapes if isinstance(shape, Line) and shape.tip
    }
    colours = {tip: line.colour for tip, line in lines.items()}
    assert colours["x0 → h0"] == colours["h0 → y"] == BLUE
    assert (colours["x1 → h0"], lines["x1 → h0"].dashed) == (ORANGE, True)
    assert colours["x0 → h1"] == colours["h1 → y"] == colours["x1 → h2"] == GREY
    grey = {
        shape.tip.partition(":")[0]
        for shape in picture.shapes
        if isinstance(shape, Disc) and shape.ink == GREY
    }
    assert grey - {""} == {"h1", "h2"}
    assert "h1 (always 0)" in labels(picture)
    assert "−1" in labels(picture)  # the bias of h0


def test_wider_lines_are_larger_weights():
    network = Network(Architecture.dense([3, 1]), Domain(9), [1, -3, 4], [0])
    widths = [s.width for s in network.picture().shapes if isinstance(s, Line) and s.tip]
    assert widths == sorted(widths)
    assert len(set(widths)) == 3


@pytest.mark.parametrize("sizes", [[1, 1], [5, 4, 3], [1000, 300, 60], [2, *[3] * 1000, 2], [3, 80]])
def test_networks_of_any_size_stay_readable(sizes):
    for picture in (
        random_network(sizes, 5, 0).picture(),
        instance_picture(Architecture.dense(sizes), "I", "about"),
    ):
        assert_fits(picture)
        discs = [shape for shape in picture.shapes if isinstance(shape, Disc) and shape.tip]
        assert len(discs) <= MOST_NEURONS * MOST_LAYERS
        more = sum(int(t.split()[2].replace(",", "")) for t in labels(picture) if t.startswith("… and"))
        if len(sizes) <= MOST_LAYERS:
            assert len(discs) + more == sum(sizes)
        else:
            assert "994 more layers" in " ".join(labels(picture))


def test_names_cannot_break_a_picture(tmp_path):
    names = [*HOSTILE, "long " * 30, "名前"]
    layers = [names, [f"h{name}" for name in names], [f"y{name}" for name in names]]
    a = Architecture.full(layers)
    network = Network(a, Domain(3), np.ones(a.n_arcs, dtype=int), np.zeros(a.n_biases, dtype=int))
    for picture in (
        network.picture("<title> & $\\frac$ \x07"),
        instance_picture(a, "I"),
        decompose(Graph.of(a), "min-degree").picture(list(a.names)),
    ):
        assert_fits(picture)
        root = ElementTree.fromstring(svg_text(picture))
        tags = {element.tag.partition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "title", "rect", "line", "circle", "text"}
        assert "</text><script>alert(1)" in "".join(root.itertext())
    write_picture(picture, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@given(st.integers(1, 60), st.integers(0, 9999))
def test_decompositions_show_every_bag_or_count_it(n, seed):
    rng = np.random.default_rng(seed)
    edges = [(int(rng.integers(max(0, i - 3), i)), i) for i in range(1, n)]
    tree = decompose(Graph(n, [*edges, *rng.integers(0, n, (n // 8, 2)).tolist()]), "min-degree")
    picture = tree.picture()
    assert_fits(picture)
    drawn = [shape for shape in picture.shapes if isinstance(shape, Box) and shape.tip]
    more = sum(int(text.split()[1].replace(",", "")) for text in labels(picture) if "more bag" in text)
    assert len(drawn) + more == len(tree.bags)


def test_deep_and_wide_decompositions_are_cut():
    path = TreeDecomposition.of([(i, i + 1) for i in range(2000)], [(i, i + 1) for i in range(1999)])
    assert "… 1,960 more bags" in labels(path.picture())
    star = TreeDecomposition.of([(0, i) for i in range(300)], [(0, i) for i in range(1, 300)])
    assert "… 292 more bags" in labels(star.picture())
    assert "… and 76 more" in " ".join(labels(TreeDecomposition.of([range(100)], []).picture()))
    assert "∅" in labels(TreeDecomposition(((),), ()).picture())
