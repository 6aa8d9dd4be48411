"""One run of a backend on an instance, whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qnnt.backends.base import Backend
from qnnt.exceptions import Unavailable, Unsupported, WrongAnswer
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.pipeline import solve
from qnnt.result import Result
from qnnt.run import Progress


@dataclass(frozen=True)
class Attempt:
    """A result, or why there is none: refused, not installed, or refuted by the replay."""

    result: Result | None = None
    refused: str | None = None
    unavailable: str | None = None
    wrong: str | None = None


def attempt(
    instance: Instance,
    backend: str | Backend,
    encoder: str | None,
    limits: Limits,
    progress: Callable[[Progress], None] | None = None,
) -> Attempt:
    """Solve, and say what came of it."""
    try:
        result = solve(instance, backend=backend, encoder=encoder, limits=limits, progress=progress)
    except Unsupported as error:
        return Attempt(refused=str(error))
    except Unavailable as error:
        return Attempt(unavailable=str(error))
    except WrongAnswer as error:
        return Attempt(wrong=str(error))
    return Attempt(result)
