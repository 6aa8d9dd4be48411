"""A split is a partition, the same each time, and what it calls refuted is refuted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.box import partition
from qnnt.cubes import split
from qnnt.instance import Instance
from qnnt.symmetry import arranged, interchanges


@settings(max_examples=60)
@given(instances(max_networks=500, activation=activations), st.integers(1, 12), st.booleans())
def test_a_split_is_a_partition_and_refutes_what_is_refuted(
    instance: Instance, n: int, symmetry: bool
) -> None:
    if instance.goal.minimizes:
        instance = instance.with_goal(qnnt.AtMost(0))
    found = split(instance, n, symmetry=symmetry)
    assert found == split(instance, n, symmetry=symmetry)
    assert partition([*found.cubes, *found.refuted], instance.architecture.n_parameters, instance.domain)
    vectors = np.concatenate(list(parameter_blocks(instance)))
    good = [
        v
        for v, e in zip(vectors, count_errors(instance, vectors).tolist(), strict=True)
        if instance.goal.accepts(e)
    ]
    if symmetry:
        classes = interchanges(instance)
        good = [arranged(instance.network(v), classes).vector for v in good]
    for vector in good:
        assert not any(vector in box for box in found.refuted)
    if not good and not found.cubes:
        return
    # Fewer only if each cube is down to what propagation decides wholly.
    assert len(found.cubes) >= min(n, len({v.tobytes() for v in good}))


def test_as_many_cubes_as_were_asked_for() -> None:
    rng = np.random.default_rng(0)
    data = qnnt.Dataset(rng.integers(-1, 2, size=(30, 5)), rng.integers(0, 2, size=(30, 1)))
    instance = Instance(qnnt.Domain(3), qnnt.Architecture.dense([5, 2, 1]), data)
    for n in (1, 2, 7, 64):
        assert len(split(instance, n).cubes) == n
