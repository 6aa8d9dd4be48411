"""Set systems: sources of exact cover and hitting set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.reductions.sources.ragged import Integers, Ragged, whole
from qnnt.sizes import require_room

Chosen = Integers


@dataclass(frozen=True)
class SetSystem:
    """Sets over the elements 0…n-1, which may be empty and equal; a set names each of its elements once.

    Files and documents count elements and sets from 1. Raises :class:`InputError` naming set and element.
    """

    n_elements: int
    sets: Ragged

    def __post_init__(self) -> None:
        if self.n_elements < 0:
            raise InputError("elements", f"must be at least 0, not {self.n_elements}")
        wrong = (self.sets.values < 0) | (self.sets.values >= self.n_elements)
        if wrong.any():
            i = int(np.argmax(wrong))
            where, element = f"set {self.sets.owners[i] + 1}", int(self.sets.values[i]) + 1
            raise InputError(where, f"{element} is none of the elements 1..{self.n_elements}")

    @cached_property
    def incidence(self) -> npt.NDArray[np.bool_]:
        """(m, n): which set contains which element; :class:`InputError` if that is beyond the cap."""
        require_room(len(self.sets) * self.n_elements, "elements", "a table of all sets and elements needs")
        matrix = np.zeros((len(self.sets), self.n_elements), dtype=np.bool_)
        matrix[self.sets.owners, self.sets.values] = True
        return matrix

    def document(self) -> dict[str, Any]:
        """The source as JSON can hold it."""
        return {"elements": self.n_elements, "sets": _counted(self.sets)}

    def _text(self, word: str) -> str:
        lines = [" ".join(map(str, row)) + "\n" for row in _counted(self.sets)]
        return f"p {word} {self.n_elements} {len(self.sets)}\n" + "".join(lines)

    def solution_text(self, solution: Chosen) -> str:
        """The number of what is chosen, then each on a line, counted from 1 (as in the PACE challenge)."""
        return "".join(f"{number}\n" for number in [len(solution), *(int(i) + 1 for i in solution)])


@dataclass(frozen=True)
class ExactCover(SetSystem):
    """Choose sets that contain every element exactly once; a solution holds their numbers, rising."""

    def accepts(self, solution: Chosen) -> bool:
        """Whether the chosen sets are a partition of the elements."""
        chosen = np.asarray(solution, dtype=np.int64)
        if not _distinct(chosen, len(self.sets)):
            return False
        marked = np.isin(self.sets.owners, chosen)
        return bool((np.bincount(self.sets.values[marked], minlength=self.n_elements) == 1).all())

    @classmethod
    def of(cls, sets: Any, n_elements: int) -> ExactCover:
        """The source of these sets, lists of elements from 0 in which repetitions do not count."""
        return cls(n_elements, _merged(sets))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ExactCover:
        """The source of a document."""
        return cls.of(*_documented(document))

    def text(self) -> str:
        """The source as a list of elements for each set."""
        return self._text("xc")

    @classmethod
    def read(cls, path: Path) -> ExactCover:
        """The source in a file: a 0/1 matrix or lists of elements; see :mod:`qnnt.files.sets`."""
        from qnnt.files.sets import read_sets

        return cls.of(*read_sets(path))


@dataclass(frozen=True)
class HittingSet(SetSystem):
    """Choose at most ``size`` elements that meet every set; a solution holds their numbers, rising."""

    size: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 0:
            raise InputError("size", f"must be at least 0, not {self.size}")

    def accepts(self, solution: Chosen) -> bool:
        """Whether at most ``size`` elements are chosen and every set contains one of them."""
        chosen = np.asarray(solution, dtype=np.int64)
        if not _distinct(chosen, self.n_elements) or len(chosen) > self.size:
            return False
        return bool((self.sets.count(np.isin(self.sets.values, chosen)) > 0).all())

    @classmethod
    def of(cls, sets: Any, n_elements: int, size: int) -> HittingSet:
        """The source of these sets, lists of elements from 0 in which repetitions do not count."""
        return cls(n_elements, _merged(sets), size)

    def document(self) -> dict[str, Any]:
        """The source as JSON can hold it."""
        return {**super().document(), "size": self.size}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> HittingSet:
        """The source of a document."""
        return cls.of(*_documented(document), whole(document["size"]))

    def text(self) -> str:
        """The sets as a PACE ``.hgr`` file, which does not hold the size."""
        return self._text("hs")

    @classmethod
    def read(cls, path: Path, size: int) -> HittingSet:
        """The source in a file: ``.hgr``, lists of elements or OR-Library; see :mod:`qnnt.files.sets`."""
        from qnnt.files.sets import read_sets

        return cls.of(*read_sets(path), size)


def _documented(document: dict[str, Any]) -> tuple[list[list[int]], int]:
    return [[whole(e) - 1 for e in row] for row in document["sets"]], whole(document["elements"])


def _merged(sets: Any) -> Ragged:
    return Ragged.of(sorted(set(row)) for row in sets)


def _counted(sets: Ragged) -> list[list[int]]:
    return Ragged(sets.values + 1, sets.starts).rows()


def _distinct(chosen: Integers, limit: int) -> bool:
    inside = bool(((chosen >= 0) & (chosen < limit)).all())
    return inside and len(np.unique(chosen)) == len(chosen)
