"""Boxes, and models restricted to them: what brute force finds in a box is what a solver finds there."""

from __future__ import annotations

import pickle
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt import registry
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.box import Box, _apart, partition
from qnnt.domain import Domain
from qnnt.encoders.boxed import BoxedEncoder
from qnnt.instance import Instance
from qnnt.models import Bounded

BOUNDED = [e.name for e in registry.encoders() if issubclass(e.makes, Bounded)]
SOLVER = {
    "Formula": "sat",
    "CpSatModel": "cpsat",
    "LinearModel": "milp:cbc",
    "PseudoBooleanModel": "milp:cbc",
}


@st.composite
def boxes(draw: st.DrawFn, instance: Instance) -> Box:
    n, domain = instance.architecture.n_parameters, instance.domain
    value = st.integers(domain.lo, domain.hi)
    limited = draw(st.sets(st.integers(0, n - 1), max_size=n))
    return Box(tuple((p, *sorted((draw(value), draw(value)))) for p in limited))


def test_every_encoder_of_models_can_be_restricted() -> None:
    assert set(BOUNDED) == {e.name for e in registry.encoders()} - {"direct"}


@pytest.mark.parametrize("encoder", BOUNDED)
def test_a_box_leaves_the_networks_inside(encoder: str) -> None:
    chosen = registry.encoder(encoder, symmetry=False)
    backend = registry.backend(SOLVER[chosen.makes.__name__])
    slow = 1 if backend.name.startswith("sat") else 5

    @settings(max_examples=max(4, settings().max_examples // slow))
    @given(instances(max_networks=400, activation=activations), st.data())
    def run(instance: Instance, data: st.DataObject) -> None:
        box = data.draw(boxes(instance))
        vectors = np.concatenate(list(parameter_blocks(instance)))
        inside = np.array([vector in box for vector in vectors])
        errors = count_errors(instance, vectors)[inside]
        restricted = BoxedEncoder(chosen, box)
        for goal in (
            qnnt.Minimize(),
            qnnt.AtMost(int(errors.min())),
            qnnt.AtMost(max(0, int(errors.min()) - 1)),
        ):
            model, lift = restricted.apply(instance.with_goal(goal))
            answer = backend.run(model, qnnt.Limits(), Silent())
            if answer.assignment is not None:
                assert lift(answer.assignment).vector in box
            if goal.minimizes:
                assert (answer.status, answer.cost) == (qnnt.Status.OPTIMAL, errors.min())
            else:
                there = bool((errors <= goal.budget).any())
                assert (answer.status is qnnt.Status.SATISFIABLE) == there

    run()


class Silent:
    def known(self) -> None:
        return None

    def incumbent(self, assignment, cost) -> None:
        pass

    def bound(self, bound) -> None:
        pass

    def progress(self, done, total) -> None:
        pass


def test_models_are_left_as_they_are() -> None:
    """A box makes another model: one that is kept can be restricted again."""
    instance = Instance(Domain(3), qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[1]], [[1]]))
    for name in BOUNDED:
        model, lift = registry.encoder(name).apply(instance)
        before = (
            repr(pickle.dumps(model)) if name != "cpsat" and name != "cpsat-textbook" else str(model.model)
        )
        model.within(*lift.bounds(Box(((0, 1, 1), (1, -1, 0)))))
        after = (
            repr(pickle.dumps(model)) if name != "cpsat" and name != "cpsat-textbook" else str(model.model)
        )
        assert before == after


def test_a_box_around_a_network_frees_some_parameters() -> None:
    box = Box.around(np.array([1, -1, 0]), free=[1])
    assert box.sides == ((0, 1, 1), (2, 0, 0))
    assert np.array([1, 1, 0]) in box
    assert np.array([1, 1, 1]) not in box
    assert Box.around(np.array([1, 2])).sides == ((0, 1, 1), (1, 2, 2))
    assert pickle.loads(pickle.dumps(box)) == box


@pytest.mark.parametrize("sides", [((0, 1, 0),), ((0, 0, 1), (0, 1, 1)), ((-1, 0, 0),)])
def test_what_is_no_box(sides) -> None:
    with pytest.raises(ValueError, match="parameter"):
        Box(sides)


@pytest.mark.parametrize("sides", [((7, 0, 0),), ((0, -2, 0),), ((0, 0, 2),)])
def test_a_box_that_does_not_fit_is_named(sides) -> None:
    instance = Instance(Domain(3), qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[1]], [[1]]))
    with pytest.raises(ValueError, match=r"parameter|leaves"):
        BoxedEncoder(registry.encoder("clauses"), Box(sides)).apply(instance)


def test_the_instance_itself_cannot_be_restricted() -> None:
    instance = Instance(Domain(3), qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[1]], [[1]]))
    with pytest.raises(qnnt.Unsupported, match="try clauses"):
        BoxedEncoder(registry.encoder("direct"), Box()).apply(instance)


def test_a_partition_covers_all_and_nothing_twice() -> None:
    domain = Domain(3)
    below, above = Box().halves(2, 0, domain)
    left, right = above.halves(0, 1, domain)
    assert partition([below, left, right], 3, domain)
    assert partition([Box()], 3, domain)
    assert not partition([below, left], 3, domain)
    assert not partition([below, left, right, right], 3, domain)
    # As large as the whole, but not apart.
    assert not partition([below, Box(((0, -1, 0),))], 3, domain)
    assert not partition([Box(((0, -1, -1),)), Box(((1, -1, -1),)), Box(((2, -1, -1),))], 3, domain)


def halved(count: int, domain: Domain, n_parameters: int) -> list[Box]:
    """So many boxes, the oldest cut in two again and again."""
    found = deque([Box()])
    while len(found) < count:
        box = found.popleft()
        ranges = (box.range(p, domain) for p in range(n_parameters))
        p, (least, greatest) = next((p, ends) for p, ends in enumerate(ranges) if ends[0] < ends[1])
        found += box.halves(p, (least + greatest + 1) // 2, domain)
    return list(found)


def test_many_boxes_are_compared_where_they_may_meet() -> None:
    """To compare all pairs of so many takes minutes."""
    domain = Domain(3)
    found = halved(15_000, domain, 20)
    assert partition(found, 20, domain)
    last = found[-1]
    twin = next(box for box in found[::-1] if box != last and len(box.sides) == len(last.sides))
    assert not partition([*found[:-1], twin], 20, domain)


@given(st.data())
@settings(max_examples=50)
def test_boxes_are_apart_if_no_two_meet(data: st.DataObject) -> None:
    """Some of a partition by cuts, with or without another box."""
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    domain, n = Domain(5), 4
    found = [halved(100, domain, n)[i] for i in rng.permutation(100)[: data.draw(st.integers(0, 100))]]
    lower = np.full((len(found), n), domain.lo)
    upper = np.full((len(found), n), domain.hi)
    for row, box in enumerate(found):
        p, least, greatest = box.arrays
        lower[row, p], upper[row, p] = least, greatest
    if data.draw(st.booleans()):
        ends = np.sort(rng.integers(domain.lo, domain.hi + 1, size=(2, 1, n)), axis=0)
        lower, upper = np.concatenate([lower, ends[0]]), np.concatenate([upper, ends[1]])
    meet = ((lower[:, None] <= upper) & (lower <= upper[:, None])).all(axis=2)
    assert _apart(lower, upper) == (meet.sum() == len(lower))
