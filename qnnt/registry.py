"""Backends, rounders and encoders by name.

They come from the entry-point groups ``qnnt.backends``, ``qnnt.rounders`` and ``qnnt.encoders``. What an
entry point names is called without arguments, or with the variant that stands after a colon:

- ``variants()`` (static) lists the variants that there are; without it there is none;
- ``aliases()`` (static, optional) are further names for them;
- ``any_variant = True`` instead takes any word, such as the path of a program.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from qnnt.availability import Availability
from qnnt.backends.base import Backend
from qnnt.encoders.base import Encoder
from qnnt.exceptions import QnntError, Unavailable, UnknownWord, Unsupported, did_you_mean
from qnnt.rounders.base import Rounder
from qnnt.workers.task import describe

_LOG = logging.getLogger(__name__)

_BACKENDS, _ROUNDERS, _ENCODERS = "qnnt.backends", "qnnt.rounders", "qnnt.encoders"
_KINDS = {_BACKENDS: "backend", _ROUNDERS: "rounding backend", _ENCODERS: "encoder"}
_ASKED = {  # a summary, which is only shown, may be left out
    _BACKENDS: ("name", "accepts", "capabilities", "availability", "refuses"),
    _ROUNDERS: ("name", "exact", "availability", "refuses"),
}
_ELSEWHERE = {
    _BACKENDS: (_ROUNDERS, "it rounds trained layers (qnnt.rounding), and trains nothing"),
    _ROUNDERS: (_BACKENDS, "it trains (qnnt.solve), and rounds nothing"),
}


@dataclass(frozen=True)
class Broken:
    """Stands for a backend or rounder whose entry point does not load: listed, never available."""

    name: str
    reason: str
    accepts: tuple[type[Any], ...] = ()
    capabilities = ()
    summary = "does not load"
    exact = False
    isolated = False

    def availability(self) -> Availability:
        """Why it cannot run."""
        return Availability(False, reason=self.reason)

    def refuses(self, problem: Any) -> str | None:  # noqa: ARG002 - declines all
        """The same."""
        return self.reason


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


def _point(group: str, name: str) -> EntryPoint:
    points = _group(group)
    if name not in points:
        other, does = _ELSEWHERE.get(group, ("", ""))
        hint = does if other and name in _group(other) else ""
        if not hint and group in _ASKED:
            hint = did_you_mean(name, [*points, *(each.name for each in _every(group))])
        raise UnknownWord(_KINDS[group], name, sorted(points), hint=hint)
    return points[name]


def _check_variant(make: Any, family: str, variant: str) -> None:
    known = make.variants() if hasattr(make, "variants") else ()
    if variant in known or getattr(make, "any_variant", False):
        return
    if not hasattr(make, "aliases") or variant not in make.aliases():
        raise UnknownWord(f"{family} variant", variant, known)


def _tried(group: str, name: str, step: Callable[[], Any]) -> Any:
    """What a step of another's code makes; :class:`Broken` if it raises anything."""
    try:
        return step()
    except Exception as error:
        return _broken(group, name, error)


def _whole(group: str, name: str, implementation: Any) -> Any:
    """What was made if it has what is asked of every backend or rounder, else :class:`Broken`."""
    missing = [word for word in _ASKED[group] if not hasattr(implementation, word)]
    if not missing:
        return implementation
    return _broken(group, name, TypeError(f"it has no {' and no '.join(missing)}"))


def _broken(group: str, name: str, error: Exception) -> Broken:
    _LOG.warning("%s %r does not load: %s", _KINDS[group], name, describe(error))
    return Broken(name, f"does not load: {describe(error)}")


def _make(group: str, name: str) -> Any:
    """What a name stands for, its variant checked; :class:`Broken` if it does not load."""
    family, colon, variant = name.partition(":")
    make = _tried(group, name, _point(group, family).load)
    if isinstance(make, Broken):
        return make
    if not colon:
        return _whole(group, name, _tried(group, name, make))
    try:
        _check_variant(make, family, variant)
        return _whole(group, name, make(variant))
    except QnntError:  # of the variant that the caller asked for
        raise
    except Exception as error:
        return _broken(group, name, error)


