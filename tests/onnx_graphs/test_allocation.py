"""Bits for each layer under a budget: measured, chosen and kept."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_models import build, convolutional, images, node, weights

from qnnt.exceptions import InputError, Unsupported
from qnnt.limits import Limits
from qnnt.onnx_graphs.allocation import BITS, Measuring, bits_of
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.rounding import round_graph


@pytest.mark.parametrize(
    ("opset", "options"),
    [
        (25, {}),
        (25, {"block_size": 4, "asymmetric": True}),
        (21, {"activations": "int8"}),
        (17, {}),
    ],
)
def test_every_budget_from_the_smallest_is_kept(opset, options):
    model, X = convolutional(opset=opset), images(30)

    def auto(budget):
        return round_graph(model, X, bits="auto", budget=budget, backend="gptq", **options)

    with pytest.raises(InputError, match=r"budget: 5 bytes are too few: the smallest file has") as caught:
        auto(5)
    smallest = int(str(caught.value).partition("has ")[2].partition(";")[0].replace(",", ""))
    assert ("opset" in str(caught.value)) == (opset < 25)
    with pytest.raises(InputError, match="too few"):
        auto(smallest - 1)
    least, largest = auto(smallest), auto(10**6)
    for rounded in (least, largest):
        allocation = rounded.allocation
        assert rounded.model.ByteSize() <= allocation.size <= allocation.budget
        assert allocation.size - rounded.model.ByteSize() < (600 if options.get("activations") else 64) * 5
        assert [layer.scheme.bits for layer in rounded.layers] == list(allocation.bits.values())
        assert allocation.proved
    assert set(largest.allocation.bits.values()) == {8}
    # At opset 25 the product with two columns is stored in INT4, as onnxruntime gets INT2 wrong there.
    if "block_size" not in options:  # with them, 8 bits without may be smaller
        assert set(least.allocation.bits.values()) <= {25: {2, 4}, 21: {4}, 17: {8}}[opset]


def test_more_room_moves_the_outputs_less_and_what_was_measured_holds():
    model, X = convolutional(opset=25), images(30)
    graph, parts = Graph(model), []
    for budget in (1900, 1950, 2000, 2100):
        rounded = round_graph(model, X, bits="auto:2,4,8", budget=budget, backend="gptq")
        chosen = rounded.allocation
        by_bits = [{c.bits: c for c in of_layer} for of_layer in chosen.choices.values()]
        picked = [of_layer[b] for of_layer, b in zip(by_bits, chosen.bits.values(), strict=True)]
        parts.append(sum(choice.moved for choice in picked))
        assert not any(choice.estimated for choice in picked)
    assert parts == sorted(parts, reverse=True)
    # The first layer sees in the rounded graph what it sees in the real one: the same codes.
    feeds = round_graph(model, X, bits=4, backend="gptq").with_moved(Feeds.of(X, graph.inputs))
    four = next(choice for choice in next(iter(chosen.choices.values())) if choice.bits == 4)
    assert four.moved == pytest.approx(feeds.layers[0].moved[0], rel=1e-4)


def test_a_seed_and_a_number_of_threads_give_one_model():
    model, X = convolutional(opset=25), images(30)
    options = {"bits": "auto", "budget": 2000, "backend": "gptq"}
    one, two = (round_graph(model, X, limits=Limits(threads=2, seed=3), **options) for _ in range(2))
    assert one.model.SerializeToString(deterministic=True) == two.model.SerializeToString(deterministic=True)
    assert one.allocation == two.allocation


def test_a_killed_run_measures_no_layer_twice(tmp_path, monkeypatch):
    model, X, journal = convolutional(opset=25), images(30), tmp_path / "run.jsonl"
    options = {"bits": "auto", "budget": 2000, "backend": "gptq"}
    plain, real, measured = round_graph(model, X, **options), Measuring._choice, []

    def counted(measuring, layer, *rest):
        measured.append(layer.name)
        if len(measured) == 8:
            raise OSError
        return real(measuring, layer, *rest)

    monkeypatch.setattr(Measuring, "_choice", counted)
    with pytest.raises(OSError):  # noqa: PT011 - it has no words
        round_graph(model, X, **options, journal=journal)
    rounded = round_graph(model, X, **options, journal=journal)
    assert measured[8:] == [name for name in ("n_c2", "n_y", "n_z") for _ in BITS]
    assert rounded.model == plain.model
    assert rounded.allocation == plain.allocation
    with pytest.raises(InputError, match="differs in its budget"):
        round_graph(model, X, **{**options, "budget": 1990}, journal=journal)


def test_what_is_not_measured_in_time_is_estimated(tmp_path):
    model, X, journal = convolutional(opset=25), images(30), tmp_path / "run.jsonl"
    limits = Limits(time=1e-3)
    rounded = round_graph(model, X, bits="auto", budget=2000, backend="gptq", limits=limits, journal=journal)
    for choices in rounded.allocation.choices.values():
        assert all(choice.estimated for choice in choices)
        moved = [choice.moved for choice in choices]
        assert moved == sorted(moved, reverse=True)
    assert b"measured" not in journal.read_bytes()


def test_weights_of_two_layers_are_not_counted_as_gone():
    """While one of them is rounded, the other still has the real weights."""
    W = weights(np.random.default_rng(0), 12, 12)
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "r"), node("MatMul", "r w", "y")]
    model = build(nodes, {"w": W}, {"x": ["N", 12]}, {"y": ["N", 12]}, opset=25)
    X = np.random.default_rng(1).normal(size=(20, 12))
    rounded = round_graph(model, X, bits="auto", budget=10**6, backend="nearest")
    onnx.checker.check_model(rounded.model)
    assert rounded.model.ByteSize() <= rounded.allocation.size


@pytest.mark.parametrize("activations", ["float", "int8"])
@pytest.mark.parametrize("way", ["plain", "turned", "also elsewhere", "excluded"])
def test_weights_of_several_layers_go_with_the_last(way, activations):
    rng = np.random.default_rng(0)
    W, b = weights(rng, 40, 40), weights(rng, 40)
    first, second = ("w1", "w2") if way == "turned" else ("w", "w")
    nodes = [node("Transpose", "w", name, perm=[1, 0]) for name in (first, second) if name != "w"]
    nodes += [node("Gemm", f"x {first} b", "h"), node("Relu", "h", "r"), node("Gemm", f"r {second} b", "y")]
    nodes += [node("ReduceMean", "w", "m"), node("Add", "y m", "z")] if way == "also elsewhere" else []
    nodes += [node("MatMul", "y w", "z")] if way == "excluded" else []
    ends = {"z" if way in ("also elsewhere", "excluded") else "y": [None, 40]}
    model = build(nodes, {"w": W, "b": b}, {"x": [None, 40]}, ends)
    X = rng.normal(size=(40, 40))
    options = {"backend": "gptq", "activations": activations}
    options |= {"exclude": ["n_z"]} if way == "excluded" else {}
    for bits in (4, 8):
        plain = round_graph(model, X, bits=bits, **options).model.ByteSize()
        spare = 1500 if activations == "int8" else 100
        rounded = round_graph(model, X, bits=f"auto:{bits}", budget=plain + spare, **options)
        assert rounded.model.ByteSize() == plain <= rounded.allocation.size <= plain + spare


def test_numbers_in_the_names_of_many_layers_with_the_same_weights_are_counted():
    rng, k = np.random.default_rng(0), 12
    nodes = [node("MatMul", f"h{i} w", f"h{i + 1}") for i in range(k)]
    ends = {"h0": [None, 4]}, {f"h{k}": [None, 4]}
    model = build(nodes, {"w": weights(rng, 4, 4)}, *ends, opset=11)
    options = {"budget": 10**6, "backend": "nearest", "asymmetric": True}
    rounded = round_graph(model, rng.normal(size=(20, 4)), bits="auto:8", **options)
    assert rounded.model.ByteSize() <= rounded.allocation.size <= rounded.model.ByteSize() + 64 * k


def test_bits_whose_sums_would_not_be_exact_are_no_choice():
    W = np.full((1, 600, 1), 1, np.float32)
    model = build([node("Conv", "x w", "y")], {"w": W}, {"x": ["N", 600, 3]}, {"y": [None] * 3}, opset=25)
    X = np.random.default_rng(0).random((4, 600, 3))
    options = {"backend": "nearest", "activations": "int8", "budget": 10**6}
    rounded = round_graph(model, X, bits="auto", **options)
    assert [[c.bits for c in of_layer] for of_layer in rounded.allocation.choices.values()] == [[2, 4]]
    with pytest.raises(Unsupported, match="a sum could reach"):
        round_graph(model, X, bits="auto:8", **options)


def test_numbers_to_choose_from():
    assert bits_of("auto") == BITS
    assert bits_of("auto:8,2,3,2") == (2, 3, 8)
    for text, words in (
        ("autos", "must be a number, auto or auto:2,4,8"),
        ("auto:", "must be numbers such as"),
        ("auto:2,x", "must be numbers such as"),
        ("auto:0,4", "a weight has 1 to 16 bits"),
    ):
        with pytest.raises(InputError, match=words):
            bits_of(text)
    model, X = convolutional(), images(5)
    with pytest.raises(InputError, match="budget: is missing"):
        round_graph(model, X, bits="auto")
    with pytest.raises(InputError, match="budget: is for bits that are allocated"):
        round_graph(model, X, bits=4, budget=1000)
