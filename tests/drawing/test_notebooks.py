"""What notebooks show of instances, networks, results and rounded layers."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from drawings import HOSTILE, assert_fits

from qnnt import Architecture, Dataset, Domain, Instance, solve
from qnnt.drawing.codes import MOST_COLUMNS, MOST_ROWS, codes_picture
from qnnt.drawing.picture import Box, Label
from qnnt.limits import Status
from qnnt.result import Result
from qnnt.rounding import round_layer


class Texts(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def instance() -> Instance:
    """XOR for one neuron, under hostile names."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    layers = [HOSTILE[:2], ["y <b>"]]
    return Instance(Domain(3), Architecture.full(layers), Dataset(X, X[:, :1] ^ X[:, 1:]), "min")


def test_instances_and_networks_are_pictures(instance):
    result = solve(instance, backend="enumeration", isolate=False)
    for shown in (instance, result.network):
        root = ElementTree.fromstring(shown._repr_svg_())
        assert "y <b>" in "".join(root.itertext())


def test_a_result_is_a_table_and_the_network(instance):
    page = Texts(solve(instance, backend="enumeration", isolate=False)._repr_html_())
    assert page.tags == {
        "p",
        "strong",
        "table",
        "tr",
        "th",
        "td",
        "svg",
        "title",
        "rect",
        "line",
        "circle",
        "text",
    }
    assert page.text.startswith("OPTIMAL: 1 errorgoalminlower bound1backendenumeration")
    lost = Result(Status.UNKNOWN, "min", "sat", "clauses", reason="the worker <died> & left")
    page = Texts(lost._repr_html_())
    assert "UNKNOWN: no network (the worker <died> & left)" in page.text
    assert "svg" not in page.tags


def test_a_rounded_layer_is_a_table_and_its_codes():
    rng = np.random.default_rng(0)
    layer = round_layer(
        rng.normal(size=(3, 4)), np.zeros(3), rng.normal(size=(9, 4)), bits=3, backend="enumeration"
    )
    page = Texts(layer._repr_html_())
    assert "Rounded layer: 3 neurons of 4 inputs, int3" in page.text
    assert "proved3 of 3 neurons" in page.text
    cells = [shape for shape in layer.picture().shapes if isinstance(shape, Box) and shape.tip]
    assert [int(cell.tip.partition(": ")[2]) for cell in cells] == layer.codes.ravel().tolist()


@pytest.mark.parametrize("shape", [(1, 1), (3, 0), (0, 3), (100, 200)])
def test_matrices_of_any_size_fit(shape):
    codes = np.random.default_rng(0).integers(-7, 8, shape)
    picture = codes_picture(codes, ["row"] * len(codes), ["note"] * len(codes), "A matrix")
    assert_fits(picture)
    n, f = min(shape[0], MOST_ROWS), min(shape[1], MOST_COLUMNS)
    assert sum(isinstance(s, Box) and bool(s.tip) for s in picture.shapes) == n * f
    cut = any(isinstance(s, Label) and s.text == f"… and {shape[0] - n} more" for s in picture.shapes)
    assert cut == (n < shape[0])
