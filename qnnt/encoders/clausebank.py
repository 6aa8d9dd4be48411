"""One formula under construction: a pool of variables and vectorised collection of clauses."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import Unsupported

TRUE = 1
FALSE = -1
MOST_VARIABLES = 2**31 - 1  # literals are integers of 32 bits
_SHORT = 16  # entries of a row, up to which numpy is faster column by column
Literals = npt.NDArray[np.int32]


class ClauseBank:
    """Hands out variables from one pool and collects clauses in numpy blocks; variable 1 is true.

    A literal may be :data:`TRUE` or :data:`FALSE` anywhere: satisfied clauses and false literals are dropped
    as clauses come in.
    """

    def __init__(self) -> None:
        self.n_variables = 1
        self._blocks: list[Literals] = [np.array([[TRUE]], dtype=np.int32)]

    def fresh(self, *shape: int) -> Literals:
        """New variables in an array of the given shape.

        Raises :class:`Unsupported` beyond :data:`MOST_VARIABLES` in all.
        """
        count = prod(shape)
        first = self.n_variables + 1
        if self.n_variables + count > MOST_VARIABLES:
            raise Unsupported(f"a formula has at most {MOST_VARIABLES:,} variables, this one needs more")
        self.n_variables += count
        return np.arange(first, first + count, dtype=np.int32).reshape(shape)

    def fresh_where(self, wanted: npt.NDArray[np.bool_], otherwise: Literals) -> Literals:
        """New variables where ``wanted``, the given literals elsewhere."""
        result = np.array(otherwise, dtype=np.int32)
        result[wanted] = self.fresh(int(wanted.sum()))
        return result

    def add(self, *columns: npt.ArrayLike) -> None:
        """Add one clause per row of the columns, broadcast against each other."""
        arrays = np.broadcast_arrays(*columns)
        self.add_block(np.stack([np.asarray(a, dtype=np.int32).ravel() for a in arrays], axis=1))

    def add_block(self, block: Literals) -> None:
        """Add the clauses of an (m, k) array; entries :data:`FALSE` pad shorter ones."""
        satisfied = _true_entries(block == TRUE) > 0
        if satisfied.any():
            block = block[~satisfied]
        if not len(block):
            return
        padded = _true_entries(block == FALSE)
        if not padded.any():
            self._blocks.append(block)
            return
        k = block.shape[1]
        for missing in np.flatnonzero(np.bincount(padded)).tolist():
            if missing == k:
                self._blocks.append(np.array([[FALSE]], dtype=np.int32))
            else:
                rows = block[padded == missing]
                self._blocks.append(rows[rows != FALSE].reshape(-1, k - missing) if missing else rows)

    def add_clauses(self, clauses: list[list[int]]) -> None:
        """Add clauses given as lists, as PySAT's encodings return them."""
        by_width: dict[int, list[list[int]]] = {}
        for clause in clauses:
            by_width.setdefault(len(clause), []).append(clause)
        for same in by_width.values():
            self.add_block(np.array(same, dtype=np.int32).reshape(len(same), -1))

    @property
    def clauses(self) -> tuple[Literals, ...]:
        """The clauses so far, in blocks of equal width."""
        return tuple(self._blocks)


def _true_entries(where: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """(m,) how many entries of each row of (m, k) are true."""
    m, k = where.shape
    if k > _SHORT:
        return np.asarray(where.sum(axis=1))
    total = np.zeros(m, dtype=np.intp)
    for column in where.T:
        total += column
    return total
