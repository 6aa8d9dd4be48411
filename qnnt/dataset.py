"""Multisets of data points, grouped by distinct input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.domain import Domain, IntArray
from qnnt.exceptions import InputError
from qnnt.rowcodes import distinct_rows
from qnnt.wording import count


@dataclass(frozen=True)
class Choices:
    """What each distinct input can be taught: at most one of its labels.

    ``inputs`` (n, α) are the distinct inputs. Label r belongs to input ``of[r]``, reads ``labels[r]`` (ω
    values), which are ``levels[r]`` of the output activation, and is carried by ``counts[r]`` data points;
    labels of one input are sorted by falling count. Labels with a value that no output shows are left out.
    ``total`` counts all data points and ``unavoidable`` those that are wrong in every network: all but the
    most frequent label of each input.
    """

    inputs: IntArray
    of: npt.NDArray[np.int64]
    labels: IntArray
    levels: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    total: int
    unavoidable: int


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A multiset of data points: ``inputs`` (N, α), ``labels`` (N, ω), ``counts`` (N,) ≥ 1.

    Raises :class:`InputError` for arrays whose shapes do not fit, that are not integer, for a count < 1, and
    for counts too large to add up.
    """

    inputs: IntArray
    labels: IntArray
    counts: npt.NDArray[np.int64]

    def __init__(
        self, inputs: npt.ArrayLike, labels: npt.ArrayLike, counts: npt.ArrayLike | None = None
    ) -> None:
        x, y = integers("inputs", inputs), integers("labels", labels)
        c = np.ones(len(x), dtype=np.int64) if counts is None else integers("counts", counts).astype(np.int64)
        if x.ndim != 2 or y.ndim != 2 or c.ndim != 1 or not len(x) == len(y) == len(c):
            raise InputError("data", f"shapes {x.shape}, {y.shape}, {c.shape} are not (N, α), (N, ω), (N,)")
        if (c < 1).any():
            raise InputError(f"data[{int(np.argmax(c < 1))}].count", "a count is at least 1")
        if sum(c.tolist()) >= 2**62:
            raise InputError("data", "the counts add up to 2^62 or more")
        for name, value in (("inputs", x), ("labels", y), ("counts", c)):
            frozen = np.array(value)
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return all(
            np.array_equal(a, b)
            for a, b in (
                (self.inputs, other.inputs),
                (self.labels, other.labels),
                (self.counts, other.counts),
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = f"{count(self.alpha, 'input value')}, {count(self.omega, 'output value')}"
        return f"Dataset({count(self.total, 'point')} of {values})"

    def __len__(self) -> int:
        """Number of rows held; see ``total`` for the number of data points."""
        return len(self.inputs)

    @property
    def alpha(self) -> int:
        """α: values in an input."""
        return int(self.inputs.shape[1])

    @property
    def omega(self) -> int:
        """ω: values in a label."""
        return int(self.labels.shape[1])

    @property
    def total(self) -> int:
        """|D|, repetitions counted."""
        return int(self.counts.sum())

    @property
    def contradicting(self) -> int:
        """How many distinct inputs carry more than one label, of whatever values."""
        _, pairs, _ = self._grouped()
        return int((np.bincount(pairs[:, 0]) > 1).sum())

    def _grouped(self) -> tuple[IntArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The distinct inputs (n, α), the distinct pairs (k, 1 + ω), and for each row the number of its pair.

        A pair is the number of an input and a label.
        """
        inputs, of_row = distinct_rows(self.inputs)
        pairs, group = distinct_rows(np.column_stack([of_row, self.labels.astype(np.int64)]))
        return inputs, pairs.astype(np.int64), group

    def choices(self, output: Activation) -> Choices:
        """The data grouped by distinct input, without labels that the output activation never shows."""
        inputs, pairs, group = self._grouped()
        counts = np.zeros(len(pairs), dtype=np.int64)
        np.add.at(counts, group, self.counts)
        order = np.lexsort((-counts, pairs[:, 0]))
        levels = output.levels_of(pairs[order, 1:])
        shown = (levels >= 0).all(axis=1)
        order, levels = order[shown], levels[shown]
        of, labels, counts = pairs[order, 0], pairs[order, 1:], counts[order]
        best = counts[np.flatnonzero(np.diff(of, prepend=-1))]
        return Choices(inputs, of, labels, levels, counts, self.total, self.total - int(best.sum()))

    def check(self, domain: Domain, alpha: int, omega: int) -> None:
        """Raise :class:`InputError` unless every value lies in the domain and vectors have α and ω values."""
        for key, values, length in (("x", self.inputs, alpha), ("y", self.labels, omega)):
            if values.shape[1] != length and len(values):
                raise InputError(
                    f"data[0].{key}", f"has {values.shape[1]} values where the network has {length}"
                )
            outside = ~domain.contains(values)
            if outside.any():
                row, column = np.unravel_index(int(np.argmax(outside)), outside.shape)
                raise InputError(
                    f"data[{row}].{key}[{column}]", f"value {values[row, column]} is not in {domain}"
                )


def integers(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """The values as an integer array; raises :class:`InputError` with place ``name`` for any other type."""
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(name, f"must be integers, not {array.dtype}")
    return array


def whole_numbers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The values as integers, also those that are floats without a fraction, or Booleans.

    Raises :class:`InputError` naming the first value that is none, with its position after ``name``.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(name, "must be rows of the same length") from None
    if array.size and array.dtype.kind not in "biuf":
        first = array.reshape(-1)[0]
        raise InputError(name, f"must be integers, not {array.dtype} such as {str(first)[:40]!r}")
    with np.errstate(invalid="ignore"):  # nan and inf, which are found below
        whole = array.astype(np.int64)
    wrong = whole != array
    if wrong.any():
        at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        where = "".join(f"[{i}]" for i in at)
        raise InputError(f"{name}{where}", f"must be an integer, not {array[at]}")
    return whole
