from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qnnt import AtMost, Instance, Limit, Minimize, Result, Status, WrongAnswer
from qnnt.cli.program import run
from qnnt.verify.agreement import disagreements

ROOT = Path(__file__).parents[2]
TEACHER = ROOT / "examples" / "teacher.json"


@pytest.fixture
def compare(script):
    return script("compare")


def call(compare, *arguments: object) -> int:
    return run(compare.app, "compare", [str(a) for a in arguments])


def test_runs_every_pair_that_fits(compare, capfd):
    status = call(
        compare, TEACHER, "--backends", "sat:cadical195,cpsat,enumeration", "--encoders", "clauses,cpsat"
    )
    out, table = capfd.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [(r["backend"], r["encoder"], r["status"]) for r in rows] == [
        ("sat:cadical195", "clauses", "SATISFIABLE"),
        ("cpsat", "clauses", "SATISFIABLE"),
        ("cpsat", "cpsat", "SATISFIABLE"),
        ("enumeration", None, None),
    ]
    assert rows[0]["instance"] == str(TEACHER)
    assert "takes none of the encoders asked for" in rows[-1]["declined"]
    assert table.count("SATISFIABLE") == 3
    assert "takes none of the encoders" in table


def test_auto_and_portfolios_are_rows(compare, capfd):
    names = "auto,portfolio:sat+cpsat"
    assert call(compare, TEACHER, "--backends", names, "--encoders", "clauses,cpsat", "--threads", 2) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [r["backend"] for r in rows] == ["auto", "auto", "portfolio:sat+cpsat", "portfolio:sat+cpsat"]
    assert {r["status"] for r in rows[:3]} == {"SATISFIABLE"}
    assert {r["decided_by"] for r in rows[:3]} <= {"cpsat", "maxsat", "sat:cadical153"}
    assert "'sat:cadical153' does not take" in rows[3]["declined"]
    assert call(compare, TEACHER, "--backends", names, "--threads", 2) == 0
    own = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [r["encoder"] in ("clauses", "cpsat") for r in own] == [True, True]


def test_declined_cases_are_rows(compare, capfd, tmp_path):
    status = call(compare, TEACHER, "--backends", "enumeration,dimacs", "-o", tmp_path / "runs.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert status == 0
    assert "3^19" in rows[0]["declined"]
    assert "name a solver program" in rows[1]["declined"]
    out, err = capfd.readouterr()
    assert "3^19" in out
    assert err == ""


def test_an_answer_that_a_network_refutes_is_a_disagreement(compare, capfd, monkeypatch):
    import attempts

    honest = attempts.solve

    def solve(instance, *, backend, encoder, limits, progress):
        if backend.name == "maxsat":
            return Result(Status.UNSATISFIABLE, "at-most:0", "maxsat", "clauses", lower_bound=1)
        if backend.name == "cpsat":
            raise WrongAnswer("the replay says otherwise")
        return honest(instance, backend=backend, encoder=encoder, limits=limits)

    monkeypatch.setattr("attempts.solve", solve)
    assert call(compare, TEACHER, "--backends", "maxsat,sat:cadical195,cpsat") == 1
    _, table = capfd.readouterr()
    assert "≠ UNSATISFIABLE" in table
    assert "maxsat with clauses: no network meets at-most:0, but sat:cadical195 with clauses has" in table
    assert "cpsat with cpsat: the replay says otherwise" in table


def test_ctrl_c_ends_the_comparison_with_its_table(compare, capfd, monkeypatch):
    def solve(instance, *, backend, encoder, limits, progress):
        return Result(
            Status.UNKNOWN, "at-most:0", backend.name, encoder, limit=Limit.INTERRUPT, reason="interrupted"
        )

    monkeypatch.setattr("attempts.solve", solve)
    assert call(compare, TEACHER, TEACHER, "--backends", "maxsat,sat") == 130
    out, table = capfd.readouterr()
    assert out.count("\n") == 1
    assert table.count("UNKNOWN (interrupt)") == 1


@pytest.mark.parametrize(
    "arguments",
    [(), (TEACHER, "--backends", "frob"), (TEACHER, "--errors", "x"), ("nowhere",), (TEACHER, "-o", "/no/x")],
)
def test_mistakes(compare, capfd, arguments):
    assert call(compare, *arguments) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_what_cannot_both_be_right():
    network = Instance.load(TEACHER)  # any object: only its presence is looked at
    found = Result(Status.SATISFIABLE, "at-most:4", "a", "e", network=network, errors=3, lower_bound=0)
    best = replace(found, status=Status.OPTIMAL, errors=5, lower_bound=5)
    none = Result(Status.UNSATISFIABLE, "at-most:4", "b", "e", lower_bound=5)
    unknown = Result(Status.UNKNOWN, "at-most:4", "c", "e", lower_bound=3)
    assert disagreements(AtMost(4), [found, unknown, none, best]) == [
        (none, found, "no network meets at-most:4, but a with e has a network with 3 errors"),
        (best, found, "at least 5 errors, but a with e has a network with 3 errors"),
    ]
    assert disagreements(Minimize(), [best, best, unknown]) == []
    assert disagreements(AtMost(2), [found, replace(none, lower_bound=3)]) == []
