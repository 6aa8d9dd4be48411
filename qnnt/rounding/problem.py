"""The rounding problem of one dense layer, stated in integers: what encoders compile and solvers answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.exceptions import InputError
from qnnt.rounding.scheme import MOST_BITS, Affine, Ints, Reals, Scheme

Clip = Literal["fix", "after"]
MOST_CANDIDATES = 2**MOST_BITS


@dataclass(frozen=True)
class LayerProblem:
    """Choose integer codes c (n, f+1), the last column the bias's, so that the layer's outputs are near.

    With a_k = (x^q_k − z_X, 1) the integer inputs of calibration point k, the quantised layer computes
    y̌_ki = s_Wi·s_X·(a_k · c_i), and neuron i costs (1/N) Σ_k (y_ki − y̌_ki)². By default y is the *real layer
    on the quantised inputs*, y_k = W x̌_k + b with x̌ = s_X·(x^q − z_X); then the real weights cost 0 and
    all of the cost is rounding. ``reference`` (N, n) replaces y, say by the real network's own
    pre-activations.

    ``inputs`` (N, f) are x^q − z_X, ``real`` (n, f+1) the real weights and biases in units of a code,
    ``unit`` (n,) is s_Wi·s_X, ``lower`` and ``upper`` (n, f+1) the codes allowed (before clipping).
    """

    inputs: Ints
    real: Reals
    unit: Reals
    lower: Ints
    upper: Ints
    base: Ints
    least: Ints
    greatest: Ints
    residual: Reals | None = None

    @classmethod
    def of_layer(
        cls,
        W: npt.ArrayLike,
        b: npt.ArrayLike,
        X: npt.ArrayLike,
        scheme: Scheme,
        *,
        inputs: Affine | None = None,
        reference: npt.ArrayLike | None = None,
        candidates: int = 2,
        clip: Clip = "fix",
    ) -> tuple[LayerProblem, Reals, Affine]:
        """The problem of a layer W (n, f), b (n,) on real inputs X (N, f); also its s_W (n,) and input code.

        ``candidates`` consecutive integers around the real value are allowed: with 2, floor and ceil = floor
        + 1. With ``clip="fix"`` only those in the scheme's range are; where none is, the end of the range.
        Raises :class:`InputError`, naming the argument, for shapes that do not fit or values not finite.
        """
        W, b, X = real_array("W", W, 2), real_array("b", b, 1), real_array("X", X, 2)
        if len(b) != len(W):
            raise InputError("b", f"one bias for each of {len(W)} neurons, not {len(b)}")
        if X.shape[1] != W.shape[1]:
            raise InputError("X", f"{W.shape[1]} columns as W has, not {X.shape[1]}")
        if len(X) == 0 or len(W) == 0:
            raise InputError("W" if len(X) else "X", "no rows")
        if not 2 <= candidates <= MOST_CANDIDATES:
            raise InputError("candidates", f"2 to {MOST_CANDIDATES} integers per weight, not {candidates}")
        if clip not in ("fix", "after"):
            raise InputError("clip", f"'fix' or 'after', not {clip!r}")
        scale = np.broadcast_to(np.asarray(scheme.weight_scale(W), dtype=np.float64), len(W)).copy()
        code = inputs or scheme.inputs(X)
        if not (np.isfinite(code.scale) and code.scale > 0):
            raise InputError("inputs", f"their scale is a positive finite number, not {code.scale}")
        integers = code.codes(X) - code.zero_point
        unit = scale * code.scale
        if not ((scale > 0).all() and np.isfinite(unit).all() and (unit > 0).all()):
            raise InputError("W", "a scale of the scheme is not a positive finite number")
        real = np.column_stack([W / scale[:, None], b / unit])
        least = np.tile(
            np.array([scheme.weight_range[0]] * W.shape[1] + [scheme.bias_range[0]], np.int64), (len(W), 1)
        )
        most = np.tile(
            np.array([scheme.weight_range[1]] * W.shape[1] + [scheme.bias_range[1]], np.int64), (len(W), 1)
        )
        if np.abs(real).max(initial=0.0) > 2**52:
            raise InputError("b", "a bias is more than 2^52 units of its scale s_W·s_X")
        base = np.floor(real).astype(np.int64)
        # An even number lies around the gap of the real value, an odd one around the nearest integer.
        first = base if candidates % 2 == 0 else np.ceil(real - 0.5).astype(np.int64)
        lower = first - (candidates - 1) // 2
        upper = lower + candidates - 1
        if clip == "fix":
            lower, upper = np.clip(lower, least, most), np.clip(upper, least, most)
        residual = None
        if reference is not None:
            y = real_array("reference", reference, 2)
            if y.shape != (len(X), len(W)):
                raise InputError("reference", f"shape {(len(X), len(W))}, not {y.shape}")
            residual = y - (code.scale * integers) @ W.T - b
        return cls(integers, real, unit, lower, upper, base, least, most, residual), scale, code

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.real)

    @cached_property
    def design(self) -> Reals:
        """(N, f+1) the integers a_k."""
        return np.column_stack([self.inputs, np.ones(len(self.inputs), dtype=np.int64)]).astype(np.float64)

    @cached_property
    def gram(self) -> Reals:
        """(f+1, f+1) Σ_k a_k a_kᵀ: integers, exact in doubles, and the same for all neurons."""
        return self.design.T @ self.design

    def nearest(self) -> Ints:
        """(n, f+1) the codes allowed that are nearest to the real values, ties to even."""
        return np.clip(np.rint(self.real).astype(np.int64), self.lower, self.upper)

    def clipped(self, codes: IntArray, neuron: int | slice = slice(None)) -> Ints:
        """Codes of all neurons (n, f+1), or of one (1, f+1), moved into the scheme's range."""
        wide: Ints = codes.astype(np.int64)
        return np.clip(wide, self.least[neuron], self.greatest[neuron])

    def holds_clipped(self, neuron: int) -> bool:
        """Whether the codes of one neuron that were allowed include all clipped ones."""
        i = neuron
        return bool(((self.lower[i] <= self.greatest[i]) & (self.upper[i] >= self.least[i])).all())

    def cost(self, codes: Ints, neuron: int) -> float:
        """The Frobenius distance of one neuron, computed from its outputs, for codes (f+1,)."""
        difference = self.design @ (codes - self.real[neuron]) * self.unit[neuron]
        if self.residual is not None:
            difference = difference - self.residual[:, neuron]
        return float((difference**2).mean())

    def costs(self, codes: Ints) -> Reals:
        """(n,) the Frobenius distance of each neuron, for codes (n, f+1)."""
        return np.array([self.cost(codes[i], i) for i in range(self.n)])


def real_array(name: str, values: npt.ArrayLike, dimensions: int) -> Reals:
    """A finite array of doubles; raises :class:`InputError`."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(name, f"not an array of numbers: {error}") from error
    if array.ndim != dimensions:
        raise InputError(name, f"{dimensions} dimensions, not {array.ndim}")
    if not np.isfinite(array).all():
        raise InputError(name, f"entry {tuple(np.argwhere(~np.isfinite(array))[0].tolist())} is not finite")
    return array
