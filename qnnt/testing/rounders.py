"""What is checked of a rounder."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt import registry
from qnnt.domain import IntArray
from qnnt.exceptions import Unavailable, Unsupported
from qnnt.limits import Limit, Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.base import PROVED, Rounder, RowAnswer, keeps_nearest
from qnnt.rounding.layer import round_layer
from qnnt.rounding.rows import RowTask
from qnnt.testing import declared
from qnnt.testing.cases import PASSED, Case, CheckReport, Finding, Grade, expect, require_some, run_cases
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Hear, Tell, run_here

Reals = npt.NDArray[np.float64]

NOISE = 1e-9
"""By how much a bound may miss the optimum for rounding errors, as a share of the size of a row's terms."""
TOLERANCE = 1e-8
"""By how much a proof may: a solver in floating point keeps each row of its program to a tolerance."""


@dataclass(frozen=True)
class TestedRounder:
    """A rounder, and the seconds that a row may take: see :func:`check_rounder`."""

    rounder: Rounder
    time: float = 10.0

    def declines(self, model: QuadraticModel) -> Finding | None:
        """Why the rounder does not take the model, in words that name an alternative; None if it does."""
        state = self.rounder.availability()
        if not state.available:
            raise Unavailable(f"rounding backend {self.rounder.name!r}: {state.reason}")
        refusal = declared.alternative(self.rounder.refuses(model))
        return None if refusal is None else Finding(Grade.DECLINED, refusal)

    def ask(self, model: QuadraticModel, limits: Limits, *, stopped: bool = False) -> RowAnswer | None:
        """Prepare and run one row, in a process of its own if the rounder asks for one.

        None if that process was ended by the time limit.
        """
        task = OneRow(model, self.rounder, limits, stopped=_yes if stopped else _no)
        ended = run_isolated(task, _no_news) if self.rounder.isolated else run_here(task, _no_news)
        if ended.error is not None:
            raise ended.error
        late = ended.limit is Limit.TIME
        expect(ended.answer is not None or late, "an answer", f"none: {ended.reason or ended.limit}")
        return ended.answer


@dataclass(frozen=True)
class OneRow(RowTask):
    """A row that is a layer of its own: the process that runs it prepares the rounder, too."""

    prepared: Any = None

    def execute(self, tell: Tell[None], hear: Hear) -> RowAnswer:
        """What the rounder says; raises what it raises."""
        prepared = self.rounder.prepare(self.model.gram, _no)
        return RowTask(self.model, self.rounder, self.limits, prepared, self.stopped).execute(tell, hear)


def _yes() -> bool:
    return True


def _no() -> bool:
    return False


def _no_news(_: None) -> None:
    """Takes the news of rows, which have none."""


RounderCase = Case[TestedRounder]


def check_rounder(
    rounder: Rounder,
    case: RounderCase | None = None,
    *,
    exclude: Mapping[str, str] | None = None,
    time: float = 10.0,
) -> CheckReport:
    """Check one case of :func:`rounder_cases`, or all of them, and say what came of each.

    ``time`` is the limit of each row in seconds, and all that a rounder takes which uses what it is given.
    ``exclude`` is as in :func:`~qnnt.testing.check_backend`. What the rounder ``refuses`` is not asked of it,
    but the refusal has to name an alternative. An ``exact`` one has to prove every row that it takes; of any
    other, the assignment has to lie in the box and the bound to hold.

    Raises AssertionError that lists the cases that failed, and if all cases were run and it rounded no row,
    unless it ``keeps_nearest``; :class:`Unavailable` if the rounder cannot run here; :class:`UnknownWord` and
    :class:`InputError` for exclusions that name no case or have no reason.
    """
    tested = TestedRounder(rounder, time)
    report = run_cases(tested, f"rounder {rounder.name!r}", rounder_cases(), case, exclude or {})
    if case is None and not keeps_nearest(rounder):
        require_some(report, _row_cases(), f"rounder {rounder.name!r} rounds none of {{}} rows")
    return report


@cache
def rounder_cases() -> tuple[RounderCase, ...]:
    """All cases, always the same: what is declared, rows against every assignment, and limits.

    A case ``row-…`` is named by what is special about its quadratic model.
    """
    others: dict[str, Callable[[TestedRounder], Finding]] = {
        "declares-what-it-is": _declares,
        "pickles": _pickles,
        "variants": lambda tested: declared.variants(tested.rounder),
        "registered-name": lambda tested: declared.registered(tested.rounder, registry.rounder),
        "prepares-once": _prepares_once,
        "prepares-late": _prepares_late,
        "changes-nothing": _changes_nothing,
        "seed-latest": _seed,
        "stopped": _stopped,
        "layer": _layer,
        **{f"time-limit-{limit}": partial(_time_limit, limit) for limit in (1e-6, 0.01)},
    }
    return (*(Case(name, run) for name, run in others.items()), *_row_cases())


