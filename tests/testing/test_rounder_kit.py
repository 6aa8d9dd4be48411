"""The kit for rounders catches what misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

import qnnt
from qnnt.rounders.base import RowAnswer
from qnnt.rounders.enumeration import EnumerationRounder
from qnnt.rounders.nearest import NearestPlaneRounder
from qnnt.testing import check_rounder, rounder_cases


@dataclass(frozen=True)
class FaultyRounder(EnumerationRounder):
    """All assignments, with one mistake."""

    fault: str = ""

    def run(self, model, limits, prepared, stopped):
        answer = super().run(model, limits, prepared, stopped)
        match self.fault:
            case "bound":
                return replace(answer, bound=answer.bound * 1.01 + 1)
            case "box":
                return replace(answer, assignment=answer.assignment + 2)
            case "worst":
                return replace(answer, assignment=model.lower + model.upper - answer.assignment)
            case "float":
                return replace(answer, assignment=answer.assignment.astype(float))
            case "nothing":
                return replace(answer, assignment=None, reason="no idea")
            case "writes":
                model.target[:] = 0
        return answer


@pytest.mark.parametrize(
    ("fault", "case", "said"),
    [
        ("bound", "row-bits", "expected a bound of at most"),
        ("box", "row-wide", "expected an assignment in the box"),
        ("worst", "row-bits", "expected an assignment of cost"),
        ("float", "row-bits", "expected integers (8,); it said: float64"),
        ("nothing", "row-bits", "it said: none: no idea"),
        ("writes", "changes-nothing", "expected the model's target to be left as it is"),
    ],
)
def test_rounders_that_misbehave_are_caught(fault: str, case: str, said: str) -> None:
    named = next(each for each in rounder_cases() if each.name == case)
    assert check_rounder(EnumerationRounder(), named).passed == (case,)
    with pytest.raises(AssertionError) as caught:
        check_rounder(FaultyRounder(fault), named)
    assert said in str(caught.value)


@dataclass(frozen=True)
class IdleRounder(NearestPlaneRounder):
    """Takes no row, or gives up on every one."""

    takes: bool = True
    name, keeps_nearest = "idle", False

    def refuses(self, model):
        return None if self.takes else "takes nothing; try beam"

    def run(self, model, limits, prepared, stopped):
        return RowAnswer(qnnt.Status.UNKNOWN, reason="no idea")


@pytest.mark.parametrize("takes", [True, False])
def test_a_rounder_that_does_nothing_has_shown_nothing(takes: bool) -> None:
    with pytest.raises(AssertionError, match=r"rounds none of [0-9]+ rows"):
        check_rounder(IdleRounder(takes=takes))
    row = next(case for case in rounder_cases() if case.name == "row-bits")
    assert not check_rounder(IdleRounder(takes=takes), row).passed


def test_who_is_not_exact_may_miss_the_optimum() -> None:
    assert "row-correlated" in check_rounder(NearestPlaneRounder()).passed

    @dataclass(frozen=True)
    class Boastful(NearestPlaneRounder):
        exact = True

    with pytest.raises(AssertionError, match="rounder 'nearest-plane' fails"):
        check_rounder(
            Boastful(), exclude={"pickles": "a class within a function", "registered-name": "other"}
        )
