"""Runs made by hand."""

from __future__ import annotations

import pytest

from qnnt import Architecture, AtMost, Dataset, Domain, Instance, Status
from qnnt.comparing.runs import Run
from qnnt.comparing.scores import Grid


@pytest.fixture
def made():
    """Makes a run by hand: on a case of the family ``f``, solved in ``seconds`` or not."""

    def make(case, contestant, seconds=None, **more):
        base = {
            "case": case,
            "family": "f",
            "contestant": contestant,
            "instance": "0",
            "goal": "at-most:2",
            "time_limit": 10.0,
            "threads": 1,
            "whole_process": False,
            "outcome": "unknown" if seconds is None else "solved",
            "backend": contestant,
            "encoder": "e",
            "status": Status.UNKNOWN if seconds is None else Status.SATISFIABLE,
            "seconds": 10.0 if seconds is None else seconds,
        }
        return Run(**{**base, **more})

    return make


@pytest.fixture
def grid(made):
    """Three cases, three contestants; ``b`` and ``auto`` tie on the first one."""
    return Grid.of(
        [
            made("1", "auto", 1.0),
            made("1", "b", 1.0),
            made("1", "c", 4.0),
            made("2", "auto"),
            made("2", "b", 5.0),
            made("2", "c", outcome="refused", status=None, seconds=None),
            made("3", "auto", 0.25),
            made("3", "b"),
            made("3", "c", 0.5),
        ]
    )


@pytest.fixture
def xor():
    """XOR for one neuron, which gets one point wrong at best."""
    data = Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
    return Instance(Domain(3), Architecture.dense([2, 1]), data, AtMost(1))
