"""What an encoder is: an arrow from an instance to a model, ``apply(instance) -> (model, lift)``."""

from __future__ import annotations

from typing import Any, Protocol

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
