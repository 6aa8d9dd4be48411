"""Any encoder, restricted to a box: some parameters have a smaller range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.box import Box
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import Bounded, ParameterLift


@dataclass(frozen=True)
class AroundEncoder:
    """What is said of an encoder is said of one around it."""

    encoder: Encoder

    @property
    def name(self) -> str:
        """That of the encoder: what is around it is no part of the name."""
        return self.encoder.name

    @property
    def makes(self) -> type[Any]:
        """What the encoder makes."""
        return self.encoder.makes

    @property
    def symmetry(self) -> bool:
        """Whether the encoder orders interchangeable neurons."""
        return self.encoder.symmetry


@dataclass(frozen=True)
class BoxedEncoder(AroundEncoder):
    """The model of ``encoder`` with bounds on the variables that stand for the parameters in the box.

    The box refers to the instance that is encoded: if presolve steps come first, to what they make.

    With ``symmetry`` the encoder keeps one network of those that exchanges of neurons make of one another,
    and this one has to lie in the box. So there may be no model although the box has a network that meets
    the goal. Boxes that cover the space lose nothing together, as the order is the same in all of them.
    """

    box: Box

    def apply(self, instance: Instance) -> tuple[Any, ParameterLift]:
        """The model within the box, and the encoder's lift.

        Raises :class:`Unsupported` if the model cannot be restricted, ``ValueError`` if the box does not fit.
        """
        self.box.check(instance.architecture.n_parameters, instance.domain)
        if (refusal := cannot_bound(self.encoder)) is not None:
            raise Unsupported(refusal)
        model, lift = self.encoder.apply(instance)
        return model.within(*lift.bounds(self.box)), lift


def cannot_bound(encoder: Encoder) -> str | None:
    """Why what an encoder makes cannot be restricted to a box, or None if it can."""
    if issubclass(encoder.makes, Bounded):
        return None
    what = encoder.makes.__name__
    return f"encoder {encoder.name!r} makes a model ({what}) whose parameters have no bounds; try clauses"
