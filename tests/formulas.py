"""What tests ask of clauses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def expect_distinct_variables(blocks: Iterable[npt.NDArray[np.int32]]) -> None:
    """No clause has a literal twice, or a literal and its negation."""
    for block in blocks:
        variables = np.sort(np.abs(block), axis=1)
        assert (variables[:, 1:] != variables[:, :-1]).all()
