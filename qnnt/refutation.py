"""Why linear rows have no integer solution, in a form that is checked by adding integers.

A solver of linear models computes in floating point. A tree can stand in place of its word: a node splits
the range of a variable, and a leaf has multipliers y ≥ 0 of the rows coef·x ≥ lower (Farkas). In the box of a
leaf the sum of all y·coef·x stays below the sum of all y·lower, so that no x there keeps the rows. How the
tree was found does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.domain import IntArray
from qnnt.models import LinearModel, Rows

_EXACT = 2**62  # sums of 64-bit integers below this do not overflow


@dataclass(frozen=True)
class Split:
    """``variable`` is at most ``most`` in the tree that comes next, and more in the one after it."""

    variable: int
    most: int


@dataclass(frozen=True)
class Leaf:
    """Multipliers (m,) of the m rows, none below 0."""

    multipliers: IntArray


@dataclass(frozen=True)
class Refutation:
    """The nodes of a tree, each before those below it."""

    nodes: tuple[Split | Leaf, ...]

    def holds(self, model: LinearModel, rows: Rows) -> bool:
        """Whether it shows that no integers within the model's bounds keep the rows."""
        boxes = [(model.lower, model.upper)]
        for node in self.nodes:
            if not boxes:
                return False
            lower, upper = boxes.pop()
            if isinstance(node, Split):
                below, above = upper.copy(), lower.copy()
                below[node.variable] = min(node.most, upper[node.variable])
                above[node.variable] = max(node.most + 1, lower[node.variable])
                boxes += [(above, upper), (lower, below)]
            elif not closes(node.multipliers, rows, lower, upper):
                return False
        return not boxes


def closes(multipliers: IntArray, rows: Rows, lower: IntArray, upper: IntArray) -> bool:
    """Whether multipliers (m,) of the rows show that no x from ``lower`` to ``upper`` (n,) keeps them all.

    So it is, too, if the box is empty. False if 64 bits might not do.
    """
    if (lower > upper).any():
        return True
    if len(multipliers) != len(rows) or (multipliers < 0).any():
        return False
    times = np.repeat(multipliers, np.diff(rows.starts))
    reach = np.maximum(np.abs(lower), np.abs(upper)).astype(float)[rows.index]
    size = max(
        float((times.astype(float) * np.abs(rows.coef) * np.maximum(reach, 1)).sum()),
        float((multipliers.astype(float) * np.abs(rows.lower)).sum()),
    )
    if size >= _EXACT:
        return False
    coef = np.zeros(len(lower), dtype=np.int64)
    np.add.at(coef, rows.index, times * rows.coef)
    return int(np.where(coef > 0, coef * upper, coef * lower).sum()) < int(multipliers @ rows.lower)


def below(model: LinearModel, objective: int) -> Rows:
    """The rows of the model, and one that is kept by what has a smaller objective than this."""
    rows, index = model.rows, np.flatnonzero(model.objective)
    return Rows(
        np.append(rows.starts, rows.starts[-1] + len(index)),
        np.append(rows.index, index),
        np.append(rows.coef, -model.objective[index]),
        np.append(rows.lower, 1 - objective),
    )
