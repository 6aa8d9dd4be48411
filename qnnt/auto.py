"""What ``auto`` and ``portfolio`` stand for: the backends that expect to be done first."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.exceptions import InputError, Unavailable
from qnnt.instance import Instance
from qnnt.workers.task import describe

_LOG = logging.getLogger(__name__)

PORTFOLIO = "portfolio"
TRIVIAL = 0.3  # expected seconds below which one backend runs alone: another process would cost more
_TOO_SLOW = 8  # times what the quickest expects: such a backend is no help to it


@dataclass(frozen=True)
class Offer:
    """A backend that can be taken, and how many seconds it expects to take."""

    seconds: float
    backend: Backend

    @property
    def proves(self) -> bool:
        """Whether it comes to a verdict, given the time."""
        return Capability.PROVE in self.backend.capabilities

    def __str__(self) -> str:
        return f"{self.backend.name} {self.seconds:.2g} s"


def rank(instance: Instance, *, makes: type[Any] | None = None) -> list[Offer]:
    """The registered backends with an estimate that can do the goal and do not decline, the quickest first.

    With ``makes``, a type of model, only backends that take it count. Each backend is asked in its default
    variant, and no solver is loaded.
    """
    asked = [b for b in registry.default_backends() if makes is None or issubclass(makes, b.accepts)]
    expected = [(_estimate(b, instance), b.name, b) for b in asked]
    offers = []
    for seconds, name, backend in sorted((e for e in expected if e[0] is not None), key=lambda e: e[:2]):
        why_not = _objection(backend, instance)
        if why_not is not None:
            _LOG.info("auto passes over %s: %s", name, why_not)
        elif seconds is not None:
            offers.append(Offer(seconds, backend))
    return offers


def choose(instance: Instance, *, makes: type[Any] | None = None) -> str:
    """The name of the backend that is best alone: the quickest of those that prove, or of all if none does.

    Raises :class:`Unavailable` if none has an opinion and can run here. See :func:`rank`.
    """
    return _best(rank(instance, makes=makes), makes).backend.name


def members(
    instance: Instance, threads: int = 1, *, makes: type[Any] | None = None, race: bool = False
) -> list[Backend]:
    """The backends that ``auto`` runs with so many threads, in the order in which they begin.

    First comes the quickest of those that only search, if there is one, so that there soon is a good network.
    Then come as many that prove as there are threads, the quickest first, but for a decision those that work
    on other models before those that work on the same; none that expects much more time than the quickest.
    For a minimum the same model serves two of them: one raises the bound, the other one refutes what is below
    the best network. An instance that is expected to be done at once gets one backend, unless ``race`` asks
    for two or more. Raises as :func:`choose`.
    """
    offers = rank(instance, makes=makes)
    best = _best(offers, makes)
    if not race and best.seconds < TRIVIAL:
        return [best.backend]
    searching = [o for o in offers if not o.proves and Capability.INCUMBENTS in o.backend.capabilities]
    proving = [o for o in offers if o.proves and (race or o.seconds < _TOO_SLOW * best.seconds)]
    if not instance.goal.minimizes:
        proving = _unlike_first(proving)
    taken = [*searching[:1], *proving[: max(threads, 2) if race else threads]]
    if len(taken) > 1:
        _LOG.info("auto has %s race", ", ".join(map(str, taken)))
    return [offer.backend for offer in taken] or [best.backend]


def team(name: str, instance: Instance, threads: int = 1, *, makes: type[Any] | None = None) -> list[Backend]:
    """The backends that a name stands for.

    ``auto`` leaves the choice to :func:`members`; ``portfolio`` does so, too, and has at least two race if
    there are two; ``portfolio:A+B`` names them, and anything else is the name of one backend. Raises
    :class:`UnknownWord` for a name that there is not, :class:`InputError` for one that is there twice.
    """
    if name == "auto":
        return members(instance, threads, makes=makes)
    family, colon, words = name.partition(":")
    if family != PORTFOLIO:
        return [registry.backend(name)]
    if not colon:
        return members(instance, threads, makes=makes, race=True)
    return distinct([registry.backend(word) for word in member_names(words)])


def member_names(words: str) -> list[str]:
    """The names in ``A+B``. A plus parts two of them if a letter follows: ``opb:minisat+`` is one name."""
    return re.split(r"\+(?=[a-z])", words)


def distinct(backends: Sequence[Backend]) -> list[Backend]:
    """The members of a portfolio; raises :class:`InputError` if there is none, or one twice."""
    names = [backend.name for backend in backends]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names:
        raise InputError(PORTFOLIO, f"names {twice[0]} twice" if twice else "has no members")
    return list(backends)


def _best(offers: list[Offer], makes: type[Any] | None) -> Offer:
    """The quickest that proves, or else the quickest."""
    if not offers:
        taking = "" if makes is None else f" and takes a {makes.__name__}"
        raise Unavailable(
            f"no backend that auto may choose can run here{taking}: name one, see 'qnnt backends'"
        )
    best = next((offer for offer in offers if offer.proves), offers[0])
    others = ", ".join(str(offer) for offer in offers if offer is not best) or "none"
    _LOG.info("auto takes %s, which expects %.2g s; runners-up: %s", best.backend.name, best.seconds, others)
    return best


def _unlike_first(offers: list[Offer]) -> list[Offer]:
    """The offers, those first that differ in the model that they like best."""
    first: dict[Any, Offer] = {}
    for offer in offers:
        first.setdefault(offer.backend.accepts[0], offer)
    alike = [offer for offer in offers if offer not in first.values()]
    return [*first.values(), *alike]


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
