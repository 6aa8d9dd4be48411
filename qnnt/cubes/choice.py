"""Which backend answers the parts of a run over cubes."""

from __future__ import annotations

from collections.abc import Sequence

from qnnt import registry
from qnnt.auto import PORTFOLIO, rank
from qnnt.backends.base import Backend
from qnnt.encoders.base import Encoder
from qnnt.encoders.boxed import cannot_bound
from qnnt.exceptions import Unavailable, Unsupported
from qnnt.goals import AtMost
from qnnt.instance import Instance


def as_part(instance: Instance) -> Instance:
    """The instance under a goal such as its parts have: a minimum is made of decisions."""
    return instance.with_goal(AtMost(instance.dataset.total)) if instance.goal.minimizes else instance


def backend_for_cubes(
    instance: Instance, backend: str | Backend | Sequence[str | Backend], asked: Encoder | None
) -> Backend:
    """The backend of all parts; ``auto`` is the quickest that proves and whose models can be restricted.

    Raises :class:`Unsupported` for several backends, and for one whose models have no bounds.
    """
    if backend == "auto":
        makes = None if asked is None else asked.makes
        for offer in rank(as_part(instance), makes=makes):
            if offer.proves and _objection(offer.backend, asked) is None:
                return offer.backend
        raise Unavailable("no backend that auto may choose can run here and takes cubes: name one")
    if isinstance(backend, str) and backend.partition(":")[0] != PORTFOLIO:
        chosen = registry.backend(backend)
    elif isinstance(backend, str | Sequence):
        raise Unsupported("cubes are answered by one backend, not by several that race")
    else:
        chosen = backend
    objection = _objection(chosen, asked)
    if objection is not None:
        raise Unsupported(f"backend {chosen.name!r} takes no cubes: {objection}")
    return chosen


def _objection(backend: Backend, asked: Encoder | None) -> str | None:
    """Why its models cannot be restricted."""
    return cannot_bound(registry.encoder_for(backend, asked, symmetry=True))
