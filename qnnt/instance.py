"""A training instance: domain, architecture, data and the goal on the error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.goals import AtMost, Goal


@dataclass(frozen=True, eq=False)
class Instance:
    """An instance of d-QNNT; ``meta`` tells where it comes from and is carried along untouched.

    Raises :class:`InputError` naming the place when the data do not fit the architecture or the domain.
    """

    domain: Domain
    architecture: Architecture
    dataset: Dataset
    goal: Goal = field(default_factory=AtMost)
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        largest = max(int(np.diff(c.starts).max()) for c in self.architecture.connections)
        if (largest + 1) * self.domain.hi**2 >= 2**53:
            raise InputError("d", f"sums of {largest} products over {self.domain} exceed exact arithmetic")
        self.dataset.check(self.domain, self.architecture.alpha, self.architecture.omega)

    def with_goal(self, goal: Goal) -> Instance:
        """The same instance under another goal."""
        return replace(self, goal=goal)

    @property
    def n_networks(self) -> int:
        """d^(arcs + biases): how many networks there are over this architecture."""
        return int(self.domain.d**self.architecture.n_parameters)

    @classmethod
    def load(cls, path: str | Path) -> Instance:
        """Read an instance file (``.json`` or ``.json.gz``); raises :class:`InputError` naming the place."""
        from qnnt.files.instances import read_instance

        return read_instance(Path(path))

    def save(self, path: str | Path) -> None:
        """Write an instance file; a name ending in ``.gz`` is compressed."""
        from qnnt.files.instances import write_instance

        write_instance(self, Path(path))
