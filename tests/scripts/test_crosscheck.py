"""``scripts/crosscheck.py``: its instances, what it calls a disagreement, and that it goes on."""

import json
import sys
from dataclasses import replace

import pytest

import qnnt


@pytest.fixture
def crosscheck(script):
    return script("crosscheck")


def test_an_instance_is_fixed_by_its_number(crosscheck):
    made = [crosscheck.instance(number) for number in range(60)]
    assert made == [crosscheck.instance(number) for number in range(60)]
    assert {type(each.goal) for each in made} == {qnnt.Minimize, qnnt.AtMost, qnnt.Exactly}
    assert {each.domain.d for each in made} == set(range(1, 9))
    assert {each.architecture.is_dense for each in made} == {True, False}


def test_claims_that_cannot_both_be_right(crosscheck):
    problem = qnnt.Instance.load("examples/teacher.json").with_goal("min")
    right = qnnt.solve(problem, backend="sat")
    high = replace(right, errors=right.errors + 1, lower_bound=right.errors + 1)
    none = replace(right, status=qnnt.Status.UNSATISFIABLE, errors=None, network=None)
    unknown = replace(right, status=qnnt.Status.UNKNOWN, lower_bound=0)
    assert crosscheck.conflicts(problem, [right, right, unknown]) == []
    assert len(crosscheck.conflicts(problem, [right, high])) == 2
    assert len(crosscheck.conflicts(problem.with_goal("at-most:3"), [right, none])) == 2


@pytest.mark.parametrize("fault", [KeyboardInterrupt, qnnt.QnntError])
def test_a_block_that_is_cut_is_done_again(fault, crosscheck, tmp_path, monkeypatch):
    output, done = tmp_path / "counts.json", []

    def run(number, *_):
        if number == 3:
            raise fault
        done.append(number)
        return crosscheck.instance(number), []

    monkeypatch.setattr(crosscheck, "BLOCK", 2)
    monkeypatch.setattr(crosscheck, "run", run)
    monkeypatch.setattr(crosscheck, "conflicts", lambda *_: ["doubt"])
    monkeypatch.setattr(sys, "argv", ["crosscheck", "--jobs", "1", "-o", str(output)])
    with pytest.raises(SystemExit):
        crosscheck.main()
    counts = json.loads(output.read_text())
    assert done == [0, 1, 2]
    assert (counts["next"], len(counts["disagreements"])) == (2, 2)


def test_it_goes_on_from_its_counts(crosscheck, tmp_path, monkeypatch, capsys):
    output = tmp_path / "counts.json"
    monkeypatch.setattr(crosscheck, "BLOCK", 2)
    for solves in (8, 16):
        monkeypatch.setattr(
            sys, "argv", ["crosscheck", "--solves", str(solves), "--jobs", "1", "-o", str(output)]
        )
        with pytest.raises(SystemExit) as ended:
            crosscheck.main()
        assert ended.value.code == 0
        counts = json.loads(output.read_text())
        assert counts["runs"] >= solves
    assert "0 disagreements" in capsys.readouterr().out