@cache
def _row_cases() -> tuple[RounderCase, ...]:
    return tuple(Case(f"row-{name}", partial(_row, name)) for name in models())


@cache
def models() -> dict[str, QuadraticModel]:
    """The quadratic models by name, of at most 1,024 assignments each.

    A variable whose row and column of the Gram matrix are zero is fixed, as in every layer that is rounded.
    """
    return dict(_models())


def _models() -> Iterator[tuple[str, QuadraticModel]]:
    rng = np.random.Generator(np.random.PCG64(5))
    design = rng.normal(size=(12, 8))
    gram, target = design.T @ design, rng.random(8)
    bits = _model(gram, target)
    yield "bits", bits
    yield "scaled", replace(bits, scale=0.25, constant=3.0)
    yield "one-variable", _model(gram[:1, :1], target[:1])
    yield "fixed", replace(bits, upper=np.array([0, 1, 0, 1, 1, 0, 1, 1]))
    yield "all-fixed", replace(bits, upper=bits.lower)
    yield "outside", _model(gram, 6 * target - 3)  # the nearest integers lie outside of the box
    yield "integral", _model(gram, np.rint(target))  # the target itself is an assignment, of cost 0
    yield "halves", _model(np.eye(8), np.full(8, 0.5))  # all assignments cost the same
    wide = _model(gram[:5, :5], 4 * target[:5] - 1)
    yield "wide", replace(wide, lower=np.full(5, -1), upper=np.full(5, 2))
    yield "uneven-box", replace(wide, lower=np.array([-3, 0, 0, -1, 2]), upper=np.array([4, 1, 0, 2, 3]))
    dead = design.copy()
    dead[:, [2, 5]] = 0.0
    live = np.ones(8, dtype=np.int64)
    live[[2, 5]] = 0
    yield "dead-columns", replace(_model(dead.T @ dead, target), upper=live)
    thin = design[:3]
    yield "rank-deficient", _model(thin.T @ thin, target)
    twins = design.copy()
    twins[:, 4:] = twins[:, :4]
    yield "twins", _model(twins.T @ twins, target)
    yield "zero", replace(_model(np.zeros((8, 8)), target), upper=np.zeros(8, dtype=np.int64))
    positive = np.abs(design) + 5  # one long direction: hard to descend
    yield "correlated", _model(positive.T @ positive, target)
    for name, factor in (("large", 1e9), ("small", 1e-9)):
        yield name, _model(factor * gram, target)


def _model(gram: Reals, target: Reals) -> QuadraticModel:
    """Bits around the target."""
    m = len(target)
    return QuadraticModel(gram, target, np.zeros(m, dtype=np.int64), np.ones(m, dtype=np.int64))


def cost(model: QuadraticModel, assignments: IntArray) -> Reals:
    """(n,) the objective of each assignment (n, m), term by term from the definition."""
    difference = assignments - model.target
    terms = difference[:, :, None] * model.gram * difference[:, None, :]
    return model.constant + model.scale * np.asarray(terms.sum(axis=(1, 2)))


@cache
def least(name: str) -> float:
    """The least cost of any assignment of a named model."""
    return _least(models()[name])


def _least(model: QuadraticModel) -> float:
    sizes = (model.upper - model.lower + 1).tolist()
    return float(cost(model, np.indices(sizes).reshape(len(sizes), -1).T + model.lower).min())


def _size(model: QuadraticModel) -> float:
    """A sum of absolute terms that no cost of this model exceeds."""
    furthest = np.maximum(np.abs(model.lower - model.target), np.abs(model.upper - model.target))
    return model.scale * float(furthest @ np.abs(model.gram) @ furthest) + abs(model.constant)


def judge(model: QuadraticModel, best: float, answer: RowAnswer | None, *, proof: bool) -> Finding:
    """Hold an answer against the least cost; with ``proof`` it has to be that, and its bound to say so.

    An answer without an assignment leaves the row rounded to nearest, which is no proof.
    """
    if answer is None:
        expect(not proof, f"an assignment of cost {best}", "none: the time limit was reached")
        return Finding(Grade.UNDECIDED, "the time limit was reached")
    noise, slack = NOISE * _size(model), TOLERANCE * _size(model)
    expect(answer.bound <= best * (1 + PROVED) + noise, f"a bound of at most {best}", answer.bound)
    v = answer.assignment
    if v is None:
        expect(not proof, f"an assignment of cost {best}", f"none: {answer.reason}")
        expect(bool(answer.reason), "a reason", answer)
        return Finding(Grade.UNDECIDED, str(answer.reason))
    integers = np.issubdtype(v.dtype, np.integer)
    expect(integers and v.shape == model.lower.shape, f"integers {model.lower.shape}", f"{v.dtype} {v.shape}")
    expect(bool(((model.lower <= v) & (v <= model.upper)).all()), "an assignment in the box", v.tolist())
    reached = float(cost(model, v[None, :])[0])
    if proof:
        expect(reached <= best * (1 + PROVED) + slack, f"an assignment of cost {best}", f"{reached}")
        proved = answer.bound >= reached * (1 - PROVED) - slack
        expect(proved, f"a bound of {best}", f"{answer.bound}, reason {answer.reason}")
    return PASSED


