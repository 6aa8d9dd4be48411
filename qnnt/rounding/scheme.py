"""Quantisation schemes: which integers a weight may become, and what they are worth.

A real number a is stored as an integer code q with a ≈ scale·(q − zero_point). Weights have zero point 0. All
scales are rounded to single precision, the type that ONNX stores them in, so that a file means the same
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, require_word

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Scaling = Literal["symmetric", "max"]
Per = Literal["tensor", "row"]

BIAS_RANGE = (-(2**31), 2**31 - 1)
MOST_BITS = 16


def single(value: npt.ArrayLike) -> Reals:
    """The nearest single-precision numbers, as doubles; infinite if they are beyond."""
    with np.errstate(over="ignore"):
        return np.asarray(value, dtype=np.float32).astype(np.float64)


@dataclass(frozen=True)
class Affine:
    """A code q in [``lo``, ``hi``] stands for ``scale``·(q − ``zero_point``)."""

    scale: float
    zero_point: int
    lo: int = -128
    hi: int = 127

    def codes(self, X: npt.ArrayLike) -> Ints:
        """Codes of real values, any shape: as ONNX's QuantizeLinear, in single precision, halves to even."""
        quotient = np.rint(np.asarray(X, dtype=np.float32) / np.float32(self.scale)).astype(np.float64)
        codes: Ints = np.clip(quotient + self.zero_point, self.lo, self.hi).astype(np.int64)
        return codes

    def values(self, codes: npt.ArrayLike) -> Reals:
        """What codes, any shape, stand for."""
        return self.scale * (np.asarray(codes, dtype=np.float64) - self.zero_point)


@dataclass(frozen=True)
class Scheme:
    """The paper's scheme; a scheme of one's own is a subclass that overrides what differs.

    Weights are int-``bits`` codes in [−2^(bits−1), 2^(bits−1) − 1] with zero point 0. With m the greatest
    |weight| of the tensor, or of each row with ``per="row"``, ``scaling="symmetric"`` spreads [−m, m] over
    all codes, s_W = 2m / (2^bits − 1), and ``"max"`` gives m the lowest code's magnitude, s_W = m /
    2^(bits−1). Inputs are int8, affine over their range with 0 included; biases are int32 with scale s_W·s_X.
    Raises :class:`InputError` for bits outside 1..16, :class:`UnknownWord` for an unknown word.
    """

    bits: int = 2
    scaling: Scaling = "symmetric"
    per: Per = "tensor"

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise InputError("bits", f"a weight has 1 to {MOST_BITS} bits, not {self.bits}")
        require_word("scaling", self.scaling, get_args(Scaling))
        require_word("scale per", self.per, get_args(Per))

    @property
    def weight_range(self) -> tuple[int, int]:
        """Least and greatest code of a weight."""
        return -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1

    @property
    def bias_range(self) -> tuple[int, int]:
        """Least and greatest code of a bias."""
        return BIAS_RANGE

    def weight_scale(self, W: Reals) -> Reals:
        """(n,) scale of each row of weights (n, f); 1 where it would be 0 in single precision."""
        most = np.abs(W).max(axis=1, initial=0.0)
        if self.per == "tensor":
            most = np.full_like(most, most.max(initial=0.0))
        divisor = (2**self.bits - 1) / 2 if self.scaling == "symmetric" else 2 ** (self.bits - 1)
        scale = single(most / divisor)
        return np.where(scale > 0, scale, 1.0)

    def inputs(self, X: Reals) -> Affine:
        """How the layer's inputs are stored: int8, from the calibration inputs (N, f).

        Raises :class:`InputError` for a range that no scale in single precision covers.
        """
        lo, hi = min(X.min(initial=0.0), 0.0), max(X.max(initial=0.0), 0.0)
        with np.errstate(over="ignore"):
            scale = float(single((hi - lo) / 255)) or 1.0
        if not np.isfinite(scale):
            raise InputError("X", "their range is beyond single precision")
        return Affine(scale, int(np.clip(np.rint(-128 - lo / scale), -128, 127)))
