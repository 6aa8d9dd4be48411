"""Steps that make an instance simpler, before it is encoded."""

from qnnt.presolve.outputs import ConstantOutputs, IdenticalOutputs
from qnnt.presolve.silent import SilentNeurons
from qnnt.presolve.steps import DEFAULT

__all__ = ["DEFAULT", "ConstantOutputs", "IdenticalOutputs", "SilentNeurons"]
