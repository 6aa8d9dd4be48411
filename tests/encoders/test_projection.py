"""The networks of an encoder's models are exactly those that meet the goal, and planted mistakes are caught.

Every encoder, d = 1 to 5, all activations: the models' parameters, each once, against all networks.
"""

from __future__ import annotations

import numpy as np
import pytest
from formulas import networks_of
from mistakes import MISTAKES, Patch, cases, false_twins

import qnnt
from qnnt import registry
from qnnt.encoders.base import Encoder
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.models import Formula
from qnnt.symmetry import arranged, interchanges
from qnnt.testing.reference import Restricted

ENCODERS = [encoder.name for encoder in registry.encoders() if encoder.makes is not qnnt.Instance]


def expect_projection(encoder: Encoder, name: str) -> None:
    """The networks of the models are those that meet the goal, or of those the ones in order."""
    instance, truth = cases()[name]
    classes = interchanges(instance) if encoder.symmetry and encoder.name != "plain" else ()
    good, others = set(), []
    for vector, errors in zip(truth.vectors, truth.errors.tolist(), strict=True):
        network = instance.network(vector)
        ordered = not classes or arranged(network, classes) == network
        if instance.goal.accepts(errors) and ordered:
            good.add(tuple(vector.tolist()))
        else:
            others.append(vector)
    model, lift = encoder.apply(instance)
    if isinstance(model, Formula):
        assert networks_of(model, lift) == good
        return
    restricted = Restricted(model, lift)
    assert not others or not restricted.admits_any(np.array(others))
    for vector in good:
        assert restricted.error(np.array(vector)) is not None


@pytest.mark.parametrize("symmetry", [False, True], ids=["free", "ordered"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_models_are_the_networks_that_meet_the_goal(encoder: str, symmetry: bool) -> None:
    """Models that take long to be asked about single networks are asked under one of two goals each."""
    made = registry.encoder(encoder, symmetry=symmetry)
    for number, (name, (instance, _)) in enumerate(cases().items()):
        slow = made.makes is not Formula
        for_the_order = "mirrored" in name or instance.n_networks > 1000
        left_out = not interchanges(instance) if symmetry else for_the_order
        if left_out or (slow and number % 4 in (1, 2)):
            continue
        expect_projection(made, name)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_is_caught(mistake: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the projection of some case, without a crash that would tell of it anyway."""
    mistake(monkeypatch)
    symmetry = mistake is false_twins
    for name in cases():
        try:
            expect_projection(ClauseEncoder(symmetry=symmetry), name)
        except AssertionError:
            return
    pytest.fail("no case tells of it")
