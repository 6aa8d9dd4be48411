"""Small instances of every domain and activation, and mistakes that an encoder to clauses may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import qnnt
from qnnt.encoders import clauses
from qnnt.encoders.adder import known_multiple
from qnnt.encoders.clausebank import ClauseBank
from qnnt.encoders.sums import Column, Sum
from qnnt.symmetry import Interchange, interchanges
from qnnt.testing.brute_force import Truth

NAMED = {"relu": 1, "step": 2, "sign": 3}  # the least d whose domain has the values
UNEVEN = {2: ((1,), (0, 1)), 3: ((-1, 2), (-1, 0, 1)), 4: ((-3, 0, 1), (-1, 0, 1, 2)), 5: ((0,), (-2, 2))}


def activations(d: int) -> Iterator[qnnt.Activation | str]:
    yield from (name for name, least in NAMED.items() if d >= least)
    if d in UNEVEN:
        yield qnnt.Activation(*UNEVEN[d])


@cache
def cases() -> dict[str, tuple[qnnt.Instance, Truth]]:
    """Instances under goals that few networks meet, by name."""
    found = {}
    for d in range(1, 6):
        domain, rng = qnnt.Domain(d), np.random.default_rng(d)
        shapes = [[2, 1], [1, 1, 1], *([[1, 2, 1]] if d in (2, 3) else []), *([[2, 2]] if d == 2 else [])]
        for activation in activations(d):
            for layers, mirrored in [*((each, False) for each in shapes), ([2, 1], True)]:
                shown = activation if isinstance(activation, str) else "uneven"
                x = rng.integers(domain.lo, domain.hi + 1, size=(4, layers[0]))
                y = rng.integers(0, max(1, domain.hi + 1), size=(4, layers[-1]))
                x[1], y[1] = x[0], max(0, domain.hi - int(y[0, 0]))  # one input, two labels
                data = qnnt.Dataset(x, y, [1, 2, 1, 2])
                if mirrored:  # the inputs can be exchanged
                    data = qnnt.Dataset(np.vstack([x, x[:, ::-1]]), np.vstack([y, y]), [1, 2, 1, 2] * 2)
                instance = qnnt.Instance(domain, qnnt.Architecture.dense(layers), data, activation=activation)
                truth = Truth(instance)
                rare = min(truth.possible, key=lambda e: int((truth.errors == e).sum()))
                for goal in (qnnt.AtMost(truth.least), qnnt.Exactly(rare)):
                    name = f"{shown}-d{d}-{'-'.join(map(str, layers))}{'-mirrored' * mirrored}-{goal}"
                    found[name] = instance.with_goal(goal), truth
    return found


Patch = Callable[[pytest.MonkeyPatch], None]
REACHING, PIN, ADD, TARGETS = Sum.reaching, Sum.pin, ClauseBank.add_block, clauses.targets


def hidden_threshold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sum, "reaching", lambda self, thresholds: REACHING(self, thresholds + 1))


def output_threshold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sum, "pin", lambda self, thresholds, out, **how: PIN(self, thresholds - 1, out, **how))


def dropped_clause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        ClauseBank, "add_block", lambda self, block: ADD(self, block[:-1] if len(block) > 3 else block)
    )


def flipped_literal(patch: pytest.MonkeyPatch) -> None:
    def add_block(self, block):
        block = block.copy()
        if block.shape[1] == 3 and len(block):
            block[0, -1] *= -1
        ADD(self, block)

    patch.setattr(ClauseBank, "add_block", add_block)


def swapped_bias(patch: pytest.MonkeyPatch) -> None:
    def bias(self, connection):
        first, own = connection.first_bias, self.biases
        return Column(
            own.lo,
            own.hi,
            n_values=own.hi - own.lo + 1,
            n_bits=(own.hi - own.lo).bit_length(),
            leaf=lambda neurons, keys, up, down: own.take(first + neurons),
            binary=lambda neurons, keys: known_multiple(
                self._parameter_bits("biases").take(first + neurons), np.ones_like(keys)
            ),
        )

    patch.setattr(clauses._Layers, "_bias", bias)


def mirrored_inputs(patch: pytest.MonkeyPatch) -> None:
    def mirrored(instance):
        goal, domain = TARGETS(instance), instance.domain
        return replace(goal, inputs=np.clip(-goal.inputs, domain.lo, domain.hi))

    patch.setattr(clauses, "targets", mirrored)


def wrong_budget(patch: pytest.MonkeyPatch) -> None:
    count = clauses.count_errors
    patch.setattr(
        clauses,
        "count_errors",
        lambda bank, soft, gains, budget, exact: count(bank, soft, gains, budget + 1, exact=exact),
    )


def lost_counts(patch: pytest.MonkeyPatch) -> None:
    count = clauses.count_errors
    patch.setattr(
        clauses,
        "count_errors",
        lambda bank, soft, gains, budget, exact: count(bank, soft, np.ones_like(gains), budget, exact=exact),
    )


def lost_label(patch: pytest.MonkeyPatch) -> None:
    def most_frequent_only(instance):
        goal = TARGETS(instance)
        kept = goal.first
        return replace(goal, of=goal.of[kept], levels=goal.levels[kept], gains=goal.gains[kept])

    patch.setattr(clauses, "targets", most_frequent_only)


def mirrored_values(patch: pytest.MonkeyPatch) -> None:
    showing = clauses.showing
    patch.setattr(
        clauses,
        "showing",
        lambda reached, values: showing(-reached[:, ::-1] if len(values) > 1 else reached, values),
    )


def one_direction(patch: pytest.MonkeyPatch) -> None:
    product = clauses.product
    patch.setattr(
        clauses,
        "product",
        lambda bank, weights, acts, values, up, down: product(bank, weights, acts, values, up=up, down=False),
    )


def unordered_literals(patch: pytest.MonkeyPatch) -> None:
    """A parameter's literals need not fall: the clauses that come first are left out."""

    def add_block(self, block):
        if len(self._blocks) > 1 or (block > 0).sum() != (block < 0).sum():
            ADD(self, block)

    patch.setattr(ClauseBank, "add_block", add_block)


def false_twins(patch: pytest.MonkeyPatch) -> None:
    def more(instance):
        first = instance.architecture.connections[0]
        if first.n_source < 2:
            return interchanges(instance)
        rows = np.array([[a] for a in range(2)])
        return (Interchange(0, (0, 1), rows, 1),)

    patch.setattr(clauses, "interchanges", more)


MISTAKES: tuple[Patch, ...] = (
    hidden_threshold,
    output_threshold,
    dropped_clause,
    flipped_literal,
    swapped_bias,
    mirrored_inputs,
    wrong_budget,
    lost_counts,
    lost_label,
    mirrored_values,
    one_direction,
    unordered_literals,
    false_twins,
)
