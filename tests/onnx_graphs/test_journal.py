"""A run that was killed goes on from its journal, and no other run does."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from onnx_models import build, convolutional, images, node, weights

import qnnt.onnx_graphs.allocation as allocation_module
from qnnt.exceptions import InputError
from qnnt.limits import Limit, Limits
from qnnt.onnx_graphs.layer_by_layer import LayerByLayer
from qnnt.rounders.gptq import GptqRounder
from qnnt.rounding import round_graph


class StopError(Exception):
    """Ends a run."""


def stopping(monkeypatch, number):
    """Have runs end as the layer of this number is searched; the names of layers that are searched."""
    real, searched = LayerByLayer._searched, []

    def stopped(run, layer, begun):
        searched.append(layer.name)
        if len(searched) == number:
            raise StopError
        return real(run, layer, begun)

    monkeypatch.setattr(LayerByLayer, "_searched", stopped)
    return searched


@pytest.mark.parametrize("activations", ["float", "int8"])
def test_a_killed_run_goes_on_from_its_journal(tmp_path, monkeypatch, activations):
    model, X, journal = convolutional(), images(), tmp_path / "run.jsonl"
    options = {"bits": 3, "backend": "beam", "activations": activations}
    plain = round_graph(model, X, **options)
    searched = stopping(monkeypatch, 4)
    with pytest.raises(StopError):
        round_graph(model, X, **options, journal=journal)
    assert searched == ["n_c0", "n_c1", "n_c2", "n_y"]
    with journal.open("a") as file:
        file.write('{"layer": "cut')  # as a run that was killed may leave it
    rounded = round_graph(model, X, **options, journal=journal)
    assert searched[4:] == ["n_y", "n_z"]
    assert rounded.model == plain.model
    for ours, theirs in zip(rounded.layers, plain.layers, strict=True):
        for name in ("codes", "cost", "nearest_cost", "lower_bound", "proved"):
            assert (getattr(ours.rows, name) == getattr(theirs.rows, name)).all()
        assert ours.rows.row_status == theirs.rows.row_status
        assert (ours.gptq_cost == theirs.gptq_cost).all()
        assert ours.points == theirs.points
    round_graph(model, X, **options, journal=journal)
    assert len(searched) == 6  # nothing was left to do


@pytest.mark.parametrize("failure", [MemoryError, RuntimeError, None])
def test_layers_of_which_rows_failed_are_rounded_again(tmp_path, monkeypatch, failure):
    model, X, journal = convolutional(), images(), tmp_path / "run.jsonl"
    real, calls = GptqRounder.run, []

    def failing(rounder, *task):
        calls.append(task)
        if len(calls) == 6:  # the second row of the second layer
            raise failure
        return real(rounder, *task)

    executor = None
    if failure is None:
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
    else:
        monkeypatch.setattr(GptqRounder, "run", failing)
    bad = round_graph(model, X, backend="gptq", executor=executor, journal=journal)
    assert bad.limit is (Limit.MEMORY if failure is MemoryError else None)
    # What comes after depends on the layer that failed.
    noted = [json.loads(line).get("name") for line in journal.read_text().splitlines()]
    assert noted == [None, *(["n_c0"] if failure else [])]
    monkeypatch.undo()
    rounded = round_graph(model, X, backend="gptq", journal=journal)
    assert rounded.model == round_graph(model, X, backend="gptq").model


def test_what_layers_were_rounded_with_stays(tmp_path, monkeypatch):
    """Bits that were chosen by estimates, as time was short, are not chosen anew beside finished layers."""
    rng, journal = np.random.default_rng(0), tmp_path / "run.jsonl"
    constants = {"v": weights(rng, 24, 24), "w": weights(rng, 24, 24) ** 3, "c": np.float32(1e-4)}
    nodes = [node("MatMul", "x v", "a"), node("MatMul", "a w", "b"), node("Mul", "b c", "d")]
    nodes += [node("Add", "a d", "y")]
    model = build(nodes, constants, {"x": ["N", 24]}, {"y": ["N", 24]})
    X = rng.random((40, 24))
    budget = round_graph(model, X, bits=8, backend="gptq").bytes[1] - 100
    options = {"bits": "auto:4,8", "budget": budget, "backend": "gptq", "limits": Limits(time=1000)}
    measured = round_graph(model, X, **options)
    with monkeypatch.context() as patch:
        patch.setattr(allocation_module, "time", SimpleNamespace(monotonic=lambda: math.inf))
        estimated = round_graph(model, X, **options)
        assert estimated.allocation.bits != measured.allocation.bits
        stopping(patch, 2)
        with pytest.raises(StopError):
            round_graph(model, X, **options, journal=journal)
    lines = journal.read_text().splitlines(keepends=True)
    resumed = round_graph(model, X, **options, journal=journal)
    assert resumed.allocation == estimated.allocation
    assert resumed.model == estimated.model
    # Nothing is rounded with what was chosen: what was only estimated is measured.
    journal.write_text("".join(line for line in lines if not line.startswith('{"layer"')))
    again = round_graph(model, X, **options, journal=journal)
    assert again.allocation == measured.allocation
    assert again.model == measured.model
    for change in (
        {"bits": {"a": 8}},
        {"bits": {"a": 8, "b": 2}},
        {"choices": {}},
        {"choices": 1},
        {"size": 1, "x": 2},
    ):
        head, first, _ = map(json.loads, lines)
        first["allocation"] |= change
        journal.write_text("".join(f"{json.dumps(each)}\n" for each in (head, first)))
        with pytest.raises(InputError, match="line 2: is damaged"):
            round_graph(model, X, **options, journal=journal)


def test_a_journal_of_another_run_is_refused(tmp_path):
    model, X, journal = convolutional(), images(), tmp_path / "run.jsonl"
    round_graph(model, X, backend="nearest", journal=journal)
    before = journal.read_bytes()
    for other, words in (
        ({"backend": "nearest-plane"}, "differs in its backend"),
        ({"backend": "nearest", "bits": 3}, "differs in its scheme"),
        ({"backend": "nearest", "exclude": ["n_c0"]}, "differs in its layers"),
    ):
        with pytest.raises(InputError, match=words):
            round_graph(model, X, journal=journal, **other)
    with pytest.raises(InputError, match="differs in its data"):
        round_graph(model, X * 2, backend="nearest", journal=journal)
    with pytest.raises(InputError, match="differs in its model"):
        round_graph(convolutional(1), X, backend="nearest", journal=journal)
    assert journal.read_bytes() == before
    journal.write_text("something else\n")
    with pytest.raises(InputError, match="line 1: is not a JSON object"):
        round_graph(model, X, backend="nearest", journal=journal)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [10**6, 10**6]}, "would take"),
        ({"shape": [1, 2]}, "line 2: is damaged"),
        ({"cost": [1.0]}, "line 2: is damaged: its rows differ in number"),
        ({"zero": [[10**30]]}, "line 2: is damaged"),
        ({"zero": [[0]]}, "line 2: is damaged: its zero points"),
        ({"block": float("inf")}, "line 2: is damaged"),
        ({"block": 1}, "is damaged: it has no codes"),
    ],
)
def test_a_damaged_line_is_refused(tmp_path, change, words):
    model, X, journal = convolutional(), images(), tmp_path / "run.jsonl"
    round_graph(model, X, backend="nearest", include=["n_c0"], journal=journal)
    head, line = map(json.loads, journal.read_text().splitlines())
    journal.write_text("".join(f"{json.dumps(each)}\n" for each in (head, line | change)))
    with pytest.raises(InputError, match=words) as raised:
        round_graph(model, X, backend="nearest", include=["n_c0"], journal=journal)
    assert str(journal) in str(raised.value)
