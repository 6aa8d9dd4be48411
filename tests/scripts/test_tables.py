"""``scripts/tables.py``: the rounded perceptrons, the table and the picture."""

from dataclasses import replace

import pytest

import qnnt
from qnnt.limits import Status


@pytest.fixture
def tables(script):
    return script("tables")


@pytest.fixture
def iris(tables):
    names = ("tables-iris-h0", "tables-iris-h1")
    return {case.name: case.make() for case in tables.cases() if case.name in names}


def run(tables, case, contestant, errors, bound, incumbents=()):
    return tables.Run(
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


def test_a_rounded_perceptron_is_a_network_of_the_domain(tables, iris):
    instance = iris["tables-iris-h0"]
    least = qnnt.solve(instance, backend="maxsat").errors
    found = tables.perceptron(instance, seeds=1, scales=8)
    assert least <= found < instance.dataset.total
    assert tables.perceptron(iris["tables-iris-h1"], seeds=1, scales=3) >= 50


def test_stars_mark_what_is_proved(tables, iris):
    runs = [run(tables, "tables-iris-h0", "a", 30, 28), run(tables, "tables-iris-h0", "b", 29, 29)]
    head, row = tables.rows(runs, {"tables-iris-h0": iris["tables-iris-h0"]})
    assert head == ["", "a", "b", "bound", "first proof", "rounded perceptron"]
    assert row[:5] == ["iris-h0", "30", "29*", "29", "b, 5 s"]


def test_the_first_proof_is_the_one_of_fewest_seconds(tables, iris):
    case = "tables-iris-h0"
    late, early = run(tables, case, "a", 29, 29), replace(run(tables, case, "b", 29, 29), seconds=0.25)
    unproved = replace(run(tables, case, "c", 29, 28), seconds=0.1)
    _, row = tables.rows([late, early, unproved], {case: iris[case]})
    assert row[5] == "b, 0.25 s"
    _, row = tables.rows([unproved], {case: iris[case]})
    assert row[3] == "–"


def test_refuted_answers_bound_nothing(tables, iris):
    proved = {"outcome": "solved", "status": Status.OPTIMAL}
    runs = [
        replace(run(tables, "tables-iris-h0", "a", 30, 30), **proved),
        replace(run(tables, "tables-iris-h0", "b", 29, 29), **proved),
    ]
    judged, wrong = tables.judged(runs)
    assert len(wrong) == 1
    _, row = tables.rows(judged, {"tables-iris-h0": iris["tables-iris-h0"]})
    assert row[:5] == ["iris-h0", "wrong", "29*", "29", "b, 5 s"]


def test_mistakes(tables, capfd, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.touch()
    for words, said in (([str(path)], "holds no run of a table"), (["nowhere"], "cannot be read")):
        assert tables.run_program(tables.app, "tables", words) == 2
        assert said in capfd.readouterr().err


def test_the_picture(tables, tmp_path):
    pytest.importorskip("matplotlib")
    runs = [
        run(tables, "tables-iris-h0", "a", 30, 28, [(0.1, 100), (1.0, 30)]),
        run(tables, "tables-iris-h1", "a", None, None),
    ]
    tables.draw(runs, ["tables-iris-h0", "tables-iris-h1", "tables-iris-h2"], tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
