"""Sets of activation vectors: one level for each distinct input."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from qnnt.activation import Activation
from qnnt.backends.treewidth.space import Gate
from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows
from qnnt.domain import Domain
from qnnt.rowcodes import first_rows

_CODE = 2**62  # packed vectors stay below


def pack(vectors: Rows, base: int) -> Index:
    """Vectors (…, n) over 0..base-1 as numbers (…,), or as several (…, w) if one cannot hold base^n."""
    n, most = vectors.shape[-1], digits(base)
    if n <= most:
        return np.asarray(vectors @ places(base, n))
    parts = [vectors[..., start : start + most] for start in range(0, n, most)]
    return np.stack([part @ places(base, part.shape[-1]) for part in parts], axis=-1)


def unpack(codes: Index, base: int, n: int) -> Rows:
    """The inverse of :func:`pack`: (…, n)."""
    most = digits(base)
    if n <= most:
        return codes[..., None] // places(base, n) % base
    lengths = [min(most, n - start) for start in range(0, n, most)]
    parts = [codes[..., i, None] // places(base, m) % base for i, m in enumerate(lengths)]
    return np.concatenate(parts, axis=-1)


@cache
def digits(base: int) -> int:
    """How many digits of this base one number holds."""
    count = 1
    while base ** (count + 1) < _CODE and count < _CODE.bit_length():
        count += 1
    return count


def places(base: int, n: int) -> Index:
    """(n,) what each digit of a packed vector counts."""
    return base ** np.arange(n - 1, -1, -1, dtype=np.int64)


class Reachable:
    """What one neuron can show when the values of its sources are known, and by which parameters.

    ``sources`` (k, n): the value of each source on each input. ``vectors`` (m, n) are the distinct vectors of
    levels over all d^(k+1) weights and bias, in lexicographic order. Partial sums are clipped where the arcs
    left can no longer change the level, so the work follows the sums, not the weights. With ``allowed`` (n,
    levels) only vectors of allowed levels are kept.
    """

    def __init__(
        self,
        domain: Domain,
        activation: Activation,
        sources: Rows,
        budget: Budget,
        allowed: Mask | None = None,
    ) -> None:
        k, n = sources.shape
        lo, hi, d = domain.lo, domain.hi, domain.d
        values = np.asarray(sources, dtype=np.int64)
        weights = np.arange(lo, hi + 1)
        most = np.maximum(lo * values, hi * values)
        least = np.minimum(lo * values, hi * values)
        total = int(least.sum(axis=0).min(initial=0)), int(most.sum(axis=0).max(initial=0))
        gate = Gate.of(domain, activation, *total, 1)
        # What the arcs after each one can still add, (k, n).
        rise = most[::-1].cumsum(axis=0)[::-1] - most
        fall = least[::-1].cumsum(axis=0)[::-1] - least
        rows = np.zeros((1, n), dtype=np.int64)
        self._lo, self._d = lo, d
        self._stages: list[Index] = []
        for i in range(k):
            budget.admit(len(rows) * d, 8 * n)
            sums = (rows[:, None, :] + weights[:, None] * values[i]).reshape(-1, n)
            gate.clip(sums, fall[i], rise[i])
            first = first_rows(sums)
            self._stages.append(first)
            rows = sums[first]
        budget.admit(len(rows) * d, 8 * n)
        shown = gate.levels(rows[:, None, :] - weights[:, None]).reshape(-1, n)
        kept = np.arange(len(shown))
        if allowed is not None:
            kept = np.flatnonzero(allowed[np.arange(n), shown].all(axis=1))
        kept = kept[first_rows(shown[kept])]
        self._last = kept
        self.vectors: Rows = shown[kept].astype(gate.level_type)

    def parameters(self, i: int) -> tuple[list[int], int]:
        """The weights (k,) and the bias that show vector i."""
        row, bias = divmod(int(self._last[i]), self._d)
        weights = []
        for stage in reversed(self._stages):
            row, weight = divmod(int(stage[row]), self._d)
            weights.append(weight + self._lo)
        return weights[::-1], bias + self._lo

    def find(self, vector: Rows) -> int:
        """The position of a vector (n,) that is among ``vectors``."""
        return int(np.flatnonzero((self.vectors == vector).all(axis=1))[0])


def compatible(allowed: Mask) -> Mask:
    """(n, n): which inputs may show the same levels in a layer, as every output has a level for both."""
    shared = np.asarray((allowed[:, None] & allowed[None]).any(axis=3))
    return np.asarray(shared.all(axis=2))


def merge(parts: Iterable[Rows]) -> Rows:
    """The distinct rows of several arrays, in lexicographic order."""
    rows = np.concatenate(list(parts))
    return rows[first_rows(rows)]
