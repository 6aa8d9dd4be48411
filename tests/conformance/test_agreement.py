"""Every backend, under every encoder that fits, against the errors of all networks, on random instances.

The suite follows the registry: a backend that another package installs is run too. ``pytest
tests/conformance --hypothesis-profile=thorough`` runs 3,000 instances a case instead of a few.
"""

from __future__ import annotations

import numpy as np
import pytest
from agreement import agree, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import instances

import qnnt
from qnnt import registry
from qnnt.backends.base import Backend

# PySAT's other solvers answer the same formulas: each instance goes to one of them, drawn at random.
SAT_VARIANTS = [b.name for b in registry.backends() if b.name.startswith("sat:")]
INSTANCES = st.one_of(instances(max_networks=5000, min_points=3), instances(max_networks=500))
SLOW = {"dimacs": 12, "milp": 4, "cpsat": 2, "pseudo-boolean": 2}  # fewer instances in a quick run


@pytest.mark.parametrize(("backend", "encoder"), cases(), ids=lambda name: str(name).rpartition("/")[2])
def test_agreement_with_enumeration(backend: str, encoder: str) -> None:
    family = backend.partition(":")[0]
    if family == "sat":
        choice: st.SearchStrategy[str] = st.sampled_from(SAT_VARIANTS)
    else:
        choice = st.just(backend)
        available = registry.backend(backend).availability()
        if not available.available:
            pytest.skip(available.reason or "not available")
    most = settings().max_examples
    if most < 1000:
        most //= SLOW.get(family, 1)

    @settings(max_examples=most)
    @given(INSTANCES, choice, st.booleans())
    def run(instance: qnnt.Instance, backend: str, symmetry: bool) -> None:
        agree(instance, backend, encoder, symmetry)

    run()


@pytest.mark.parametrize("backend", registry.backends(), ids=lambda b: b.name)
def test_a_backend_declares_what_it_is(backend: Backend) -> None:
    assert registry.backend(backend.name).name == backend.name or backend.name == "dimacs"
    assert backend.accepts
    assert backend.summary
    available = backend.availability()
    assert available.version if available.available else available.reason


@pytest.mark.parametrize("backend", registry.backends(), ids=lambda b: b.name)
def test_a_backend_takes_a_large_case_or_says_why_not(backend: Backend) -> None:
    x = np.indices((3,) * 6).reshape(6, -1).T - 1
    instance = qnnt.Instance(
        qnnt.Domain(3), qnnt.Architecture.dense([6, 4, 2]), qnnt.Dataset(x, np.ones((len(x), 2), dtype=int))
    )
    refusal = backend.refuses(instance)
    assert refusal is None or "try" in refusal
