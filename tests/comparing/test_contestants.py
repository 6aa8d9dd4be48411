"""Who takes part."""

from __future__ import annotations

import pytest

from qnnt import Limits
from qnnt.comparing.contestants import contestants
from qnnt.exceptions import UnknownWord


def test_threads_are_for_those_that_can_use_them():
    words = "auto,cpsat,maxsat,milp-textbook"
    found = {c.name: c.within(Limits(5, 100, 2, 7)) for c in contestants(words)}
    assert {name: limits.threads for name, limits in found.items()} == {
        "auto": 2,
        "cpsat": 2,
        "maxsat": 1,
        "milp-textbook": 2,
    }
    assert found["maxsat"] == Limits(5, 100, 1, 7)


def test_all_backends():
    names = [c.name for c in contestants("cpsat,all,cpsat@clauses")]
    assert names[:4] == ["cpsat", "auto", "cpsat-textbook", "milp-textbook"]
    assert names[-1] == "cpsat@clauses"
    assert len(names) == len(set(names))
    assert {"maxsat", "treewidth", "enumeration"} <= set(names)
    assert "dimacs" not in names  # it needs the name of a program


def test_every_encoder_that_fits():
    found = contestants("sat:cadical195,cpsat,treewidth,auto,cpsat@cpsat", "clauses,cpsat")
    assert [(c.name, c.backend, c.encoder) for c in found] == [
        ("sat:cadical195@clauses", "sat:cadical195", "clauses"),
        ("cpsat@clauses", "cpsat", "clauses"),
        ("cpsat@cpsat", "cpsat", "cpsat"),
        ("treewidth@clauses", "treewidth", "clauses"),  # which it will decline
        ("auto@clauses", "auto", "clauses"),
        ("auto@cpsat", "auto", "cpsat"),
    ]


def test_a_program_may_have_an_at_sign_in_its_path():
    (one,) = contestants("dimacs:./a@b/kissat -q")
    assert (one.backend, one.encoder) == ("dimacs:./a@b/kissat -q", None)


@pytest.mark.parametrize("words", ["frob", "cpsat@frob", "portfolio:maxsat+frob", "sat:frob", "auto,"])
def test_names_that_there_are_not(words):
    with pytest.raises(UnknownWord):
        contestants(words)
