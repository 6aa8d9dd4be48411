"""An instance is split into independent parts, whose answers are joined."""

from qnnt.cubes.run import Cubes
from qnnt.cubes.split import Split, split

__all__ = ["Cubes", "Split", "split"]
