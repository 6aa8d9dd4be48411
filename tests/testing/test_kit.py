"""The kit itself: it knows the truth, catches what misbehaves, and takes exclusions by name and reason."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from faulty import Faulty
from hypothesis import given
from strategies import activations, instances

import qnnt
from qnnt.backends.base import Answer, Capability
from qnnt.backends.enumeration import EnumerationBackend, count_errors, parameter_blocks
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.encoders.direct import DirectEncoder
from qnnt.models import Formula
from qnnt.testing import (
    backend_cases,
    check_backend,
    check_encoder,
    encoder_cases,
    rounder_cases,
)
from qnnt.testing.brute_force import Truth
from qnnt.testing.instances import family, goals

pytestmark = pytest.mark.usefixtures("unaided")

CASES = {case.name: case for case in backend_cases()}


@given(instances(max_networks=3000, activation=activations))
def test_the_truth_is_that_of_other_evaluations(instance: qnnt.Instance) -> None:
    truth, start = Truth(instance), 0
    for block in parameter_blocks(instance):
        numbers = [truth.number(vector) for vector in block]
        assert (truth.errors[numbers] == count_errors(instance, block)).all()
        start += len(block)
    assert start == len(truth.errors)
    vector = truth.vectors[len(truth.vectors) // 2]
    assert qnnt.check(instance, instance.network(vector)).errors == truth.errors_of(vector)


def test_the_family_has_what_encoders_stumble_over() -> None:
    truths = family().values()
    assert {t.instance.domain.d for t in truths} == {1, 2, 3, 4, 5, 7}
    assert {t.instance.architecture.depth for t in truths} == {0, 1, 2}
    assert {c.dense for t in truths for c in t.instance.architecture.connections} == {True, False}
    assert {"relu", "sign", "step", ""} == {a.name for t in truths for a in t.instance.activations}
    assert any(t.instance.activation.hidden != t.instance.activation.output for t in truths)
    assert any(t.instance.architecture.twins for t in truths)
    assert any(not len(t.instance.dataset) for t in truths)
    assert any(2**32 < t.instance.dataset.total < 2**53 for t in truths)
    assert any(t.least > 2**53 and t.least + 1 in t.possible for t in truths)  # which doubles confuse
    assert any(t.least == t.instance.dataset.total > 0 for t in truths)  # no network gets a point right
    assert any(t.instance.choices.unavoidable > 0 for t in truths)


def test_goals_lie_on_both_sides_of_every_border() -> None:
    for truth in family().values():
        asked = goals(truth)
        assert sum(goal.minimizes for goal in asked) == 1
        exact = {goal.budget for goal in asked if goal.exact}
        for errors in range(min(truth.instance.dataset.total, 50) + 1):
            if (errors in truth.possible) != (errors + 1 in truth.possible):
                assert {errors, errors + 1} <= exact


@pytest.mark.parametrize("cases", [backend_cases, encoder_cases, rounder_cases])
def test_cases_have_names_of_their_own(cases) -> None:
    names = [str(case) for case in cases()]
    assert len(set(names)) == len(names) > 20
    assert names == [case.name for case in cases()]


def test_a_report_says_what_came_of_each_case() -> None:
    report = check_backend(EnumerationBackend(), isolate=False)
    assert not report.named("undecided")
    assert not report.named("excluded")
    assert "threads" in report.named("declined")
    assert report.findings["threads"].reason == "it declares no Capability.THREADS"
    assert len(report.passed) > 300
    assert str(report).startswith(f"{len(report.passed)} passed, ")


@dataclass(frozen=True)
class Noting(DirectEncoder):
    """Stands for any encoder object, and notes how its switch is set."""

    seen: ClassVar[set[bool]] = set()

    def apply(self, instance):
        self.seen.add(self.symmetry)
        return super().apply(instance)


def test_an_encoder_object_is_switched_and_has_to_fit() -> None:
    case = next(name for name in CASES if name.endswith("-unordered"))
    check_backend(EnumerationBackend(), CASES[case], encoder=Noting(symmetry=True), isolate=False)
    assert Noting.seen == {False}
    check_backend(
        EnumerationBackend(),
        CASES[case.removesuffix("-unordered")],
        encoder=Noting(symmetry=False),
        isolate=False,
    )
    assert Noting.seen == {False, True}
    with pytest.raises(qnnt.Unsupported, match="does not take what encoder 'clauses' makes"):
        check_backend(EnumerationBackend(), CASES[case], encoder=ClauseEncoder())


def test_exclusions_have_a_name_and_a_reason() -> None:
    shown = check_backend(
        EnumerationBackend(), isolate=False, exclude={"*-relu-*": "slow", "threads": "there are none"}
    )
    assert shown.findings["minimize-relu-twins"].reason == "slow"
    assert shown.findings["threads"].grade == "excluded"
    with pytest.raises(qnnt.UnknownWord, match="no case 'minimise-\\*'"):
        check_backend(EnumerationBackend(), exclude={"minimise-*": "slow"})
    for reason in ("", "  ", None):
        with pytest.raises(qnnt.InputError, match="needs a reason"):
            check_backend(EnumerationBackend(), exclude={"threads": reason})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("false-network", "for a network with"),
        ("no-network", "expected a network"),
        ("outside", "value 99 is not in Z_3"),
        ("false-optimum", "errors as the minimum; it said: OPTIMAL, cost 0"),
        ("false-cost", "expected an incumbent of"),
        ("false-bound", "expected a bound of at most"),
        ("false-impossible", "it said: UNSATISFIABLE"),
        ("raise", "it said: no answer: ArithmeticError: two and two make five"),
        ("silent", "expected a reason or a limit; it said: UNKNOWN"),
    ],
)
def test_backends_that_misbehave_are_caught(fault: str, said: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_backend(Faulty(fault), isolate=False)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"backend 'faulty:{fault}' fails ")
    assert len(lines) > 50
    failed = dict(line.strip().split(": ", 1) for line in lines[1:])
    assert set(failed) <= set(CASES)
    assert any(said in reason for reason in failed.values())


def test_a_crash_is_a_failure() -> None:
    with pytest.raises(AssertionError, match=r"solve|the solver process ended with signal 11"):
        check_backend(Faulty("segfault"), CASES["minimize-relu-twins"])


def test_a_backend_that_declines_everything_has_shown_nothing() -> None:
    with pytest.raises(AssertionError, match="decides none of"):
        check_backend(Faulty("declines"), isolate=False)
    with pytest.raises(qnnt.Unavailable, match="nobody wrote it"):
        check_backend(Faulty("missing"), isolate=False)


@dataclass(frozen=True)
class Hesitant(EnumerationBackend):
    """Gives up with a reason on every minimum; ``capabilities`` say whether it may."""

    capabilities: tuple = ()
    refusal: str | None = None

    def refuses(self, instance):
        return self.refusal or super().refuses(instance)

    def run(self, model, limits, report):
        if model.goal.minimizes:
            return Answer(qnnt.Status.UNKNOWN, reason="not today")
        return super().run(model, limits, report)


def test_who_declares_proofs_has_to_decide() -> None:
    case = CASES["minimize-relu-twins"]
    search = Hesitant((Capability.MINIMIZE,))
    assert check_backend(search, case, isolate=False).named("undecided") == (case.name,)
    with pytest.raises(AssertionError, match="not today"):
        check_backend(Hesitant((Capability.MINIMIZE, Capability.PROVE)), case, isolate=False)
    assert check_backend(Hesitant(), case, isolate=False).named("declined") == (case.name,)
    with pytest.raises(AssertionError, match="at least one incumbent"):
        check_backend(
            Hesitant((Capability.MINIMIZE, Capability.INCUMBENTS)), CASES["reports-incumbents"], isolate=False
        )


@dataclass(frozen=True)
class Misled(EnumerationBackend):
    """Takes a start for a proof that there is nothing else."""

    capabilities: tuple = (Capability.MINIMIZE, Capability.PROVE, Capability.STARTS)

    def run(self, model, limits, report, start=None):
        if start is not None and not model.goal.minimizes:
            return Answer(qnnt.Status.UNSATISFIABLE)
        return super().run(model, limits, report)


def test_who_declares_starts_is_asked_with_some() -> None:
    with pytest.raises(AssertionError, match=r"SATISFIABLE under at-most:[0-9]+ from a start of"):
        check_backend(Misled(), CASES["starts"], isolate=False)
    assert check_backend(EnumerationBackend(), CASES["starts"], isolate=False).named("declined") == (
        "starts",
    )


@dataclass(frozen=True)
class Overconfident(EnumerationBackend):
    """Claims more with its UNSATISFIABLE than there is."""

    capabilities: tuple = (Capability.MINIMIZE, Capability.PROVE)

    def run(self, model, limits, report):
        answer = super().run(model, limits, report)
        return replace(answer, bound=99) if answer.status is qnnt.Status.UNSATISFIABLE else answer


def test_the_bound_of_a_refutation_counts() -> None:
    with pytest.raises(AssertionError, match="expected a bound of at most"):
        check_backend(Overconfident(), isolate=False)


def test_a_refusal_names_an_alternative() -> None:
    case = CASES["at-most-0-relu-twins"]
    assert check_backend(Hesitant(refusal="is tired; try sat"), case).named("declined") == (case.name,)
    with pytest.raises(AssertionError, match="names an alternative"):
        check_backend(Hesitant(refusal="is tired"), case)


@dataclass(frozen=True)
class ShortCounts(EnumerationBackend):
    """Counts errors in a type of ``bits`` bits, which is too short for some."""

    counted: type = np.int32
    capabilities: tuple = (Capability.MINIMIZE, Capability.PROVE)

    def run(self, model, limits, report):
        truth = Truth(model)
        with np.errstate(over="ignore"):
            errors = (truth.wrong * model.dataset.counts.astype(self.counted)).sum(axis=1, dtype=self.counted)
        best = int(errors.argmin())
        if model.goal.minimizes:
            return Answer(qnnt.Status.OPTIMAL, truth.vectors[best], int(errors[best]), int(errors[best]))
        budget = self.counted(min(model.goal.budget, 2**62))
        good = np.flatnonzero(errors == budget if model.goal.exact else errors <= budget)
        if not len(good):
            return Answer(qnnt.Status.UNSATISFIABLE)
        return Answer(qnnt.Status.SATISFIABLE, truth.vectors[good[0]])


@pytest.mark.parametrize(("counted", "exponent"), [(np.uint32, 31), (np.float64, 55)])
def test_short_counts_are_caught(counted: type, exponent: int) -> None:
    named = [case for case in CASES.values() if f"counts-above-2-{exponent}" in case.name]
    assert len(named) > 10
    assert all(check_backend(EnumerationBackend(), case, isolate=False).passed for case in named)
    caught = []
    for case in named:
        try:
            check_backend(ShortCounts(counted=counted), case, isolate=False)
        except AssertionError as error:
            caught.append(str(error))
    assert caught


@dataclass(frozen=True)
class FaultyEncoder:
    """Clauses with one mistake."""

    fault: str
    symmetry: bool = True
    name = "faulty"
    makes = Formula

    def apply(self, instance):
        model, lift = ClauseEncoder(self.symmetry).apply(instance)
        if not lift.index.size:
            return model, lift
        bias = int(lift.index[-1, 0])  # true iff the last bias is above the least value
        match self.fault:
            case "narrow":
                return replace(model, hard=(*model.hard, np.array([[bias]], dtype=np.int32))), lift
            case "single":
                lowest = -lift.index.astype(np.int32).reshape(-1, 1)
                return replace(model, hard=(*model.hard, lowest)), lift
            case "hidden":  # all but the lowest bias of the last hidden neuron, which over Z_2 would be seen
                shape = instance.architecture
                if not shape.depth or instance.domain.d < 3:
                    return model, lift
                row = lift.index[-len(shape.layers[-1]) - 1 :][:1].astype(np.int32)
                return replace(model, hard=(*model.hard, row[row > 0][None])), lift
            case "offset":
                return replace(model, offset=model.offset + 1), lift
            case "lift":
                return model, replace(lift, index=lift.index[::-1])
            case "goal":
                return ClauseEncoder(self.symmetry).apply(instance.with_goal(qnnt.AtMost(10**6)))
            case _:
                raise ArithmeticError("two and two make five")


@pytest.mark.parametrize(
    ("fault", "case", "said"),
    [
        ("narrow", "networks-minimize-relu-d3", "expected an assignment for network [-1, -1, -1]"),
        ("hidden", "networks-minimize-relu-hidden", "expected an assignment for network"),
        ("single", "ordered-dense", "a network for every set of wrong points"),
        ("offset", "minimize-relu-twins", "expected a cost of 0, as the network has; it said: 1"),
        ("lift", "networks-minimize-relu-d3", "expected a cost of"),
        ("goal", "exactly-5-relu-twins", "expected no solution: no network has exactly:5 errors"),
        ("raise", "at-most-0-relu-twins", "it raised ArithmeticError: two and two make five"),
    ],
)
def test_encoders_that_misbehave_are_caught(fault: str, case: str, said: str) -> None:
    named = next(each for each in encoder_cases() if each.name == case)
    assert check_encoder(ClauseEncoder(), named).passed == (case,)
    with pytest.raises(AssertionError) as caught:
        check_encoder(FaultyEncoder(fault), named)
    assert said in str(caught.value)


class Riddle:
    """A model type that the kit does not know."""

    minimize = False

    def __init__(self, instance):
        self.instance = instance

    def cost(self, assignment):
        return self.instance.network(assignment).error(self.instance.dataset)


@dataclass(frozen=True)
class RiddleEncoder:
    symmetry: bool = True
    name = "riddle"
    makes = Riddle

    def apply(self, instance):
        return Riddle(instance), DirectEncoder().apply(instance)[1]


def test_another_model_type_needs_a_solver() -> None:
    def answer(model):
        truth = Truth(model.instance)
        good = [e for e in range(len(truth.errors)) if model.instance.goal.accepts(int(truth.errors[e]))]
        return truth.vectors[good[0]] if good else None

    case = next(each for each in encoder_cases() if each.name == "exactly-4-relu-twins")
    assert check_encoder(RiddleEncoder(), case).findings[case.name].reason == (
        "no reference solver for a Riddle; give solve="
    )
    assert check_encoder(RiddleEncoder(), case, solve=answer).passed == (case.name,)


def test_the_kit_needs_no_test_framework() -> None:
    code = (
        "import sys, qnnt.testing as t; t.backend_cases(), t.encoder_cases(), t.rounder_cases();"
        "assert not {'pytest', 'hypothesis', 'ortools', 'pysat', 'highspy', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
