"""Every registered backend, encoder and rounder passes the kit that ships as ``qnnt.testing``.

The registry is followed: what another package installs is run too. A quick run leaves cases of the slow ones
to the profile ``thorough``, others for each encoder.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from agreement import IN_A_PROCESS, OPTIMIZERS, available, cases, share, thorough, title

from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.encoders.base import Encoder
from qnnt.rounders.base import Rounder
from qnnt.testing import (
    BackendCase,
    Case,
    backend_cases,
    check_backend,
    check_encoder,
    check_rounder,
    encoder_cases,
)

pytestmark = pytest.mark.usefixtures("unaided")

PAIRS = [*cases(), *OPTIMIZERS]
ENCODERS = list(registry.encoders())
DECLARED = ("declares-what-it-is", "pickles", "variants", "refuses-with-an-alternative")


def left_out(kit: Sequence[Case], step: int, first: int) -> dict[str, str]:
    """All cases of the kit but every ``step``-th, from number ``first`` on."""
    kept = {case.name for case in kit[first % step :: step]}
    return {case.name: "left to the thorough profile" for case in kit if case.name not in kept}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(map(title, pair)))
def test_backends(pair: tuple[str, str]) -> None:
    name, encoder = pair
    backend = available(name)
    exclude = left_out(backend_cases(), share(name), PAIRS.index(pair))
    check_backend(backend, encoder=encoder, exclude=exclude, isolate=name in IN_A_PROCESS)


def test_the_backends_of_this_package_prove_what_they_say() -> None:
    for backend in registry.backends():
        if type(backend).__module__.startswith("qnnt."):
            assert Capability.MINIMIZE in backend.capabilities
            assert (Capability.PROVE in backend.capabilities) != (backend.name == "local-search")


@pytest.mark.parametrize("backend", registry.backends(), ids=lambda b: b.name)
@pytest.mark.parametrize("case", [c for c in backend_cases() if c.name in DECLARED], ids=str)
def test_every_variant_declares_what_it_is(backend: Backend, case: BackendCase) -> None:
    """Also those that cannot run here."""
    check_backend(backend, case)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.name)
def test_encoders(encoder: Encoder) -> None:
    step = 1 if thorough() else 3
    names = [e.name for e in ENCODERS]
    check_encoder(encoder, exclude=left_out(encoder_cases(), step, names.index(encoder.name)))


@pytest.mark.filterwarnings("ignore:All bqm biases are zero")
@pytest.mark.parametrize("rounder", registry.rounders(), ids=lambda r: r.name)
def test_rounders(rounder: Rounder) -> None:
    state = rounder.availability()
    if not state.available:
        pytest.skip(state.reason or "not available")
    check_rounder(rounder, time=0.1 if rounder.name == "tabu" else 10)  # which takes all that it is given
