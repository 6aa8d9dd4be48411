"""How the weights of a layer become integers: the scales and zero points of rows, or of blocks of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.rounding.scheme import Scheme, single

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_BITS = 4  # of the widest weights that are stored in blocks


@dataclass(frozen=True, eq=False)
class Grid:
    """A weight is ``scale``·c, c an integer code; the file holds c + ``zero``, in the scheme's range.

    The scales (n, b) are those of the b blocks of each row, ``block`` weights each (the last may have
    fewer). Zero points have the same shape; None stands for zeros.
    """

    scale: Reals
    zero: Ints | None
    block: int

    @property
    def blocked(self) -> bool:
        """Whether rows have more than one scale."""
        return bool(self.scale.shape[1] > 1)

    def scales(self, width: int) -> Reals:
        """(n, ``width``) the scale of each weight."""
        return np.repeat(self.scale, self.block, axis=1)[:, :width]

    def zeros(self, width: int) -> Ints:
        """(n, ``width``) the zero point of each weight."""
        zero = np.zeros(self.scale.shape, np.int64) if self.zero is None else self.zero
        return np.repeat(zero, self.block, axis=1)[:, :width]

    def stored(self, codes: Ints) -> Ints:
        """(n, f) what the file holds for codes (n, f)."""
        return codes + self.zeros(codes.shape[1])

    def times(self, factors: Reals) -> Grid:
        """With the scales of each row times one of ``factors`` (n,), in single precision.

        Those that would be 0 there stay as they are.
        """
        scale = single(self.scale * factors[:, None])
        return replace(self, scale=np.where(scale > 0, scale, self.scale))


@dataclass(frozen=True)
class Storage:
    """What weights become: codes of a ``scheme``, with a scale for every ``block`` weights of a row.

    Without a block there is one for each row, or for all, as the scheme says. ``asymmetric`` ones have zero
    points, so that the codes cover the range of the weights and not twice the larger end of it.
    """

    scheme: Scheme
    block: int | None = None
    asymmetric: bool = False

    def __post_init__(self) -> None:
        """Raises :class:`InputError` for what does not go together."""
        if self.block is None:
            return
        if self.block < 1:
            raise InputError("block_size", f"a block has at least one weight, not {self.block}")
        if self.scheme.per != "row":
            raise InputError("block_size", "a block is a part of a row; take a scale per row")
        if self.scheme.bits > BLOCK_BITS:
            most = f"at most {BLOCK_BITS} bits, not {self.scheme.bits}"
            raise InputError("block_size", f"is for weights of {most}")

    def of_bits(self, bits: int) -> Storage:
        """The same with another number of bits; more than :data:`BLOCK_BITS` go without blocks."""
        block = self.block if bits <= BLOCK_BITS else None
        return replace(self, scheme=replace(self.scheme, bits=bits), block=block)

    def grid(self, W: Reals) -> Grid:
        """Scales and zero points for rows (n, f), so that the codes of the scheme cover each block."""
        n, f = W.shape
        block = f if self.block is None else min(self.block, f)
        count = -(-f // block)
        # Zeros fill the last block: they change no range, as each includes 0.
        parts = np.pad(W, ((0, 0), (0, count * block - f))).reshape(n * count, block)
        if not self.asymmetric:
            scale = np.broadcast_to(self.scheme.weight_scale(parts), n * count).astype(np.float64)
            return Grid(scale.reshape(n, count), None, block)
        least, greatest = self.scheme.weight_range
        lo, hi = np.minimum(parts.min(axis=1), 0.0), np.maximum(parts.max(axis=1), 0.0)
        if self.scheme.per == "tensor":
            lo, hi = np.full_like(lo, lo.min()), np.full_like(hi, hi.max())
        width = single((hi - lo) / (greatest - least))
        scale = np.where(width > 0, width, 1.0)
        zero = np.clip(np.rint(least - lo / scale), least, greatest).astype(np.int64)
        return Grid(scale.reshape(n, count), zero.reshape(n, count), block)

    def as_dict(self) -> dict[str, object]:
        """What a report says of it."""
        scheme = self.scheme
        per = scheme.per if self.block is None else f"block of {self.block}"
        scaling = "asymmetric" if self.asymmetric else scheme.scaling
        return {"bits": scheme.bits, "scaling": scaling, "per": per}
