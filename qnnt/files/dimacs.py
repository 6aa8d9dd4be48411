"""DIMACS CNF, written from blocks of clauses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import numpy as np
import numpy.typing as npt


def write_clauses(file: IO[bytes], blocks: Sequence[npt.NDArray[np.int32]], n_variables: int) -> None:
    """Write ``p cnf`` and one clause a line."""
    file.write(f"p cnf {n_variables} {sum(len(b) for b in blocks)}\n".encode())
    for block in blocks:
        write_lines(file, block)


def write_lines(file: IO[bytes], block: npt.NDArray[np.int32], prefix: str = "") -> None:
    """Write the clauses (m, k) of a block, each with a prefix and the closing zero."""
    row = prefix + " ".join(["%d"] * block.shape[1]) + " 0\n"
    for start in range(0, len(block), 1 << 16):
        part = block[start : start + (1 << 16)]
        file.write(((row * len(part)) % tuple(part.ravel().tolist())).encode())
