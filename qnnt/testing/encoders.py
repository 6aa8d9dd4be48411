"""What is checked of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

from qnnt.domain import IntArray
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unsupported
from qnnt.goals import AtMost, Exactly, Goal, Minimize
from qnnt.instance import Instance
from qnnt.models import ParameterLift
from qnnt.testing import declared, reference
from qnnt.testing.brute_force import Truth
from qnnt.testing.cases import (
    PASSED,
    Case,
    CheckReport,
    Finding,
    Grade,
    expect,
    require_some,
    run_cases,
)
from qnnt.testing.instances import family, goals, title

COUNTED = 81  # networks that a model is asked for one after another: all of a chain 1-1-1 over Z_3

Solve = Callable[[Any], "IntArray | None"]
"""Takes a model; gives an assignment, of least error if the model minimises, or None if there is none."""


@dataclass(frozen=True)
class TestedEncoder:
    """An encoder and what answers its models: see :func:`check_encoder`."""

    encoder: Encoder
    solve: Solve | None = None

    def apply(self, instance: Instance, *, symmetry: bool) -> tuple[Any, ParameterLift]:
        """The model and the lift, with interchangeable neurons ordered or not."""
        return declared.switched(self.encoder, symmetry).apply(instance)


EncoderCase = Case[TestedEncoder]


def check_encoder(
    encoder: Encoder,
    case: EncoderCase | None = None,
    *,
    solve: Solve | None = None,
    exclude: Mapping[str, str] | None = None,
) -> CheckReport:
    """Check one case of :func:`encoder_cases`, or all of them, and say what came of each.

    Models of the types in :mod:`qnnt.models` are solved by PySAT and CP-SAT. For a type of your own give
    ``solve``, which takes a model and gives an assignment for the lift, or None if there is none; under
    ``model.minimize`` one of least error. ``exclude`` is as in :func:`~qnnt.testing.check_backend`.

    A case in which the encoder raises :class:`Unsupported` counts as declined.

    Raises AssertionError that lists the cases that failed, and if all cases were run and no model was right;
    :class:`UnknownWord` and :class:`InputError` for exclusions that name no case or have no reason.
    """
    cases = encoder_cases()
    report = run_cases(TestedEncoder(encoder, solve), f"encoder {encoder.name!r}", cases, case, exclude or {})
    if case is None:
        require_some(report, _model_cases(), f"encoder {encoder.name!r} makes none of {{}} models")
    return report


@cache
def encoder_cases() -> tuple[EncoderCase, ...]:
    """All cases, always the same: what is declared, answers, and which networks a model admits.

    An answer case is named by its goal and its instance, and ends in ``-unordered`` if the encoder is not to
    order interchangeable neurons. In a case ``networks-…`` the model without an order is to admit exactly the
    networks that meet the goal, each at its own error; in ``ordered-…`` the model with an order is to keep,
    for every network, one that is wrong on the same points.
    """
    others: dict[str, Callable[[TestedEncoder], Finding]] = {
        "declares-what-it-is": _declares,
        "pickles": lambda tested: declared.pickles(tested.encoder),
        "keeps-nothing": _keeps_nothing,
    }
    return (*(Case(name, run) for name, run in others.items()), *_model_cases())


@cache
def _model_cases() -> tuple[EncoderCase, ...]:
    cases = []
    for name, truth in family().items():
        for goal in goals(truth):
            case = f"{title(goal)}-{name}"
            cases.append(Case(case, partial(_answer, truth, goal)))
            if truth.instance.architecture.twins:
                cases.append(Case(f"{case}-unordered", partial(_answer, truth, goal, symmetry=False)))
        if len(truth.vectors) <= COUNTED:
            for goal in (Minimize(), AtMost(truth.least), Exactly(truth.possible[-1])):
                cases.append(Case(f"networks-{title(goal)}-{name}", partial(_networks, truth, goal)))
    return (*cases, Case("ordered-dense", partial(_ordered, family()["dense"])))


def _answer(truth: Truth, goal: Goal, tested: TestedEncoder, *, symmetry: bool = True) -> Finding:
    """Solve the model, lift the assignment, and look at the network."""
    instance = truth.instance.with_goal(goal)
    try:
        model, lift = tested.apply(instance, symmetry=symmetry)
        assignment = (tested.solve or reference.solve)(model)
    except Unsupported as declines:
        return Finding(Grade.DECLINED, str(declines))
    exists = truth.exists(goal)
    wanted = f"a network with {truth.least} errors" if goal.minimizes else f"a network with {goal} errors"
    if assignment is None:
        expect(not exists, wanted, "the model has no solution")
        return PASSED
    errors = truth.errors_of(lift(assignment).vector)
    met = errors == truth.least if goal.minimizes else goal.accepts(errors)
    expect(met, wanted if exists else f"no solution: no network has {goal} errors", f"one with {errors}")
    if not isinstance(model, Instance):
        expect(model.minimize == goal.minimizes, f"minimize = {goal.minimizes}", model.minimize)
        cost = model.cost(assignment)
        close = cost == errors if goal.minimizes else cost >= errors
        expect(close, f"a cost of {errors}, as the network has", cost)
    return PASSED


def _networks(truth: Truth, goal: Goal, tested: TestedEncoder) -> Finding:
    """Without an order, each network is in the model if it meets the goal, and not if it does not."""
    restricted = _restricted(truth, goal, tested, symmetry=False)
    if isinstance(restricted, Finding):
        return restricted
    for vector, errors in zip(truth.vectors, truth.errors.tolist(), strict=True):
        cost, who = restricted.error(vector), f"network {vector.tolist()} with {errors} errors"
        if not goal.accepts(errors):
            expect(cost is None, f"no assignment for {who}", f"one of cost {cost}")
        else:
            expect(cost is not None, f"an assignment for {who}", "there is none")
            exact = not goal.minimizes or cost == errors
            expect(exact, f"a cost of {errors} for {who}", cost)
    return PASSED


def _ordered(truth: Truth, tested: TestedEncoder) -> Finding:
    """With an order, every set of points that some network gets wrong is kept."""
    restricted = _restricted(truth, Minimize(), tested, symmetry=True)
    if isinstance(restricted, Finding):
        return restricted
    behaviour = [tuple(row) for row in truth.wrong.tolist()]
    kept: set[tuple[bool, ...]] = set()
    for vector, wrong in zip(truth.vectors, behaviour, strict=True):
        if wrong not in kept and restricted.error(vector) is not None:
            kept.add(wrong)
    lost = set(behaviour) - kept
    expect(not lost, "a network for every set of wrong points", f"none for {sorted(lost)[:3]}")
    return PASSED


def _restricted(
    truth: Truth, goal: Goal, tested: TestedEncoder, *, symmetry: bool
) -> reference.Restricted | Finding:
    """The model with parameters that can be fixed, or why there is none."""
    try:
        model, lift = tested.apply(truth.instance.with_goal(goal), symmetry=symmetry)
    except Unsupported as declines:
        return Finding(Grade.DECLINED, str(declines))
    if isinstance(model, Instance):
        return Finding(Grade.DECLINED, "the model is the instance itself")
    if not isinstance(model, reference.KNOWN):
        return Finding(Grade.DECLINED, f"a {type(model).__name__} cannot be asked for one network")
    return reference.Restricted(model, lift)


def _declares(tested: TestedEncoder) -> Finding:
    """Name, model type and switch."""
    encoder = tested.encoder
    declared.named(encoder)
    expect(isinstance(encoder.makes, type), "a model type as makes", repr(encoder.makes))
    for symmetry in (True, False):
        said = declared.switched(encoder, symmetry).symmetry
        expect(said is symmetry, f"symmetry {symmetry}", said)
    return PASSED


def _keeps_nothing(tested: TestedEncoder) -> Finding:
    """Two encodings side by side: the lift of the first is not disturbed by the second."""
    truth = family()["relu-twins"]
    instance = truth.instance.with_goal(Minimize())
    try:
        model, lift = tested.apply(instance, symmetry=True)
        tested.apply(family()["relu-d2"].instance, symmetry=True)
        assignment = (tested.solve or reference.solve)(model)
    except Unsupported as declines:
        return Finding(Grade.DECLINED, str(declines))
    expect(isinstance(model, tested.encoder.makes), f"a {tested.encoder.makes.__name__}", type(model))
    expect(assignment is not None, "a solution of the first model", "there is none")
    errors = truth.errors_of(lift(cast(IntArray, assignment)).vector)
    expect(errors == truth.least, f"a network with {truth.least} errors from the first", f"{errors} errors")
    return PASSED
