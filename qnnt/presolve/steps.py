"""What a presolve step is, and the steps that are taken unless others are asked for."""

from __future__ import annotations

from qnnt.arrows import Arrow
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.presolve.outputs import ConstantOutputs, IdenticalOutputs
from qnnt.presolve.silent import SilentNeurons

Step = Arrow[Instance, Network, Instance, Network]

DEFAULT: tuple[Step, ...] = (ConstantOutputs(), IdenticalOutputs(), SilentNeurons())
"""Steps that cost next to nothing and leave an instance as it is if they find nothing to remove."""
