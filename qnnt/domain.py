"""The quantised domain Z_d (paper, Section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Domain:
    """Z_d = {-⌊(d-1)/2⌋, …, ⌈(d-1)/2⌉}, the d integers that weights, biases and data may take.

    Raises ``ValueError`` unless d is an integer ≥ 1.
    """

    d: int

    def __post_init__(self) -> None:
        if isinstance(self.d, bool) or not isinstance(self.d, int) or self.d < 1:
            raise ValueError(f"d must be an integer of at least 1, not {self.d!r}")

    @property
    def lo(self) -> int:
        """Min Z_d = -⌊(d-1)/2⌋."""
        return -((self.d - 1) // 2)

    @property
    def hi(self) -> int:
        """Max Z_d = ⌈(d-1)/2⌉."""
        return self.d // 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest signed integer type that holds every value of Z_d."""
        return np.min_scalar_type(-self.hi - 1)

    def contains(self, values: IntArray) -> npt.NDArray[np.bool_]:
        """Which of the values lie in Z_d, elementwise."""
        return (values >= self.lo) & (values <= self.hi)

    def __str__(self) -> str:
        return f"Z_{self.d} = {{{self.lo}..{self.hi}}}"
