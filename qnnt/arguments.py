"""What callers may write in place of an object: a path or a word, where that is plain.

Each function raises ``TypeError`` naming the argument for anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qnnt.exceptions import refuse_type
from qnnt.instance import Instance
from qnnt.network import Network


def instance_of(said: Instance | str | Path) -> Instance:
    """An instance, or the one in a file."""
    if isinstance(said, str | Path):
        return Instance.load(said)
    if not isinstance(said, Instance):
        refuse_type("instance", "an Instance or the path of one", said)
    return said


def network_of(said: Network | str | Path, argument: str) -> Network:
    """A network, or the one in a file."""
    if isinstance(said, str | Path):
        return Network.load(said)
    if not isinstance(said, Network):
        refuse_type(argument, "a Network or the path of one", said)
    return said


def require_backend(said: Any) -> None:
    """Refuse what is neither a name, nor a backend, nor several of them."""
    several = isinstance(said, Sequence) and not isinstance(said, str)
    for each in said if several else [said]:
        if not isinstance(each, str) and not _can(each, "run"):
            refuse_type("backend", "the name of a backend, a backend, or a list of them", said)


def require_encoder(said: Any) -> None:
    """Refuse what is neither a name nor an encoder."""
    if (
        said is not None
        and not isinstance(said, str)
        and (isinstance(said, type) or not hasattr(said, "apply"))
    ):
        refuse_type("encoder", "the name of an encoder, or an encoder", said)


def require_cubes(said: Any) -> None:
    """Refuse what is neither a number of cubes nor how to split."""
    number = isinstance(said, int) and not isinstance(said, bool)
    if said is not None and not number and not hasattr(said, "journal"):
        refuse_type("cubes", "Cubes or how many", said)


def _can(said: Any, method: str) -> bool:
    """Whether it is an object, not a class, that has the method."""
    return not isinstance(said, type) and callable(getattr(said, method, None))
