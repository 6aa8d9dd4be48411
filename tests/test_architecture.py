import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import architectures

from qnnt.architecture import Architecture
from qnnt.exceptions import InputError

LAYERS = [["a", "b"], ["h", "k"], ["y"]]


@pytest.mark.parametrize(
    ("layers", "arcs", "message"),
    [
        ([["a"]], [], "layers: an architecture has at least an input and an output layer"),
        ([["a"], []], [], "layers[1]: a layer has at least one neuron"),
        ([["a", "a"], ["y"]], [], "layers[0][1]: neuron 'a' is named twice"),
        ([["a"], ["a"]], [], "layers[1][0]: neuron 'a' is named twice"),
        (LAYERS, [("a", "z")], "arcs[0]: unknown neuron 'z'"),
        (
            LAYERS,
            [("a", "y")],
            "arcs[0]: arc 'a' → 'y' goes from layer 0 to layer 2; arcs go from one layer to",
        ),
        (LAYERS, [("h", "a")], "arcs[0]: arc 'h' → 'a' goes from layer 1 to layer 0"),
        (LAYERS, [("a", "h"), ("h", "y"), ("a", "h")], "arcs[2]: arc 'a' → 'h' is given twice"),
        (LAYERS, [("a", "h"), ("b", "h"), ("h", "y")], "layers[1][1]: neuron 'k' has no in-arc"),
        (LAYERS, [("a", "h"), ("a", "k"), ("h", "y"), ("k", "y")], "layers[0][1]: neuron 'b' has no out-arc"),
        (LAYERS, [("a", "h"), ("b", "k"), ("h", "y")], "layers[1][1]: neuron 'k' has no out-arc"),
    ],
)
def test_names_the_place_of_what_is_wrong(
    layers: list[list[str]], arcs: list[tuple[str, str]], message: str
) -> None:
    with pytest.raises(InputError) as error:
        Architecture(layers, arcs)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("arcs", "message"),
    [
        ([[0, 2], [1, 5]], "arcs[1]: [1, 5] are not both of the 5 neurons"),
        ([[-1, 2]], "arcs[0]: [-1, 2] are not both of the 5 neurons"),
        ([[0, 2], [0, 2]], "arcs[1]: arc 'a' → 'h' is given twice"),
        ([[0, 4]], "arcs[0]: arc 'a' → 'y' goes from layer 0 to layer 2"),
        ([0, 2], "arcs: must be pairs of integers, not int64 of shape (2,)"),
        ([[0.0, 2.0]], "arcs: must be pairs of integers, not float64 of shape (1, 2)"),
    ],
)
def test_names_the_place_of_a_wrong_number(arcs: list[list[int]], message: str) -> None:
    with pytest.raises(InputError) as error:
        Architecture(LAYERS, np.array(arcs))
    assert str(error.value).startswith(message)


@given(architectures())
def test_arcs_as_numbers_are_the_same_as_by_name(net: Architecture) -> None:
    given = net.arc_index[::-1].astype(np.int32)
    again = Architecture(net.layers, given)
    assert again == net
    assert again.arcs == net.arcs
    assert given.flags.writeable
    assert again != Architecture((*net.layers[:-1], ["other" + name for name in net.layers[-1]]), given)


def test_dense_names_and_counts() -> None:
    net = Architecture.dense([3, 2, 1])
    assert net.layers == (("x0", "x1", "x2"), ("h0", "h1"), ("y0",))
    assert net.arcs[:4] == (("x0", "h0"), ("x1", "h0"), ("x2", "h0"), ("x0", "h1"))
    assert (net.alpha, net.omega, net.depth, net.width, net.max_degree) == (3, 1, 1, 2, 4)
    assert (net.n_neurons, net.n_biases, net.n_parameters) == (6, 3, 11)
    assert net.is_dense
    assert Architecture.dense([1, 1, 1, 1]).layers[1:3] == (("h1_0",), ("h2_0",))
    assert Architecture.dense([2, 2]).width == 0


@pytest.mark.parametrize("sizes", [[], [3], [2, 0, 1]])
def test_dense_rejects_sizes(sizes: list[int]) -> None:
    with pytest.raises(InputError, match="layer sizes must be two or more positive numbers"):
        Architecture.dense(sizes)


@given(architectures(), st.randoms())
def test_order_of_arcs_does_not_matter(net: Architecture, random: object) -> None:
    arcs = list(net.arcs)
    random.shuffle(arcs)  # type: ignore[attr-defined]
    again = Architecture(net.layers, arcs)
    assert again == net
    assert hash(again) == hash(net)
    assert np.array_equal(again.arc_index, net.arc_index)


@given(architectures(max_parameters=25))
def test_counts_agree_with_the_graph(net: Architecture) -> None:
    graph = net.graph()
    assert net.n_parameters <= 25
    assert net.max_degree == max(degree for _, degree in graph.degree)
    assert net.is_dense == (set(net.arcs) == set(Architecture.full(net.layers).arcs))
    names = [name for layer in net.layers for name in layer]
    for number, name in enumerate(names):
        layer, position = net.position(number)
        assert net.layers[layer][position] == name
        assert graph.nodes[name]["layer"] == layer
    with pytest.raises(IndexError):
        net.position(len(names))


@given(architectures())
def test_connections_hold_every_arc_once(net: Architecture) -> None:
    seen = []
    for layer, connection in enumerate(net.connections, 1):
        assert connection.n_source == len(net.layers[layer - 1])
        assert connection.dense == (len(connection.source) == connection.n_source * connection.n_target)
        for j in range(connection.n_target):
            target = net.layers[layer][j]
            arcs = [(net.layers[layer - 1][i], target) for i in connection.sources(j)]
            assert tuple(arcs) == net.arcs[connection.arcs(j)]
            seen += arcs
    assert tuple(seen) == net.arcs


@given(architectures())
def test_twins_are_the_classes_of_equal_neighbours(net: Architecture) -> None:
    graph = net.graph()
    expected = []
    for layer in range(1, len(net.layers) - 1):
        classes: dict[tuple[frozenset[str], frozenset[str]], list[int]] = {}
        for j, name in enumerate(net.layers[layer]):
            key = frozenset(graph.predecessors(name)), frozenset(graph.successors(name))
            classes.setdefault(key, []).append(j)
        expected += [(layer, tuple(members)) for members in classes.values() if len(members) > 1]
    assert sorted(net.twins) == sorted(expected)
