"""``qnnt backends``: what can be used here, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from qnnt import __version__
from qnnt.cli.options import Json
from qnnt.cli.output import print_columns, print_json
from qnnt.cli.program import OK
from qnnt.printable import printable

if TYPE_CHECKING:
    from qnnt.backends.base import Backend
    from qnnt.rounders.base import Rounder


def backends(json: Json = False) -> int:
    """List the backends: version, whether it was tested, or why one is missing; encoders; what it can do."""
    found, rounders = _backends(), _rounders()
    if json:
        print_json(found + rounders)
        return OK
    _print("backend", found)
    print()
    _print("rounding backend", rounders)
    return OK


def _print(kind: str, found: list[dict[str, Any]]) -> None:
    rows = [(kind, "version", "encoders", "can also")]
    folded = _folded(found)
    for name, members in folded.items():
        first = members[0]
        version = first["version"] if first["available"] else "missing"
        rows.append((name, version, ", ".join(first["encoders"]), ", ".join(first["capabilities"])))
    print_columns(rows, indent=0)
    print()
    for name, members in folded.items():
        first = members[0]
        print(f"{name}: {first['summary']}")
        if not first["available"]:
            print(f"  {printable(first['reason'])}")
        if first["note"]:
            print(f"  {first['note']}")
        if len(members) > 1:
            print(f"  {', '.join(m['name'].partition(':')[2] for m in members)}")


def _backends() -> list[dict[str, Any]]:
    from qnnt import registry

    @cache
    def names(accepts: tuple[type[Any], ...]) -> list[str]:
        return [encoder.name for encoder in registry.encoders_of(*accepts)]

    found = [
        _facts("train", each, each.accepts, names(tuple(each.accepts)), sorted(map(str, each.capabilities)))
        for each in registry.backends()
    ]
    portfolio: dict[str, Any] = {
        "name": "portfolio",
        "task": "train",
        "available": True,
        "version": f"qnnt {__version__}",
        "reason": None,
        "note": None,
        "accepts": [],
        "encoders": ["its members'"],
        "capabilities": ["what one of them can"],
        "summary": "several backends that race: portfolio:A+B+…, or portfolio for the usual ones",
    }
    return [*found, portfolio]


def _rounders() -> list[dict[str, Any]]:
    from qnnt import registry
    from qnnt.rounding.qubo import QuboEncoder

    accepts, encoders = [QuboEncoder.makes], [QuboEncoder.name]
    return [
        _facts("round", each, accepts, encoders, ["bounds", "prove"] if each.exact else [])
        for each in registry.rounders()
    ]


def _facts(
    task: str,
    tested: Backend | Rounder,
    accepts: Iterable[type[Any]],
    encoders: list[str],
    capabilities: list[str],
) -> dict[str, Any]:
    """What is listed of a backend or a rounder."""
    from qnnt import registry

    state = registry.state_of(tested)
    return {
        "name": tested.name,
        "task": task,
        "available": state.available,
        "version": state.version,
        "reason": state.reason,
        "note": state.note,
        "accepts": [model.__name__ for model in accepts],
        "encoders": encoders,
        "capabilities": capabilities,
        "summary": getattr(tested, "summary", "no summary"),
    }


def _folded(found: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Variants of one family that differ in nothing but their name, under ``family:…``."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for backend in found:
        rest = str({key: value for key, value in backend.items() if key != "name"})
        groups.setdefault((backend["name"].partition(":")[0], rest), []).append(backend)
    return {
        members[0]["name"] if len(members) == 1 else f"{family}:SOLVER": members
        for (family, _), members in groups.items()
    }
