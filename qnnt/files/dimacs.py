"""DIMACS CNF, and WCNF in both formats of the MaxSAT Evaluations, written from blocks of clauses."""

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


def write_wcnf(
    file: IO[str],
    hard: Sequence[npt.NDArray[np.int32]],
    soft: npt.NDArray[np.int32],
    weights: npt.NDArray[np.int64],
) -> None:
    """Write hard clauses and soft literals (s,) with their weights (s,), as the Evaluations do since 2022."""
    file.writelines(clause_lines(hard, "h "))
    file.writelines(_soft_lines(soft, weights))


def write_wcnf_before_2022(
    file: IO[str],
    hard: Sequence[npt.NDArray[np.int32]],
    soft: npt.NDArray[np.int32],
    weights: npt.NDArray[np.int64],
    n_variables: int,
) -> None:
    """The same with a line ``p wcnf``, whose last number is the weight that marks a hard clause."""
    top = sum(weights.tolist()) + 1
    file.write(f"p wcnf {n_variables} {sum(map(len, hard)) + len(soft)} {top}\n")
    file.writelines(clause_lines(hard, f"{top} "))
    file.writelines(_soft_lines(soft, weights))


def _soft_lines(soft: npt.NDArray[np.int32], weights: npt.NDArray[np.int64]) -> Iterator[str]:
    for weight, literal in zip(weights.tolist(), soft.tolist(), strict=True):
        yield f"{weight} {literal} 0\n"
