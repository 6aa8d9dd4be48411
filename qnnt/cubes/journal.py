"""The journal of a run over cubes: what is known of each cube, so that a run that was killed goes on.

JSON lines. The first one holds the digest of the instance that was split, who answers its parts, and all
boxes. Every further one is a cube in which no network meets the goal, or a network. A line is on disk before
the run goes on. All parts are answered by one backend over one encoding, as the result names no others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import qnnt
from qnnt.box import Box, partition
from qnnt.exceptions import InputError
from qnnt.files.documents import compact
from qnnt.files.journals import JournalFile
from qnnt.instance import Instance

FORMAT = "qnnt-cubes"
VERSION = 2


def digest(instance: Instance) -> str:
    """SHA-256 of all that a run on an instance depends on: not of names, nor of ``meta``."""
    architecture, data = instance.architecture, instance.dataset
    words = {
        "d": instance.domain.d,
        "layers": [len(layer) for layer in architecture.layers],
        "activation": instance.activation.document,
        "goal": instance.goal.document,
        "points": len(data),
    }
    sha = hashlib.sha256(compact(words).encode())
    for array in (architecture.arc_index, data.inputs, data.labels, data.counts):
        sha.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return sha.hexdigest()


@cache
def _order() -> str:
    """What cubes are refuted under, as a digest of the code: the order of neurons, and how it is used.

    What was refuted under two orders must not be mixed.
    """
    package, sha = Path(str(qnnt.__file__)).parent, hashlib.sha256()
    for file in (
        package / "symmetry.py",
        package / "cubes" / "split.py",
        *sorted(package.glob("encoders/**/*.py")),
    ):
        sha.update(hashlib.sha256(file.read_bytes()).digest())
    return sha.hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """The boxes of a run. The last ``refuted`` of them hold no network that meets the goal.

    If the error is minimised, that means none with at most ``budget`` errors. ``asked`` is the number of
    cubes that was asked for.
    """

    boxes: tuple[Box, ...]
    refuted: int
    budget: int | None
    asked: int


@dataclass(frozen=True)
class Refuted:
    """Cube ``cube`` has no network that meets the goal, or none with at most ``budget`` errors."""

    cube: int
    budget: int | None


class Journal(JournalFile):
    """A journal of an instance, open for one run. What it had is in ``plan``, ``refuted`` and ``vectors``.

    ``by`` names the backend and the encoder of the parts. Raises :class:`InputError` for a file of another
    instance, split, backend or encoder, and as :class:`JournalFile` does.
    """

    def __init__(self, path: Path, instance: Instance, *, symmetry: bool, asked: int, by: str) -> None:
        self._instance = instance
        self._head = {
            "format": FORMAT,
            "version": VERSION,
            "qnnt": qnnt.__version__,
            "instance": digest(instance),
            "order": _order(),
            "symmetry": symmetry,
            "asked": asked,
            "by": by,
        }
        self.plan: Plan | None = None
        self.refuted: list[Refuted] = []
        self.vectors: list[list[int]] = []
        super().__init__(path, FORMAT, "journal of cubes")

    def begin(self, plan: Plan) -> None:
        """Write the first line."""
        self.write(
            {
                **self._head,
                "budget": plan.budget,
                "refuted": plan.refuted,
                "boxes": [box.sides for box in plan.boxes],
            }
        )

    def note_refuted(self, refuted: Refuted, **more: Any) -> None:
        """Write that a cube is done; ``more`` is for the reader."""
        self.write({"cube": refuted.cube, "refuted": True, "budget": refuted.budget, **more})

    def note_network(self, cube: int, vector: list[int], **more: Any) -> None:
        """Write a network by its parameters; ``more`` is for the reader."""
        self.write({"cube": cube, "network": vector, **more})

    def take(self) -> None:
        """The first line is the plan, each further one a cube."""
        for number, line in self.lines:
            if number == 1:
                self._read_head(line)
            else:
                self._read_line(line, number)

    def _read_head(self, head: dict[str, Any]) -> None:
        ours, theirs = self._head, {key: head.get(key) for key in self._head}
        for key in ("version", "qnnt", "order"):
            if ours[key] != theirs[key]:
                raise InputError("", "was written by another version of qnnt")
        if ours["instance"] != theirs["instance"]:
            raise InputError("", "belongs to another instance, or to another goal or presolve of this one")
        if ours["symmetry"] != theirs["symmetry"]:
            raise InputError(
                "", f"was begun {'with' if theirs['symmetry'] else 'without'} the order of neurons"
            )
        if ours["asked"] != theirs["asked"]:
            raise InputError("", f"holds a split for {theirs['asked']} cubes, not for {ours['asked']}")
        if ours["by"] != theirs["by"]:
            raise InputError("", f"holds answers of {theirs['by']}, not of {ours['by']}")
        try:
            boxes = tuple(Box(tuple(_side(*side) for side in sides)) for sides in head["boxes"])
            refuted, budget = _integer(head["refuted"]), head["budget"]
            whole = partition(list(boxes), self._instance.architecture.n_parameters, self._instance.domain)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("line 1", f"is damaged: {error}") from None
        if not whole or not 0 <= refuted <= len(boxes) or not _is_budget(budget, self._instance):
            raise InputError("line 1", "is damaged: the boxes are no partition of the parameter space")
        self.plan = Plan(boxes, refuted, budget, head["asked"])

    def _read_line(self, line: dict[str, Any], number: int) -> None:
        assert self.plan is not None
        cube, vector, budget = line.get("cube"), line.get("network"), line.get("budget")
        right = type(cube) is int and 0 <= cube < len(self.plan.boxes)
        if right and line.get("refuted") is True and _is_budget(budget, self._instance):
            self.refuted.append(Refuted(int(str(cube)), budget))
        elif right and isinstance(vector, list) and all(type(value) is int for value in vector):
            self.vectors.append(vector)
        else:
            raise InputError(f"line {number}", "says nothing about a cube")


def _side(parameter: Any, least: Any, greatest: Any) -> tuple[int, int, int]:
    return _integer(parameter), _integer(least), _integer(greatest)


def _integer(value: Any) -> int:
    """Neither a float, whose fraction would be lost, nor true."""
    if type(value) is not int:
        raise ValueError(f"{value!r} is no integer")
    return value


def _is_budget(budget: Any, instance: Instance) -> bool:
    """Only under a minimum a cube is refuted for a number of errors, not for the goal."""
    return type(budget) is int if instance.goal.minimizes else budget is None