def _variants(group: str, family: str, make: Any) -> list[Any]:
    """One of each variant that the loaded entry point names; :class:`Broken` for those that fail."""
    words = _tried(group, family, lambda: tuple(make.variants()))
    if isinstance(words, Broken):
        return [words]
    names = [f"{family}:{word}" for word in words]
    return [
        _whole(group, name, _tried(group, name, partial(make, word)))
        for name, word in zip(names, words, strict=True)
    ]


def _every(group: str) -> Iterator[Any]:
    """All of a group, each in every variant that it names itself."""
    for family, point in sorted(_group(group).items()):
        make = _tried(group, family, point.load)
        if isinstance(make, Broken):
            yield make
        elif not hasattr(make, "variants"):
            yield _whole(group, family, _tried(group, family, make))
        else:
            yield from _variants(group, family, make)


def backend(name: str) -> Backend:
    """The backend of a name, with its variant after a colon (``milp:highs``, ``dimacs:/usr/bin/kissat``).

    Raises :class:`UnknownWord` for an unknown name or variant.
    """
    return cast(Backend, _make(_BACKENDS, name))


def backend_families() -> list[str]:
    """The names of all registered backends, without variants; nothing is loaded."""
    return sorted(_group(_BACKENDS))


def backends() -> list[Backend]:
    """Every registered backend in every variant that it names itself."""
    return list(_every(_BACKENDS))


def default_backends() -> list[Backend]:
    """Every registered backend once, in its default variant."""
    return [backend(family) for family in backend_families()]


def state_of(tested: Backend | Rounder) -> Availability:
    """Whether a backend or rounder can run here; one that fails to say cannot, for that reason."""
    try:
        state: Any = tested.availability()
    except Exception as error:
        return Availability(False, reason=f"fails to say whether it is available: {describe(error)}")
    if not isinstance(state, Availability):
        return Availability(False, reason=f"fails to say whether it is available: it says {state!r}")
    return state


def rounder(name: str) -> Rounder:
    """The rounding backend of a name, with its variant after a colon (``annealing:scaled``).

    Raises :class:`UnknownWord` for an unknown name or variant.
    """
    return cast(Rounder, _make(_ROUNDERS, name))


def rounders() -> list[Rounder]:
    """Every registered rounding backend in every variant that it names itself."""
    return list(_every(_ROUNDERS))


def encoder(name: str, *, symmetry: bool = True) -> Encoder:
    """The encoder of a name.

    Raises :class:`UnknownWord` for an unknown one, :class:`Unavailable` for one that does not load.
    """
    point = _point(_ENCODERS, name)
    try:
        return cast(Encoder, point.load()(symmetry=symmetry))
    except Exception as error:
        raise Unavailable(f"encoder {name!r} does not load: {describe(error)}") from error


def encoders(*, symmetry: bool = True) -> Iterator[Encoder]:
    """Every registered encoder, loaded as it is asked for; one that does not load is left out."""
    for name in sorted(_group(_ENCODERS)):
        try:
            yield encoder(name, symmetry=symmetry)
        except Unavailable as error:
            _LOG.warning("%s", error)


def encoders_of(*types: type[Any], symmetry: bool = True) -> Iterator[Encoder]:
    """Every registered encoder whose models are of one of the types, loaded as it is asked for."""
    return (each for each in encoders(symmetry=symmetry) if issubclass(each.makes, types))


def default_encoder(makes: type[Any], *, symmetry: bool = True) -> Encoder | None:
    """The first registered encoder that makes just this type, no kind of it; None if there is none."""
    return next((e for e in encoders_of(makes, symmetry=symmetry) if e.makes is makes), None)


def encoder_for(chosen: Backend, asked: Encoder | str | None, *, symmetry: bool) -> Encoder:
    """The encoder asked for if the backend accepts what it makes, or the backend's default one.

    Raises :class:`Unsupported` naming what would fit.
    """
    if asked is not None:
        named = encoder(asked, symmetry=symmetry) if isinstance(asked, str) else asked
        if not issubclass(named.makes, chosen.accepts):
            fitting = ", ".join(e.name for e in encoders_of(*chosen.accepts))
            makes = f"what encoder {named.name!r} makes"
            raise Unsupported(f"backend {chosen.name!r} does not take {makes}; it takes: {fitting}")
        return named
    default = default_encoder(chosen.accepts[0], symmetry=symmetry)
    if default is None:
        raise Unsupported(f"no encoder makes what backend {chosen.name!r} takes")
    _LOG.info("encoder %r makes what backend %r likes best", default.name, chosen.name)
    return default
