"""Every backend, under every encoder that fits, against the errors of all networks, on random instances.

The suite follows the registry: a backend that another package installs is run too. ``pytest
tests/conformance --hypothesis-profile=thorough`` runs 1,000 instances for each backend, encoder and
activation instead of a few. The expected errors come from the kit's brute force.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agreement import SAT_VARIANTS, SHALLOW, agree, available, cases, share, thorough, title
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LEAST_D, activations, instances

import qnnt
from qnnt import registry
from qnnt.backends.base import Capability

pytestmark = pytest.mark.usefixtures("unaided")

MIXED = "mixed"
THOROUGH = 1000  # instances for each backend, encoder and activation
ACTIVATIONS = (*LEAST_D, MIXED)  # each named one, and others that differ for hidden and output neurons


def proving() -> list[tuple[str, str]]:
    """The pairs that have to decide every instance, minima included."""
    needed = {Capability.PROVE, Capability.MINIMIZE}
    return [pair for pair in cases() if needed <= set(registry.backend(pair[0]).capabilities)]


def drawn(activation: str, max_hidden: int) -> st.SearchStrategy[qnnt.Instance]:
    """Instances of at most 5,000 networks, with points to differ on, or with any data."""
    of: Callable = activations if activation == MIXED else lambda _: st.just(activation)
    kind = {"activation": of, "min_d": LEAST_D.get(activation, 1), "max_hidden": max_hidden}
    return st.one_of(instances(max_networks=5000, min_points=3, **kind), instances(max_networks=500, **kind))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("backend", "encoder"), proving(), ids=title)
def test_agreement_with_all_networks(backend: str, encoder: str, activation: str) -> None:
    # PySAT's other solvers answer the same formulas: each instance goes to one of them, drawn at random.
    solvers = st.sampled_from(SAT_VARIANTS) if backend == "sat" else st.just(available(backend).name)
    shallow = backend in SHALLOW
    seen: list[qnnt.Instance] = []
    quick = max(3, settings().max_examples // len(ACTIVATIONS) // share(backend))
    most = THOROUGH if thorough() else quick

    @settings(max_examples=most)
    @given(drawn(activation, 0 if shallow else 3), solvers, st.booleans())
    def run(instance: qnnt.Instance, backend: str, symmetry: bool) -> None:
        agree(instance, backend, encoder, symmetry, may_decline=shallow)
        seen.append(instance)

    run()
    assert len(seen) >= most


@pytest.mark.parametrize("backend", registry.backends(), ids=lambda b: b.name)
def test_a_name_leads_to_its_backend(backend) -> None:
    assert registry.backend(backend.name) == backend
