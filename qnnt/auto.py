"""What ``auto`` stands for: the backend that expects to be done first."""

from __future__ import annotations

import logging
import math
from typing import Any

from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.exceptions import Unavailable
from qnnt.instance import Instance
from qnnt.workers.task import describe

_LOG = logging.getLogger(__name__)


def choose(instance: Instance, *, makes: type[Any] | None = None) -> str:
    """The name of the registered backend with the least estimate that can do the goal and does not decline.

    With ``makes``, a type of model, only backends that take it count. Each backend is asked in its default
    variant; the cheap questions come first, and no solver is loaded. Raises :class:`Unavailable` if none has
    an opinion and can run here.
    """
    asked = [b for b in registry.default_backends() if makes is None or issubclass(makes, b.accepts)]
    expected = [(_estimate(b, instance), b.name, b) for b in asked]
    offers = sorted(
        ((seconds, name, b) for seconds, name, b in expected if seconds is not None), key=lambda o: o[:2]
    )
    for place, (seconds, name, backend) in enumerate(offers):
        why_not = _objection(backend, instance)
        if why_not is None:
            rest = ", ".join(f"{other} {s:.2g} s" for s, other, _ in offers[place + 1 :]) or "none"
            _LOG.info("auto takes %s, which expects %.2g s; runners-up: %s", name, seconds, rest)
            return name
        _LOG.info("auto passes over %s: %s", name, why_not)
    taking = "" if makes is None else f" and takes a {makes.__name__}"
    raise Unavailable(f"no backend that auto may choose can run here{taking}: name one, see 'qnnt backends'")


def _estimate(backend: Backend, instance: Instance) -> float | None:
    """What the backend expects; None if it has no opinion, cannot do the goal, or fails to say."""
    if not hasattr(backend, "estimate"):
        return None
    if instance.goal.minimizes and Capability.MINIMIZE not in backend.capabilities:
        return None
    try:
        seconds = backend.estimate(instance)
        return None if seconds is None or math.isnan(seconds) else float(seconds)
    except Exception as error:
        _LOG.warning("backend %r fails to estimate: %s", backend.name, describe(error))
        return None


def _objection(backend: Backend, instance: Instance) -> str | None:
    """Why the backend cannot be chosen after all."""
    try:
        state = backend.availability()
        return backend.refuses(instance) if state.available else state.reason or "not available"
    except Exception as error:
        return describe(error)
