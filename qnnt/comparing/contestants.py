"""Who takes part: a backend and an encoder, under the name that they are asked for by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qnnt import registry
from qnnt.auto import PORTFOLIO, member_names
from qnnt.backends.base import Backend, Capability
from qnnt.limits import Limits

AUTO = "auto"
BASELINES = {"cpsat-textbook": "cpsat@cpsat-textbook", "milp-textbook": "milp:highs@milp-textbook"}


@dataclass(frozen=True)
class Contestant:
    """A backend, or a name that stands for several, and an encoder; None stands for the default one."""

    name: str
    backend: str
    encoder: str | None = None

    @classmethod
    def of(cls, word: str) -> Contestant:
        """``auto``, ``portfolio:A+B``, a baseline, BACKEND or BACKEND@ENCODER; :class:`UnknownWord` else."""
        both = BASELINES.get(word, word)
        backend, at, encoder = both.rpartition("@")
        if not at or not re.fullmatch(r"[\w-]*", encoder):  # a path may hold an @, too
            backend, encoder = both, ""
        family, _, members = backend.partition(":")
        several = family in (AUTO, PORTFOLIO)
        for name in member_names(members) if several and members else [] if several else [backend]:
            registry.backend(name)
        if encoder:
            registry.encoder(encoder)
        return cls(word, backend, encoder or None)

    @property
    def single(self) -> Backend | None:
        """The backend, if the name stands for one."""
        several = self.backend.partition(":")[0] in (AUTO, PORTFOLIO)
        return None if several else registry.backend(self.backend)

    def within(self, limits: Limits) -> Limits:
        """The limits of a run; a backend that can use one thread only gets one."""
        backend = self.single
        able = backend is None or Capability.THREADS in backend.capabilities
        return limits if able else Limits(limits.time, limits.memory, 1, limits.seed)


def contestants(backends: str, encoders: str | None = None) -> list[Contestant]:
    """Every backend of a list with every encoder of a list that fits it.

    ``all`` means ``auto``, the baselines and every backend that is installed, in its default variant; for
    ``encoders``, every encoder. None stands for each backend's default. A backend that no encoder fits is
    there with the first one, and will decline it.
    """
    every = [b.name for b in registry.default_backends() if registry.state_of(b).available]
    words = (word for words in backends.split(",") for word in _expanded(words, [AUTO, *BASELINES, *every]))
    found = [Contestant.of(word) for word in dict.fromkeys(words)]
    if encoders is None:
        return found
    names = list(_expanded(encoders, [e.name for e in registry.encoders()]))
    return list({each.name: each for one in found for each in _with_encoders(one, names)}.values())


def _expanded(words: str, every: list[str]) -> Iterator[str]:
    for word in words.split(","):
        yield from every if word == "all" else [word]


def _with_encoders(one: Contestant, names: list[str]) -> list[Contestant]:
    if one.encoder is not None:
        return [one]
    backend = one.single
    asked = [registry.encoder(name) for name in names]
    fitting = [e.name for e in asked if backend is None or issubclass(e.makes, backend.accepts)]
    return [Contestant(f"{one.name}@{name}", one.backend, name) for name in fitting or names[:1]]
