"""The rounding problem of one layer, stated in integers: what encoders compile and solvers answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.exceptions import InputError, require_word
from qnnt.rounding.scheme import MOST_BITS, Affine, Ints, Reals, Scheme

Clip = Literal["fix", "after"]
MOST_CANDIDATES = 2**MOST_BITS
MOST_UNITS = 2.0**50  # of a code, in a real value
MOST_EXACT = 2.0**53  # integers below are exact in doubles


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """Integer codes (n, m) are to be chosen for n rows; how much each row costs, subclasses say.

    The real weights and biases, in units of a code, are ``base`` + ``part`` (n, m): an integer among the
    codes allowed, and the rest. They are two numbers because the sum of a large and a small one, as a double,
    loses digits of the small one. A code is worth ``unit`` (n,). ``lower`` and ``upper`` (n, m) are the codes
    allowed before clipping, ``least`` and ``greatest`` (n, m) the scheme's range.
    """

    base: Ints
    part: Reals
    unit: Reals
    lower: Ints
    upper: Ints
    least: Ints
    greatest: Ints

    @property
    def n(self) -> int:
        """Number of rows, which are neurons or output channels."""
        return len(self.base)

    @property
    def gram(self) -> Reals:
        """(m, m) Σ_k a_k a_kᵀ over the calibration points, the same for all rows."""
        raise NotImplementedError

    def cost(self, codes: Ints, row: int) -> float:
        """What one row costs with codes (m,)."""
        raise NotImplementedError

    def costs(self, codes: Ints) -> Reals:
        """(n,) what each row costs, for codes (n, m)."""
        return np.array([self.cost(codes[i], i) for i in range(self.n)])

    def nearest(self, row: int | slice = slice(None)) -> Ints:
        """The codes allowed that are nearest to the real values, ties to even: (n, m), or of a row (m,)."""
        base, part = self.base[row], self.part[row]
        up = np.where(part == 0.5, base % 2, np.rint(part))
        return np.clip(base + up.astype(np.int64), self.lower[row], self.upper[row])

    def clipped(self, codes: IntArray, row: int | slice = slice(None)) -> Ints:
        """Codes of all rows (n, m), or of one (1, m), moved into the scheme's range."""
        wide: Ints = codes.astype(np.int64)
        return np.clip(wide, self.least[row], self.greatest[row])

    def holds_clipped(self, row: int) -> bool:
        """Whether the codes of one row that were allowed include all clipped ones."""
        i = row
        return bool(((self.lower[i] <= self.greatest[i]) & (self.upper[i] >= self.least[i])).all())


