"""What the SAT, MaxSAT and DIMACS backends do beside agreeing with the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

import qnnt
from qnnt.backends import sat
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.models import Formula

pytestmark = pytest.mark.usefixtures("unaided")


def contradictory(weights: list[int]) -> qnnt.Instance:
    """One weight and one bias for points that no network gets all right, with large counts."""
    x = np.arange(len(weights))[:, None] % 3 - 1
    y = np.arange(len(weights))[:, None] % 2
    return qnnt.Instance(
        qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), qnnt.Dataset(x, y, weights), qnnt.Minimize()
    )


@pytest.mark.parametrize("solver", ["cadical153", "kissat404", "minisat-gh"])
@pytest.mark.parametrize("limit", [0, 10**9])
@pytest.mark.parametrize("weights", [[1] * 12, [7, 3, 11, 5, 2, 9], [700, 300, 1100, 500, 200, 900]])
def test_a_minimum_by_improving_solutions(
    monkeypatch: pytest.MonkeyPatch, solver: str, limit: int, weights: list[int]
) -> None:
    """Through the totalizer, and through pseudo-Boolean encodings for weights or where it gets too large."""
    monkeypatch.setattr(sat, "_TOTALIZER_LIMIT", limit)
    instance = contradictory(weights)
    expected = qnnt.solve(instance, backend="enumeration", isolate=False).errors
    result = qnnt.solve(instance, backend=f"sat:{solver}", isolate=False)
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, expected)


def test_incumbents_improve_and_bounds_rise() -> None:
    instance = contradictory([7, 3, 11, 5, 2, 9])
    seen: list[tuple[int | None, int]] = []
    for backend in ("sat", "maxsat"):
        seen.clear()
        result = qnnt.solve(
            instance,
            backend=backend,
            isolate=False,
            progress=lambda p: seen.append((p.incumbent, p.bound)),
        )
        incumbents = [i for i, _ in seen if i is not None]
        assert incumbents == sorted(incumbents, reverse=True)
        assert [b for _, b in seen] == sorted(b for _, b in seen)
        assert incumbents
        assert all(b <= (result.errors or 0) for _, b in seen)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("#!/bin/sh\nexit 0\n", "exit status 0"),
        ("#!/bin/sh\necho 's UNSATISFIABLE'\nexit 0\n", "s UNSATISFIABLE"),
        ("#!/bin/sh\necho 's SATISFIABLE'\nexit 20\n", "exit status 20"),
        ("#!/bin/sh\nexit 20\n", "no output"),
        ("#!/bin/sh\necho out of luck >&2\nexit 1\n", "out of luck"),
        ("#!/bin/sh\necho 's SATISFIABLE'\necho 'v one two 0'\nexit 10\n", "other things than numbers"),
        ("#!/bin/sh\necho 's SATISFIABLE'\necho 's UNSATISFIABLE'\nexit 20\n", "no answer"),
        ("#!/bin/sh\nhead -c 100000 /dev/urandom\nexit 20\n", "no answer"),
        ("#!/bin/sh\necho 's SATISFIABLE'\nyes v 1 2 3\n", "more than an answer"),
        ("#!/bin/sh\nexec cat /dev/zero\n", "more than an answer"),
        ("#!/bin/sh\nhead -c 300000 /dev/zero >&2\necho broken >&2\nexit 1\n", "broken"),
        ("#!/bin/sh\nkill -9 $$\n", "exit status -9"),
    ],
)
def test_a_program_that_does_not_answer_properly_is_unknown(
    tmp_path: Path, program: str, reason: str
) -> None:
    path = tmp_path / "solver"
    path.write_text(program)
    path.chmod(0o755)
    result = qnnt.solve(contradictory([1, 1]), goal=qnnt.AtMost(0), backend=f"dimacs:{path}", isolate=False)
    assert result.status is qnnt.Status.UNKNOWN
    assert reason in (result.reason or "")


def test_a_program_that_claims_a_false_model_is_caught(tmp_path: Path) -> None:
    path = tmp_path / "solver"
    path.write_text("#!/bin/sh\necho 's SATISFIABLE'\necho 'v 0'\nexit 10\n")
    path.chmod(0o755)
    data = qnnt.Dataset([[0], [1]], [[0], [1]])
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data)
    with pytest.raises(qnnt.WrongAnswer):
        qnnt.solve(instance, backend=f"dimacs:{path}", isolate=False)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(qnnt.Unavailable, match="no executable program '/nowhere/solver'"):
        qnnt.solve(contradictory([1]), backend="dimacs:/nowhere/solver")


class Unfinished:
    """A solver of PySAT that is stopped before it knows."""

    def solve(self) -> None:
        return None


def test_a_solver_without_a_verdict_has_not_proved_anything() -> None:
    with pytest.raises(RuntimeError, match="without a verdict"):
        sat.asked(Unfinished(), 3)


class Repeating(sat.Oracle):
    """Gives one model to every question, with every soft literal false."""

    def __init__(self, formula: Formula) -> None:
        self.model = np.zeros(formula.n_variables + 1, dtype=np.int8)
        self.model[np.abs(formula.soft)] = formula.soft < 0

    def solve(self, stop: Callable[[], bool] = bool) -> sat.Model:
        return self.model

    def add(self, clauses: list[list[int]]) -> None:
        pass


def test_a_model_that_is_not_better_ends_the_search() -> None:
    formula, _ = ClauseEncoder().apply(contradictory([1] * 6))
    with pytest.raises(RuntimeError, match="asked for less than 6 errors"):
        sat.improve(formula, Repeating(formula), Mock(known=lambda: None))
