"""What an encoder is: an arrow from an instance to a model, ``apply(instance) -> (model, lift)``."""

from __future__ import annotations

from typing import Any, Protocol

from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import ParameterLift


class Encoder(Protocol):
    """Compiles an instance to a model. Implementations are frozen dataclasses with a ``symmetry`` switch."""

    @property
    def name(self) -> str:
        """The name that selects this encoder."""

    @property
    def makes(self) -> type[Any]:
        """The type of model made."""

    @property
    def symmetry(self) -> bool:
        """Whether interchangeable neurons are in the order of :mod:`qnnt.symmetry`, and in no other.

        It is off when networks are counted. What splits the parameter space relies on this order.
        """

    def apply(self, instance: Instance) -> tuple[Any, ParameterLift]:
        """The model, and the lift that carries its assignments back to networks."""


MOST_STEPS = 1 << 16  # each is a literal of every weight, or of every neuron on every input


def require_few(what: str, number: int) -> None:
    """Raise :class:`Unsupported` for more steps than a model can have a literal for."""
    if number > MOST_STEPS:
        raise Unsupported(
            f"a model of literals takes {what} up to {MOST_STEPS:,}, not {number:,}; "
            "take a smaller d, or try encoder cpsat-textbook"
        )