def _row(name: str, tested: TestedRounder) -> Finding:
    """One model against all of its assignments."""
    model = models()[name]
    declined = tested.declines(model)
    if declined is not None:
        return declined
    answer = tested.ask(model, Limits(time=tested.time))
    return judge(model, least(name), answer, proof=tested.rounder.exact)


def _declares(tested: TestedRounder) -> Finding:
    """Every fact that ``qnnt backends`` lists."""
    rounder = tested.rounder
    declared.lists(rounder)
    for what in ("exact", "isolated"):
        said = getattr(rounder, what)
        expect(isinstance(said, bool), f"True or False for {what}", repr(said))
    return PASSED


def _pickles(tested: TestedRounder) -> Finding:
    """So does what it prepares."""
    if tested.declines(models()["bits"]) is None:
        pickle.loads(pickle.dumps(tested.rounder.prepare(models()["bits"].gram, _no)))
    return declared.pickles(tested.rounder)


def _prepares_once(tested: TestedRounder) -> Finding:
    """What is prepared for a Gram matrix serves rows of other targets, and as often as they come."""
    model, rounder = models()["bits"], tested.rounder
    declined = tested.declines(model)
    if declined is not None or rounder.isolated:
        return declined or Finding(Grade.DECLINED, "it is to be run in processes of its own")
    prepared = rounder.prepare(model.gram, _no)
    for target in (model.target, 1 - model.target, model.target[::-1], model.target):
        row = replace(model, target=target)
        answer = rounder.run(row, Limits(time=tested.time), prepared, _no)
        judge(row, _least(row), answer, proof=rounder.exact)
    return PASSED


def _prepares_late(tested: TestedRounder) -> Finding:
    """Once the time is over, preparing ends and raises nothing."""
    declined = tested.declines(models()["bits"])
    if declined is None:
        tested.rounder.prepare(models()["bits"].gram, lambda: True)
    return declined or PASSED


def _changes_nothing(tested: TestedRounder) -> Finding:
    """The arrays of a model belong to the caller."""
    before = models()["bits"]
    model = pickle.loads(pickle.dumps(before))
    declined = tested.declines(model)
    if declined is not None:
        return declined
    tested.ask(model, Limits(time=tested.time))
    for what in ("gram", "target", "lower", "upper"):
        same = np.array_equal(getattr(model, what), getattr(before, what))
        expect(same, f"the model's {what} to be left as it is", "it was changed")
    return PASSED


def _seed(tested: TestedRounder) -> Finding:
    """The greatest seed that limits allow is taken."""
    model = models()["correlated"]
    declined = tested.declines(model)
    if declined is not None:
        return declined
    answer = tested.ask(model, Limits(time=tested.time, seed=2**31 - 1))
    return judge(model, least("correlated"), answer, proof=tested.rounder.exact)


def _stopped(tested: TestedRounder) -> Finding:
    """If nobody waits, whatever is answered has to hold."""
    model = models()["correlated"]
    declined = tested.declines(model)
    if declined is not None:
        return declined
    answer = tested.ask(model, Limits(time=tested.time), stopped=True)
    return judge(model, least("correlated"), answer, proof=False)


def _time_limit(seconds: float, tested: TestedRounder) -> Finding:
    """Cut short, an answer claims no more than is true."""
    model = models()["correlated"]
    declined = tested.declines(model)
    if declined is not None:
        return declined
    return judge(model, least("correlated"), tested.ask(model, Limits(time=seconds)), proof=False)


def _layer(tested: TestedRounder) -> Finding:
    """From end to end by ``round_layer``, which computes the costs anew."""
    rng = np.random.Generator(np.random.PCG64(3))
    W, b, X = rng.normal(size=(2, 4)), rng.normal(size=2), rng.random((10, 4))
    try:
        rounded = round_layer(W, b, X, bits=2, backend=tested.rounder, row_time=tested.time)
    except Unsupported as declines:
        return Finding(Grade.DECLINED, str(declines))
    expect(bool((rounded.lower_bound <= rounded.cost).all()), "bounds up to the costs", rounded.lower_bound)
    if tested.rounder.exact:
        expect(bool(rounded.proved.all()), "a proof for every row", rounded.reasons)
    return PASSED
