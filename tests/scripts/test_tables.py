"""``scripts/tables.py``: the rounded perceptrons, the table and the picture."""

import pytest
from benchmark_runs import Run
from suite import cases
from tables import draw, perceptron, rows

import qnnt
from qnnt.limits import Status


@pytest.fixture(scope="module")
def iris():
    return {case.name: case.make() for case in cases() if case.name in ("tables-iris-h0", "tables-iris-h1")}


def run(case, contestant, errors, bound, incumbents=()):
    return Run(
        case=case,
        family="tables",
        contestant=contestant,
        instance="",
        goal="min",
        time_limit=5.0,
        threads=1,
        whole_process=False,
        outcome="unknown",
        backend=contestant,
        status=Status.UNKNOWN,
        errors=errors,
        lower_bound=bound,
        seconds=5.0,
        incumbents=list(incumbents),
    )


def test_a_rounded_perceptron_is_a_network_of_the_domain(iris):
    instance = iris["tables-iris-h0"]
    least = qnnt.solve(instance, backend="neuron").errors
    found = perceptron(instance, seeds=1, scales=8)
    assert least <= found < instance.dataset.total
    assert perceptron(iris["tables-iris-h1"], seeds=1, scales=3) >= 50


def test_stars_mark_what_is_proved(iris):
    runs = [run("tables-iris-h0", "a", 30, 28), run("tables-iris-h0", "b", 29, 29)]
    head, row = rows(runs, {"tables-iris-h0": iris["tables-iris-h0"]})
    assert head == ["", "a", "b", "bound", "rounded perceptron"]
    assert row[:4] == ["iris-h0", "30", "29*", "29"]


def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    runs = [
        run("tables-iris-h0", "a", 30, 28, [(0.1, 100), (1.0, 30)]),
        run("tables-iris-h1", "a", None, None),
    ]
    draw(runs, ["tables-iris-h0", "tables-iris-h1", "tables-iris-h2"], tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
