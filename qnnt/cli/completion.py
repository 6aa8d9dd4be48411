"""What shells complete: the words that an option takes. Typer's ``_QNNT_COMPLETE`` asks for them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module

VARIABLE = "_QNNT_COMPLETE"


def prepare_completion() -> None:
    """Get ready for a shell that asks for completion; ``bash_source`` is taken for ``source_bash``."""
    asked = os.environ.get(VARIABLE, "")
    if not asked:
        return
    shell, _, instruction = asked.partition("_")
    if instruction in ("source", "complete"):
        os.environ[VARIABLE] = f"{instruction}_{shell}"
    import_module("typer.completion").completion_init()


def backends(incomplete: str) -> list[str]:
    """Backends, with their variants once a colon is there, and what chooses or joins them."""
    from qnnt import registry

    if ":" not in incomplete:
        return _beginning(incomplete, ["auto", "portfolio", *registry.backend_families()])
    return _beginning(incomplete, (backend.name for backend in registry.backends()))


def contestants(incomplete: str) -> list[str]:
    """Backends, textbook models and all, also after a comma."""
    from qnnt.comparing.contestants import BASELINES

    first, comma, last = incomplete.rpartition(",")
    words = [*_beginning(last, ["all", *BASELINES]), *backends(last)]
    return [f"{first}{comma}{word}" for word in words]


def rounders(incomplete: str) -> list[str]:
    """Rounding backends."""
    from qnnt import registry

    return _beginning(incomplete, (rounder.name for rounder in registry.rounders()))


def encoders(incomplete: str) -> list[str]:
    """Encoders."""
    from qnnt import registry

    return _beginning(incomplete, (encoder.name for encoder in registry.encoders()))


def activations(incomplete: str) -> list[str]:
    """Activations that have a name, also after the comma."""
    from qnnt.activation import NAMED

    first, comma, _ = incomplete.rpartition(",")
    return _beginning(incomplete, (f"{first}{comma}{name}" for name in NAMED))


def formats(incomplete: str) -> list[str]:
    """Formats of models."""
    from qnnt.files.models import formats

    return _beginning(incomplete, formats())


def exports(incomplete: str) -> list[str]:
    """Formats that a network is exported in."""
    from qnnt.export.formats import FORMATS

    return _beginning(incomplete, FORMATS)


def families(incomplete: str) -> list[str]:
    """Families of hard instances."""
    from qnnt.generate.family import FAMILIES

    return _beginning(incomplete, FAMILIES)


def goals(incomplete: str) -> list[str]:
    """Goals; the number is left to the user."""
    return _beginning(incomplete, ["min", "at-most:", "exactly:"])


def executors(incomplete: str) -> list[str]:
    """Executors; the number or the address is left to the user."""
    return _beginning(incomplete, ["processes:", "dask:", "dask://"])


def second_goals(incomplete: str) -> list[str]:
    """What can be asked for among networks that are as good."""
    return _beginning(incomplete, ["fewest-weights"])


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
