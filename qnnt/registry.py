"""Backends, rounders and encoders by name.

They come from the entry-point groups ``qnnt.backends``, ``qnnt.rounders`` and ``qnnt.encoders``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from qnnt.backends.base import Backend
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unsupported
from qnnt.rounders.base import Rounder


@cache
def _group(group: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in found and found[point.name].value != point.value:
            raise Unsupported(
                f"{group} name {point.name!r} is taken twice: {found[point.name].value}, {point.value}"
            )
        found[point.name] = point
    return found


_ELSEWHERE = {
    "qnnt.backends": ("qnnt.rounders", "it rounds trained layers (qnnt.rounding), and trains nothing"),
    "qnnt.rounders": ("qnnt.backends", "it trains (qnnt.solve), and rounds nothing"),
}


def _load(group: str, kind: str, name: str) -> Any:
    points = _group(group)
    if name not in points:
        other, does = _ELSEWHERE.get(group, ("", ""))
        if other and name in _group(other):
            raise Unsupported(f"no {kind} {name!r}: {does}; there are: {', '.join(sorted(points))}")
        raise Unsupported(f"no {kind} {name!r}; there are: {', '.join(sorted(points))}")
    return points[name].load()


def backend(name: str) -> Backend:
    """The backend of a name, with its variant after a colon (``milp:highs``, ``dimacs:/usr/bin/kissat``).

    Raises :class:`Unsupported` for an unknown name or variant.
    """
    family, colon, variant = name.partition(":")
    made = _load("qnnt.backends", "backend", family)
    return cast(Backend, made(variant) if colon else made())


def rounder(name: str) -> Rounder:
    """The rounding backend of a name, with its variant after a colon (``annealing:scaled``).

    Raises :class:`Unsupported` for an unknown name or variant.
    """
    family, colon, variant = name.partition(":")
    made = _load("qnnt.rounders", "rounding backend", family)
    if colon and not hasattr(made, "variants"):  # the others know their own
        raise Unsupported(f"no variant {variant!r} of {family}; there are: {family}")
    return cast(Rounder, made(variant) if colon else made())


def rounders() -> list[Rounder]:
    """Every registered rounding backend in every variant that it names itself."""
    found = []
    for family in sorted(_group("qnnt.rounders")):
        made = _load("qnnt.rounders", "rounding backend", family)
        found += [made(v) for v in made.variants()] if hasattr(made, "variants") else [made()]
    return found


def encoder(name: str, *, symmetry: bool = True) -> Encoder:
    """The encoder of a name; raises :class:`Unsupported` for an unknown one."""
    return cast(Encoder, _load("qnnt.encoders", "encoder", name)(symmetry=symmetry))


def backends() -> list[Backend]:
    """Every registered backend in every variant that it names itself."""
    found = []
    for family in sorted(_group("qnnt.backends")):
        made = _load("qnnt.backends", "backend", family)
        found += [made(v) for v in made.variants()] if hasattr(made, "variants") else [made()]
    return found


def encoders(*, symmetry: bool = True) -> Iterator[Encoder]:
    """Every registered encoder, loaded as it is asked for."""
    return (encoder(name, symmetry=symmetry) for name in sorted(_group("qnnt.encoders")))


def encoder_for(chosen: Backend, name: str | None, *, symmetry: bool) -> Encoder:
    """The named encoder if the backend accepts what it makes, or the backend's default one.

    Raises :class:`Unsupported` naming what would fit.
    """
    if name is not None:
        named = encoder(name, symmetry=symmetry)
        if not issubclass(named.makes, chosen.accepts):
            fitting = ", ".join(e.name for e in encoders() if issubclass(e.makes, chosen.accepts))
            raise Unsupported(
                f"backend {chosen.name!r} does not take what encoder {name!r} makes; it takes: {fitting}"
            )
        return named
    for candidate in encoders(symmetry=symmetry):
        if candidate.makes is chosen.accepts[0]:
            return candidate
    raise Unsupported(f"no encoder makes what backend {chosen.name!r} takes")
