"""Binarised networks (weights −1, 0, 1; neurons of sign or step) by plain loops, against the backends.

Nothing of qnnt evaluates a network here: a neuron is a sum and a comparison, written out.
"""

from __future__ import annotations

import itertools
import random

import pytest

import qnnt

pytestmark = pytest.mark.usefixtures("unaided")

VALUES = (-1, 0, 1)
SHAPES = {"neuron": (2, None, 1), "outputs": (1, None, 2), "hidden": (1, 1, 1), "twins": (1, 2, 1)}


def fire(kind: str, z: int) -> int:
    if kind == "sign":
        return 1 if z >= 0 else -1
    return 1 if z >= 1 else 0


def layer(kind: str, weights: list[list[int]], biases: list[int], values: list[int]) -> list[int]:
    shown = []
    for row, bias in zip(weights, biases, strict=True):
        z = -bias
        for w, a in zip(row, values, strict=True):
            z += w * a
        shown.append(fire(kind, z))
    return shown


def matrices(rows: int, columns: int):
    for entries in itertools.product(VALUES, repeat=rows * columns):
        yield [list(entries[r * columns : (r + 1) * columns]) for r in range(rows)]


def functions(kinds: tuple[str, str], shape: tuple[int, int | None, int], inputs: list[list[int]]):
    """What each network says on each of the inputs."""
    n_in, n_hidden, n_out = shape
    if n_hidden is None:
        for weights in matrices(n_out, n_in):
            for biases in itertools.product(VALUES, repeat=n_out):
                yield [layer(kinds[1], weights, list(biases), x) for x in inputs]
        return
    for first in matrices(n_hidden, n_in):
        for first_biases in itertools.product(VALUES, repeat=n_hidden):
            hidden = [layer(kinds[0], first, list(first_biases), x) for x in inputs]
            for second in matrices(n_out, n_hidden):
                for biases in itertools.product(VALUES, repeat=n_out):
                    yield [layer(kinds[1], second, list(biases), h) for h in hidden]


def data(kinds: tuple[str, str], shape: tuple[int, int | None, int], seed: int):
    """Six points over three inputs, repeated and contradicting, and one label that no output shows."""
    rng = random.Random(seed)
    inputs = [[rng.choice(VALUES) for _ in range(shape[0])] for _ in range(3)]
    labels = (-1, 1) if kinds[1] == "sign" else (0, 1)
    points = [(rng.choice(inputs), [rng.choice(labels) for _ in range(shape[2])]) for _ in range(5)]
    never = 0 if kinds[1] == "sign" else -1
    return [*points, (rng.choice(inputs), [never] * shape[2])]


def possible_errors(kinds: tuple[str, str], shape: tuple[int, int | None, int], points) -> set[int]:
    inputs = [x for x, _ in points]
    found = set()
    for outputs in functions(kinds, shape, inputs):
        found.add(sum(said != label for said, (_, label) in zip(outputs, points, strict=True)))
    return found


@pytest.mark.parametrize("backend", ["enumeration", "sat", "maxsat", "cpsat", "milp:cbc", "treewidth"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "kinds", [("sign", "sign"), ("step", "step"), ("sign", "step"), ("step", "sign")], ids="-".join
)
def test_backends_agree_with_plain_loops(kinds: tuple[str, str], shape: str, backend: str) -> None:
    sizes = SHAPES[shape]
    for seed in range(2):
        points = data(kinds, sizes, seed)
        possible = possible_errors(kinds, sizes, points)
        instance = qnnt.Instance(
            qnnt.Domain(3),
            qnnt.Architecture.dense([n for n in sizes if n is not None]),
            qnnt.Dataset([x for x, _ in points], [y for _, y in points]),
            qnnt.Minimize(),
            activation=kinds,
        )
        result = qnnt.solve(instance, backend=backend, isolate=False)
        assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, min(possible))
        for errors in range(len(points) + 1):
            result = qnnt.solve(instance, goal=qnnt.Exactly(errors), backend=backend, isolate=False)
            exists = errors in possible
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE)
            assert result.errors in ((errors,) if exists else (None,))
