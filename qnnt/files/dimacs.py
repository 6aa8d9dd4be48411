"""DIMACS CNF, written from blocks of clauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import numpy.typing as npt

_CHUNK = 1 << 16  # clauses turned to text at once


def clause_lines(blocks: Sequence[npt.NDArray[np.int32]], prefix: str = "") -> Iterator[str]:
    """One line for each clause, with a prefix and the closing zero; many lines to a string."""
    for block in blocks:
        for start in range(0, len(block), _CHUNK):
            # One conversion of a whole list is many times faster than one of each clause.
            text = str(block[start : start + _CHUNK].tolist())[2:-2]
            yield prefix + text.replace("], [", f" 0\n{prefix}").replace(",", "") + " 0\n"


def write_cnf(file: IO[str], blocks: Sequence[npt.NDArray[np.int32]], n_variables: int) -> None:
    """Write ``p cnf`` and the clauses."""
    file.write(f"p cnf {n_variables} {sum(map(len, blocks))}\n")
    file.writelines(clause_lines(blocks))
