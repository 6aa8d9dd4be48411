"""The inputs of a layer as vectors, one for each sum that it computes, and their Gram matrices.

A matrix product takes the last axis of its input. A convolution takes a window of every position (im2col),
which is built in blocks and never as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError

Array = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]

BLOCK_BYTES = 2**25  # of vectors in doubles


class Unfolding(Protocol):
    """How vectors are taken from a tensor, for each of ``groups`` groups of rows."""

    @property
    def groups(self) -> int:
        """Number of groups, which see different vectors."""

    def blocks(self, X: Array) -> Iterator[Array]:
        """(groups, p, f) the vectors, p at a time, in the order of the positions."""


@dataclass(frozen=True)
class Columns:
    """The last axis of a tensor (…, f); the one before, with ``transposed`` (…, f, p)."""

    transposed: bool = False
    groups = 1

    def blocks(self, X: Array) -> Iterator[Array]:
        """(1, p, f) the vectors."""
        if self.transposed and X.ndim > 1:
            X = np.swapaxes(X, -1, -2)
        vectors = X.reshape(-1, X.shape[-1])
        step = max(BLOCK_BYTES // (8 * max(X.shape[-1], 1)), 1)
        for begin in range(0, len(vectors), step):
            yield vectors[None, begin : begin + step]


@dataclass(frozen=True)
class Windows:
    """The windows of a convolution over a tensor (N, C, *positions), as ONNX's Conv takes them.

    ``pads`` are those of the beginnings, then those of the ends, if ``auto_pad`` is NOTSET. A window is
    (channels of the group, *kernel), flattened.
    """

    groups: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    auto_pad: str = "NOTSET"

    def padding(self, sizes: tuple[int, ...]) -> list[tuple[int, int]]:
        """The zeros before and after each axis of so many positions."""
        k = len(self.kernel)
        if self.auto_pad in ("NOTSET", ""):
            return [(self.pads[i], self.pads[k + i]) for i in range(k)]
        if self.auto_pad == "VALID":
            return [(0, 0)] * k
        result = []
        for size, kernel, stride, dilation in zip(
            sizes, self.kernel, self.strides, self.dilations, strict=True
        ):
            reach = dilation * (kernel - 1) + 1
            total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
            less = total // 2
            result.append((less, total - less) if self.auto_pad == "SAME_UPPER" else (total - less, less))
        return result

    def blocks(self, X: Array) -> Iterator[Array]:
        """(groups, p, f) the windows."""
        k = len(self.kernel)
        if X.ndim != k + 2:
            raise InputError("", f"its input has {X.ndim} dimensions, not {k + 2}")
        padded = np.pad(X, [(0, 0), (0, 0), *self.padding(X.shape[2:])])
        reach = tuple(d * (s - 1) + 1 for s, d in zip(self.kernel, self.dilations, strict=True))
        if any(size < r for size, r in zip(padded.shape[2:], reach, strict=True)):
            return
        windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=tuple(range(2, 2 + k)))
        steps = (
            *(slice(None, None, s) for s in self.strides),
            *(slice(None, None, d) for d in self.dilations),
        )
        windows = windows[(slice(None), slice(None), *steps)]  # (N, C, *outputs, *kernel)
        outputs = windows.shape[2 : 2 + k]
        line = 8 * windows.shape[1] * math.prod(outputs[1:]) * math.prod(self.kernel)
        rows = min(max(BLOCK_BYTES // max(line, 1), 1), outputs[0])
        images = max(BLOCK_BYTES // max(line * outputs[0], 1), 1) if rows == outputs[0] else 1
        for n in range(0, len(windows), images):
            for begin in range(0, outputs[0], rows):
                yield self._flat(windows[n : n + images, :, begin : begin + rows])

    def _flat(self, windows: Array) -> Array:
        """(groups, p, f) of windows (N, C, *outputs, *kernel)."""
        k, (N, C) = len(self.kernel), windows.shape[:2]
        outputs = windows.shape[2 : 2 + k]
        apart = windows.reshape(N, self.groups, C // self.groups, *outputs, *self.kernel)
        order = (1, 0, *range(3, 3 + k), 2, *range(3 + k, 3 + 2 * k))
        return apart.transpose(order).reshape(self.groups, N * math.prod(outputs), -1)


class Moments:
    """Gram matrices (groups, m, m) of vectors as they come, in doubles; with a last 1 for the ``bias``."""

    def __init__(self, unfolding: Unfolding, width: int, *, bias: bool = False) -> None:
        self._unfolding, self._bias = unfolding, bias
        self.points = 0
        self.gram = np.zeros((unfolding.groups, width + bias, width + bias))

    def add(self, X: Array) -> None:
        """Take in the vectors of a tensor; raises :class:`InputError` for values that are not finite."""
        f = self.gram.shape[1] - self._bias
        for block in self._unfolding.blocks(X):
            if block.shape[2] != f:
                raise InputError("", f"its input has vectors of {block.shape[2]} values, not {f}")
            for j, vectors in enumerate(block.astype(np.float64)):
                self.gram[j, :f, :f] += vectors.T @ vectors
                if self._bias:
                    self.gram[j, :f, f] += vectors.sum(axis=0)
            self.points += block.shape[1]
        if not np.isfinite(self.gram).all():
            raise InputError("", "its input has values that are not finite, or whose squares are not")

    def finished(self) -> Reals:
        """The Gram matrices, symmetric to the bit."""
        if self._bias:
            self.gram[:, -1, :-1] = self.gram[:, :-1, -1]
            self.gram[:, -1, -1] = self.points
        return self.gram
