"""Many copies of each data point: a backend answers rightly, or it declines.

An answer that is off by one data point in a quadrillion is a wrong answer.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from agreement import SHALLOW, agree, cases, title
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import instances

import qnnt
from qnnt import registry
from qnnt.backends.cpsat import CpSatBackend
from qnnt.backends.milp import MOST_SUM, MilpBackend, contradictory, satisfied
from qnnt.encoders.targets import targets
from qnnt.models import Formula, LinearModel, Rows

pytestmark = pytest.mark.usefixtures("unaided")

MOST_COUNTED = 2**62 - 1  # what a data set takes
SLOW = {"dimacs": 15, "milp": 6, "cpsat": 3, "pseudo-boolean": 3}  # fewer instances in a quick run

MAY_DECLINE = ("milp:highs", "milp:cbc", *SHALLOW)


def most_counted(backend: str) -> int:
    """How many data points a backend states that it counts rightly, if nothing but 1 divides all counts."""
    return MOST_SUM if backend.startswith("milp") else MOST_COUNTED


def exclusive_or(total: int, copies: int = 1) -> qnnt.Instance:
    """What one neuron cannot learn, from ``total`` points of which there are so many copies each."""
    quarter = total // 4
    counts = np.array([quarter - 1, quarter, quarter + 1, total - 3 * quarter]) * copies
    data = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], counts)
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), data)


def skip_unavailable(backend: str) -> None:
    available = registry.backend(backend).availability()
    if not available.available:
        pytest.skip(available.reason or "not available")


every_pair = pytest.mark.parametrize(("backend", "encoder"), cases(), ids=title)
each_milp = pytest.mark.parametrize("solver", MilpBackend.variants())


@every_pair
def test_as_many_points_as_a_backend_counts(backend: str, encoder: str) -> None:
    skip_unavailable(backend)
    most = most_counted(backend)
    agree(exclusive_or(most), backend, encoder, symmetry=True)
    if most < MOST_COUNTED:
        agree(exclusive_or(most, copies=10**9), backend, encoder, symmetry=True)


@every_pair
def test_one_point_more(backend: str, encoder: str) -> None:
    skip_unavailable(backend)
    total = most_counted(backend) + 1
    if total > MOST_COUNTED:
        with pytest.raises(qnnt.InputError, match=r"2\^62"):
            exclusive_or(total)
        return
    with pytest.raises(
        qnnt.Unsupported, match="sums of up to 100,000, a sum of this model can reach 100,001"
    ):
        qnnt.solve(exclusive_or(total), goal=qnnt.Minimize(), backend=backend, encoder=encoder)
    agree(exclusive_or(total), backend, encoder, symmetry=True, may_decline=True)


@st.composite
def large_counts(draw: st.DrawFn) -> qnnt.Instance:
    """Few points, each copied up to 2^58 times: powers of 10 and 2, their neighbours, multiples, others."""
    instance = draw(instances(max_networks=300, min_points=2))
    base = draw(
        st.one_of(
            st.integers(0, 16).map(lambda k: 10**k),
            st.builds(lambda k, near: 2**k + near, st.integers(1, 55), st.integers(-1, 1)),
        )
    )
    count = st.one_of(
        st.just(base),
        st.integers(max(1, base - 3), base + 3),
        st.integers(1, 5).map(lambda k: k * base),
        st.integers(1, 3),
        st.integers(1, 2**58),
    )
    data = instance.dataset
    counts = draw(st.lists(count, min_size=len(data), max_size=len(data)))
    dataset = qnnt.Dataset(data.inputs, data.labels, counts)
    errors = draw(st.one_of(st.integers(0, dataset.total + 1), st.just(10**30)))
    goal = draw(st.sampled_from([qnnt.AtMost, qnnt.Exactly]))(errors)
    return qnnt.Instance(instance.domain, instance.architecture, dataset, goal)


@every_pair
def test_right_or_declined(backend: str, encoder: str) -> None:
    skip_unavailable(backend)
    most = settings().max_examples
    if most < 1000:
        most = max(3, most // SLOW.get(backend.partition(":")[0], 1))  # the first one is always the least

    @settings(max_examples=most)
    @given(large_counts(), st.booleans())
    def run(instance: qnnt.Instance, symmetry: bool) -> None:
        agree(
            instance, backend, encoder, symmetry, may_decline=backend.startswith("milp") or backend in SHALLOW
        )

    run()


@each_milp
@pytest.mark.parametrize("encoder", ["milp", "milp-textbook", "pseudo-boolean"])
@pytest.mark.parametrize("copies", [10**9, 10**10, 10**18])
def test_a_budget_just_below_two_points(solver: str, encoder: str, copies: int) -> None:
    """Rounded to all of the points, or to none, the budget is another one."""
    skip_unavailable(f"milp:{solver}")
    instance = qnnt.Instance(
        qnnt.Domain(3),
        qnnt.Architecture.dense([1, 1]),
        qnnt.Dataset([[0], [1]], [[1], [1]], [copies, copies]),
        qnnt.AtMost(2 * copies - 1),
    )
    result = qnnt.solve(instance, backend=f"milp:{solver}", encoder=encoder)
    assert result.status is qnnt.Status.SATISFIABLE


@each_milp
@pytest.mark.parametrize("errors", [2**54, 2**54 + 1])
def test_an_exact_number_beyond_the_integers_of_a_double(solver: str, errors: int) -> None:
    skip_unavailable(f"milp:{solver}")
    instance = exclusive_or(8, copies=2**54).with_goal(qnnt.Exactly(errors))
    expected = qnnt.solve(instance, backend="enumeration", isolate=False).status
    assert qnnt.solve(instance, backend=f"milp:{solver}").status is expected


@pytest.mark.parametrize("encoder", ["cpsat", "cpsat-textbook", "clauses"])
@pytest.mark.parametrize(
    ("counts", "least"),
    [
        ([2**44 - 1, 2**31 - 1, 2**58, 2**49], 2**31 - 1),
        ([569, 10**17, 10**13, 10**15], 569),
        ([10**12 + 7, 10**16 + 7, 569, 10**15], 10**12 + 7),
        ([10**17 + 1, 569, 569, 569], 569),
    ],
)
def test_bounds_of_cpsat_are_below_the_minimum(encoder: str, counts: list[int], least: int) -> None:
    """CP-SAT tells its bounds in floating point, where large ones are rounded."""
    data = qnnt.Dataset([[0], [0], [1], [1]], [[0], [1], [0], [0]], counts)
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data, qnnt.Minimize())
    bounds = [0]
    result = qnnt.solve(
        instance,
        backend="cpsat",
        encoder=encoder,
        isolate=False,
        progress=lambda progress: bounds.append(progress.bound),
    )
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, least)
    assert max(bounds) <= least


def test_cpsat_tells_large_optima_apart() -> None:
    """Two values that differ by less than the precision of floating point are not one and the same."""
    rng, n = np.random.default_rng(1), 6
    for _ in range(60):
        weights = 2 ** rng.integers(54, 59, size=n) + rng.integers(-9, 10, size=n)
        soft = np.arange(2, n + 2, dtype=np.int32)
        clauses = rng.choice(soft, size=(14, 3)) * rng.choice(np.array([-1, 1], dtype=np.int32), size=(14, 3))
        formula = Formula(n + 1, (np.array([[1]], dtype=np.int32), clauses), soft, weights, 0, minimize=True)
        values = [np.array([0, 1, *bits]) for bits in product([0, 1], repeat=n)]
        costs = [
            formula.cost(v) for v in values if ((v[np.abs(clauses)] == 1) == (clauses > 0)).any(axis=1).all()
        ]
        answer = CpSatBackend().run(formula, qnnt.Limits(), Heard())
        expected = (qnnt.Status.OPTIMAL, min(costs)) if costs else (qnnt.Status.UNSATISFIABLE, None)
        assert (answer.status, answer.cost) == expected


def test_numbers_of_targets_are_small() -> None:
    """What divides all gains is taken out, also where labels contradict and where some have to be matched."""
    inputs, labels = [[0], [0], [1]], [[0], [1], [1]]
    copies = 10**15
    data = qnnt.Dataset(inputs, labels, [5 * copies + 1, 2 * copies + 1, 3 * copies])
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data)
    goal = targets(instance.with_goal(qnnt.AtMost(5 * copies + 1)))
    assert (goal.offset, goal.unit, goal.budget) == (2 * copies + 1, 3 * copies, 1)
    assert goal.gains.tolist() == [1, 0, 1]  # 2·10^15 + 1 points of label 1 are wrong, or 5·10^15 + 1
    assert targets(instance.with_goal(qnnt.AtMost(10**30))).budget == targets(instance).gains.sum()
    exactly = targets(instance.with_goal(qnnt.Exactly(5 * copies + 1)))
    assert (exactly.unit, exactly.infeasible) == (3 * copies, False)
    assert targets(instance.with_goal(qnnt.Exactly(5 * copies + 2))).infeasible


def linear(coef: list[list[int]], bounds: list[int], objective: list[int], lower: list[int]) -> LinearModel:
    m, n = np.shape(coef)
    rows = Rows(np.arange(0, m * n + 1, n), np.tile(np.arange(n), m), np.ravel(coef), np.array(bounds))
    names = tuple(f"w{i}" for i in range(n))
    return LinearModel(
        np.array(lower), np.ones(n, dtype=int), names, rows, np.array(objective), 0, minimize=True
    )


class Heard:
    def incumbent(self, assignment: object, cost: int) -> None:
        pass

    def bound(self, bound: int) -> None:
        pass


@pytest.mark.parametrize(
    "model",
    [
        linear(
            [[-250, -108, -1, -1], [250, 108, 1, 1], [249, 74, -85, 2]],
            [-251, 251, 92],
            [-216, -1, 2, -250],
            [0, -1, 0, 0],
        ),
        linear(
            [
                [19364, 24999, -22323, 2],
                [-19364, -24999, 22323, -2],
                [13600, 21675, -13336, -25000],
                [7677, -1, -3, 24999],
            ],
            [47324, -47324, 8339, 7679],
            [-10913, -1, -3523, -3],
            [0, 0, -1, 0],
        ),
    ],
    ids=["hundreds", "ten-thousands"],
)
def test_cbc_does_not_lose_a_solution_in_its_preprocessing(model: LinearModel) -> None:
    skip_unavailable("milp:cbc")
    ranges = [range(low, high + 1) for low, high in zip(model.lower, model.upper, strict=True)]
    solutions = [np.array(x) for x in product(*ranges) if satisfied(model, np.array(x))]
    answer = MilpBackend("cbc").run(model, qnnt.Limits(), Heard())
    assert (answer.status, answer.cost) == (qnnt.Status.OPTIMAL, min(map(model.cost, solutions)))


def test_a_crash_of_cbc_is_no_verdict_by_itself() -> None:
    """It crashes where bounds contradict, which is then found here; what is not found here stays a crash."""
    skip_unavailable("milp:cbc")
    model = linear(
        [[2, -1, -205, -159], [-2, 1, 205, 159], [2, -1, -127, -250], [-2, 1, 127, 250]],
        [-161, 161, -125, 125],
        [121, -250, 3, -105],
        [-1, 0, -1, 0],
    )
    assert contradictory(model)
    answer = MilpBackend("cbc").run(model, qnnt.Limits(), Heard())
    assert answer.status is qnnt.Status.UNSATISFIABLE
