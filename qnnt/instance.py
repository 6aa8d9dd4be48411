"""A training instance: domain, architecture, data and the goal on the error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.activation import Activation, ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Choices, Dataset
from qnnt.domain import Domain, IntArray
from qnnt.goals import AtMost, Goal, as_goal
from qnnt.network import Network
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.drawing.picture import Picture


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Instance:
    """An instance of d-QNNT; ``meta`` tells where it comes from and is carried along untouched.

    ``activation`` is ``"relu"`` (the paper's ReLU_d), ``"sign"``, ``"step"`` or an :class:`Activation`, for
    all neurons, or a pair (hidden, output). ``goal`` may be a word, such as ``"min"``; without one no point
    may be wrong. Raises :class:`InputError` naming the place when the data do not fit the architecture or the
    domain, or an activation leaves the domain.
    """

    domain: Domain
    architecture: Architecture
    dataset: Dataset
    goal: Goal
    meta: dict[str, Any]
    activation: Activations

    def __init__(
        self,
        domain: Domain,
        architecture: Architecture,
        dataset: Dataset,
        goal: Goal | str | None = None,
        meta: dict[str, Any] | None = None,
        activation: ActivationLike = "relu",
    ) -> None:
        if not len(dataset):  # empty lists have no width
            dataset = Dataset(np.empty((0, architecture.alpha), int), np.empty((0, architecture.omega), int))
        parts = {
            "domain": domain,
            "architecture": architecture,
            "dataset": dataset,
            "goal": AtMost() if goal is None else as_goal(goal),
            "meta": {} if meta is None else meta,
            "activation": Activations.of(activation, domain),
        }
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        architecture.expect_exact(domain)
        dataset.check(domain, architecture.alpha, architecture.omega)

    def __repr__(self) -> str:
        about = f"{self.domain}, {self.architecture.shape}, {self.activation}"
        return f"Instance({about}, {count(self.dataset.total, 'point')}, goal {self.goal})"

    def picture(self, title: str = "") -> Picture:
        """The architecture drawn, with domain, data and goal in words below it."""
        from qnnt.drawing.networks import instance_picture

        a, data = self.architecture, self.dataset
        title = title or f"Instance: {self.domain}, {a.shape}, {self.activation}"
        points = f"{count(data.total, 'point')} with {count(len(self.choices.inputs), 'distinct input')}"
        about = f"{count(a.n_arcs, 'arc')}; {points}; goal {self.goal}"
        return instance_picture(a, title, about)

    def _repr_svg_(self) -> str:
        from qnnt.drawing.svg import svg_text

        return svg_text(self.picture())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instance):
            return NotImplemented
        return self._key == other._key and (self.dataset, self.meta) == (other.dataset, other.meta)

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Domain, Architecture, Goal, Activations]:
        """What is compared first, and hashed."""
        return self.domain, self.architecture, self.goal, self.activation

    @cached_property
    def choices(self) -> Choices:
        """The data grouped by distinct input, without labels that no output shows."""
        return self.dataset.choices(self.activation.output)

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer after the inputs, one for each connection of the architecture."""
        return self.activation.each(self.architecture.depth)

    @property
    def encoding(self) -> dict[str, Any] | None:
        """How rows of a table became inputs and labels, if the instance was made from a table."""
        if self.meta.get("kind") != "table" or not {"columns", "targets"} <= self.meta.keys():
            return None
        return {"columns": self.meta["columns"], "targets": self.meta["targets"]}

    def network(self, vector: IntArray) -> Network:
        """The network whose parameters are ``vector`` (A + H,): all weights, then all biases."""
        return Network.from_vector(self.architecture, self.domain, vector, self.activation, self.encoding)

    def with_goal(self, goal: Goal | str) -> Instance:
        """The same instance under another goal."""
        return replace(self, goal=as_goal(goal))

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