@dataclass(frozen=True, kw_only=True)
class LayerProblem(RowProblem):
    """Choose integer codes c (n, f+1), the last column the bias's, so that the layer's outputs are near.

    With a_k = (x^q_k − z_X, 1) the integer inputs of calibration point k, the quantised layer computes
    y̌_ki = s_Wi·s_X·(a_k · c_i), and neuron i costs (1/N) Σ_k (y_ki − y̌_ki)². By default y is the *real layer
    on the quantised inputs*, y_k = W x̌_k + b with x̌ = s_X·(x^q − z_X); then the real weights cost 0 and
    all of the cost is rounding. A reference (N, n) replaces y, say by the real network's own
    pre-activations.

    ``inputs`` (N, f) are x^q − z_X and ``unit`` (n,) is s_Wi·s_X. ``goal`` (N, n) is the y of a reference in
    units, less what ``base`` gives; None without.
    """

    inputs: Ints
    goal: Reals | None = None

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
        Raises :class:`InputError`, naming the argument, for shapes that do not fit, values that are not
        finite, and values beyond what doubles hold exactly; :class:`UnknownWord` for an unknown ``clip``.
        """
        W, b, X = real_array("W", W, 2), real_array("b", b, 1), real_array("X", X, 2)
        if len(b) != len(W):
            raise InputError("b", f"one bias for each of {len(W)} neurons, not {len(b)}")
        if X.shape[1] != W.shape[1]:
            raise InputError("X", f"{W.shape[1]} columns as W has, not {X.shape[1]}")
        if len(X) == 0 or len(W) == 0:
            raise InputError("W" if len(X) else "X", "no rows")
        require_word("clip", clip, get_args(Clip))
        scale, code = _scales(W, X, scheme, inputs)
        integers = code.codes(X) - code.zero_point
        if len(X) * float(np.abs(integers).max(initial=1)) ** 2 >= MOST_EXACT:
            raise InputError("X", "sums of products of its codes are beyond what a double holds exactly")
        box = coded(W, b, scale, code.scale, scheme, candidates, clip)
        base, unit = box["base"], box["unit"]
        goal = None
        if reference is not None:
            y = real_array("reference", reference, 2)
            if y.shape != (len(X), len(W)):
                raise InputError("reference", f"shape {(len(X), len(W))}, not {y.shape}")
            whole_y, part_y = _parts("reference", y, unit)
            goal = whole_y - base[:, -1] - integers.astype(np.float64) @ base[:, :-1].T.astype(np.float64)
            goal += part_y
        return cls(inputs=integers, goal=goal, **box), scale, code

    @cached_property
    def design(self) -> Reals:
        """(N, f+1) the integers a_k."""
        return np.column_stack([self.inputs, np.ones(len(self.inputs), dtype=np.int64)]).astype(np.float64)

    @cached_property
    def sizes(self) -> Reals:
        """(N, f+1) absolute values of the a_k."""
        return np.abs(self.design)

    @cached_property
    def gram(self) -> Reals:
        """(f+1, f+1) Σ_k a_k a_kᵀ: integers, exact in doubles, and the same for all neurons."""
        return self.design.T @ self.design

    def cost(self, codes: Ints, row: int) -> float:
        """The Frobenius distance of one neuron, computed from its outputs, for codes (f+1,)."""
        moved = codes - self.base[row]
        if self.goal is None:
            difference = self.design @ (moved - self.part[row])
        else:
            difference = self.design @ moved - self.goal[:, row]
        return float(((difference * self.unit[row]) ** 2).mean())


@dataclass(frozen=True, kw_only=True)
class GramProblem(RowProblem):
    """Rows of which only the Gram matrix of the inputs is known: ``moments`` (m, m) = Σ_k a_k a_kᵀ.

    Row i with codes c costs (unit_i² / ``points``)·(c − r)ᵀ·moments·(c − r), r the real weights in units of a
    code. That is the mean squared distance of its outputs over the points, up to rounding errors of doubles.
    """

    moments: Reals
    points: int

    @classmethod
    def of_rows(
        cls,
        W: Reals,
        b: Reals | None,
        moments: Reals,
        points: int,
        scale: Reals,
        scheme: Scheme,
        *,
        input_scale: float = 1.0,
        factor: float = 1.0,
        candidates: int = 2,
        clip: Clip = "fix",
        zero: Ints | None = None,
    ) -> GramProblem:
        """The problem of rows W (n, f) with scales (n,), and biases b (n,) as a last column, if any.

        With zero points ``zero`` (n, f) a code of the scheme's range stands for its difference to that.

        ``moments`` (f, f), or (f+1, f+1) with biases, are those of inputs in units of ``input_scale``; a
        output is what the row gives, times ``factor``. With more than two ``candidates`` for a weight, a bias
        has :data:`MOST_CANDIDATES`. With ``clip="fix"`` each has the codes of the range that are nearest to
        its real value, as many as that. The rest is as for :meth:`LayerProblem.of_layer`, which says what is
        raised.
        """
        require_word("clip", clip, get_args(Clip))
        # A bias can make up for how the weights move the mean: with few bits, by far more than a unit.
        of_bias = None if candidates == 2 else MOST_CANDIDATES
        box = coded(W, b, scale, input_scale, scheme, candidates, clip, of_bias, inwards=True, zero=zero)
        return cls(moments=moments, points=points, **{**box, "unit": box["unit"] * abs(factor)})

    @property
    def gram(self) -> Reals:
        """(m, m) the moments."""
        return self.moments

    def cost(self, codes: Ints, row: int) -> float:
        """The mean squared distance of one row, from the Gram matrix, for codes (m,)."""
        d = (codes - self.base[row]) - self.part[row]
        return float(self.unit[row] ** 2 / self.points) * max(float(d @ self.moments @ d), 0.0)

    def costs(self, codes: Ints) -> Reals:
        """(n,) the same of each row, for codes (n, m)."""
        d = (codes - self.base) - self.part
        return np.asarray(self.unit**2 / self.points * np.maximum(((d @ self.moments) * d).sum(axis=1), 0.0))


def coded(
    W: Reals,
    b: Reals | None,
    scale: Reals,
    input_scale: float,
    scheme: Scheme,
    candidates: int,
    clip: Clip,
    bias_candidates: int | None = None,
    *,
    inwards: bool = False,
    zero: Ints | None = None,
) -> dict[str, Any]:
    """What a :class:`RowProblem` holds of weights (n, f) and biases (n,), in units of scales (n,).

    With ``clip="fix"`` codes out of the range are no candidates; with ``inwards`` others take their place, so
    that each weight has as many as the range allows.
    """
    if not 2 <= candidates <= MOST_CANDIDATES:
        raise InputError("candidates", f"2 to {MOST_CANDIDATES} integers per weight, not {candidates}")
    unit = scale * input_scale
    whole, part = _parts("W", W, scale[:, None])
    least, greatest = _range(scheme, W.shape)
    if zero is not None:
        least[:, :-1] -= zero
        greatest[:, :-1] -= zero
    if b is None:
        least, greatest = least[:, :-1], greatest[:, :-1]
    else:
        whole_b, part_b = _parts("b", b, unit)
        whole, part = np.column_stack([whole, whole_b]), np.column_stack([part, part_b])
    # An even number of candidates lies around the gap of the real value, an odd one around the nearest.
    first = whole if candidates % 2 == 0 else whole + (part > 0.5)
    wide = np.full(whole.shape[1], candidates)
    if b is not None:
        wide[-1] = candidates if bias_candidates is None else bias_candidates
    lower = first.astype(np.int64) - (wide - 1) // 2
    upper = lower + wide - 1
    if clip == "fix" and inwards:
        lower = np.clip(lower, least, np.maximum(greatest - (wide - 1), least))
        upper = np.minimum(lower + wide - 1, greatest)
    elif clip == "fix":
        lower, upper = np.clip(lower, least, greatest), np.clip(upper, least, greatest)
    base = np.clip(whole.astype(np.int64), lower, upper)
    return {
        "base": base,
        "part": (whole - base) + part,
        "unit": unit,
        "lower": lower,
        "upper": upper,
        "least": least,
        "greatest": greatest,
    }


def _scales(W: Reals, X: Reals, scheme: Scheme, inputs: Affine | None) -> tuple[Reals, Affine]:
    """s_W (n,) and the code of the inputs, checked."""
    scale = np.broadcast_to(np.asarray(scheme.weight_scale(W), dtype=np.float64), len(W)).copy()
    code = inputs or scheme.inputs(X)
    if not (np.isfinite(code.scale) and code.scale > 0):
        raise InputError("inputs", f"their scale is a positive finite number, not {code.scale}")
    unit = scale * code.scale
    if not ((scale > 0).all() and np.isfinite(unit).all() and (unit > 0).all()):
        raise InputError("W", "a scale of the scheme is not a positive finite number")
    return scale, code


def _parts(name: str, values: Reals, unit: Reals) -> tuple[Reals, Reals]:
    """``values`` / ``unit`` as integers and what is left of them, 0 to 1.

    The integers are exact, and what is left is right to its last bit: the remainder of a division of doubles
    is itself a double. A quotient rounded to a double keeps less of the part the larger it is. Raises
    :class:`InputError` beyond :data:`MOST_UNITS`, where the integers might be off by one.
    """
    if (np.abs(values) > MOST_UNITS * unit).any():
        raise InputError(name, "an entry is more than 2^50 units of its scale")
    whole, left = np.divmod(values, unit)
    return whole, left / unit


def _range(scheme: Scheme, shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """(n, f+1) the least and the greatest code of every weight and bias, for weights of ``shape`` (n, f)."""
    ends = zip(scheme.weight_range, scheme.bias_range, strict=True)
    least, greatest = (np.tile(np.array([w] * shape[1] + [b], np.int64), (shape[0], 1)) for w, b in ends)
    return least, greatest


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
