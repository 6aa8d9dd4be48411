"""Tables of the dynamic program: what the neurons of a bag show, as rows of small integers.

A :class:`Table` has one row for each state. A neuron takes ``n`` columns for its activation vector, ``n``
for its partial sums, or both. Every operation keeps the distinct rows only, in lexicographic order, and
returns with them a :class:`Back`: for each row one row that it is from and the choice that was made.

Partial sums are clipped where the arcs still missing can no longer change the activation: with r of them
left, each adding lo·hi to hi², a sum up to lo − r·hi² shows 0 and one from 2·hi − r·lo·hi shows hi under
every bias. That keeps the tables finite without a bound on the in-degree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows
from qnnt.backends.treewidth.vectors import unique_rows
from qnnt.domain import Domain

_BLOCK = 1 << 20  # rows made before they are sorted out


@dataclass(frozen=True)
class Back:
    """Row i is from row ``parent[i]`` by ``choice[i]``: a value of Z_d less its least, or a child's row."""

    parent: Index
    choice: Index


@dataclass(frozen=True)
class Table:
    """``rows`` (m, columns); ``act`` and ``sums`` tell where a neuron's columns begin."""

    rows: Rows
    act: dict[int, int]
    sums: dict[int, int]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Target:
    """What a neuron may show: ``allowed`` (n, max Z_d + 1) for an output, a ``domain`` (m, n) for another.

    ``possible[x, p, q]`` says whether any value of p..q is allowed on input x.
    """

    allowed: Mask | None
    possible: Mask | None
    domain: Callable[[], Rows]


class Tables:
    """The operations on tables over ``n`` inputs, under a budget."""

    def __init__(self, domain: Domain, n: int, budget: Budget, dtype: np.dtype[np.signedinteger]) -> None:
        self._n, self._budget, self._dtype = n, budget, dtype
        self._lo, self._hi, self._d = domain.lo, domain.hi, domain.d
        self._values = np.arange(domain.lo, domain.hi + 1).astype(dtype)

    def unit(self) -> Table:
        """One row without columns."""
        return Table(np.zeros((1, 0), dtype=self._dtype), {}, {})

    def guess(self, table: Table, u: int, target: Target, missing: int) -> tuple[Table, Back]:
        """Every activation vector of u's domain beside every row."""
        domain = target.domain().astype(self._dtype)
        act = {**table.act, u: table.rows.shape[1]}
        guessed = Table(table.rows, act, table.sums)
        count = len(domain)

        def blocks() -> Iterator[tuple[Rows, Index, Index]]:
            step = max(1, _BLOCK // max(1, count))
            for start in range(0, len(table), step):
                part = np.arange(start, min(start + step, len(table)))
                parent, choice = np.repeat(part, count), np.tile(np.arange(count), len(part))
                rows = np.hstack([table.rows[parent], domain[choice]])
                if u in table.sums:
                    keep = self._viable(rows, guessed, u, target, missing)
                    rows, parent, choice = rows[keep], parent[keep], choice[keep]
                yield rows, parent, choice

        # Distinct rows beside distinct vectors are distinct.
        rows, back = self._gather(blocks(), table.rows.shape[1] + self._n, distinct=False)
        return Table(rows, act, table.sums), back

    def arc(
        self, table: Table, u: int, v: int, target: Target, missing: int
    ) -> tuple[Table, Back]:
        """Every weight times u's activation, added to v's sums; ``missing`` arcs into v are left."""
        n, sums = self._n, table.sums
        if v not in sums:
            sums = {**sums, v: table.rows.shape[1]}
        at, low, high = sums[v], *self._range(missing)
        added = Table(table.rows, table.act, sums)
        source = table.act[u]
        width = table.rows.shape[1] + (n if v not in table.sums else 0)

        def blocks() -> Iterator[tuple[Rows, Index, Index]]:
            step = max(1, _BLOCK // self._d)
            for start in range(0, len(table), step):
                old = table.rows[start : start + step]
                m = len(old)
                rows = np.zeros((m, self._d, width), dtype=self._dtype)
                rows[:, :, : old.shape[1]] = old[:, None]
                block = rows[:, :, at : at + n]
                block += old[:, None, source : source + n] * self._values[:, None]
                np.clip(block, low, high, out=block)
                rows = rows.reshape(-1, width)
                keep = np.flatnonzero(self._viable(rows, added, v, target, missing))
                yield rows[keep], start + keep // self._d, keep % self._d

        rows, back = self._gather(blocks(), width)
        return Table(rows, table.act, sums), back

    def activate(self, table: Table, v: int, target: Target) -> tuple[Table, Back]:
        """A bias turns v's sums into its activation: the one guessed, an allowed one, or any."""
        n, at = self._n, table.sums[v]
        before = table.rows[:, at : at + n]
        rest = np.r_[0:at, at + n : table.rows.shape[1]]
        shift = {u: c - n if c > at else c for u, c in table.act.items()}
        sums = {u: c - n if c > at else c for u, c in table.sums.items() if u != v}
        kept = table.rows[:, rest]
        if v not in table.act and target.allowed is None:
            act = {**shift, v: len(rest)}

            def blocks() -> Iterator[tuple[Rows, Index, Index]]:
                for i, bias in enumerate(self._values):
                    shown = np.clip(before - bias, 0, self._hi)
                    yield np.hstack([kept, shown]), np.arange(len(kept)), np.full(len(kept), i)

            rows, back = self._gather(blocks(), len(rest) + n)
            return Table(rows, act, sums), back
        choice = np.full(len(kept), -1)
        for i, bias in enumerate(self._values):
            shown = np.clip(before - bias, 0, self._hi)
            if target.allowed is None:
                good = (shown == table.rows[:, table.act[v] : table.act[v] + n]).all(axis=1)
            else:
                good = target.allowed[np.arange(n), shown].all(axis=1)
            choice[good & (choice < 0)] = i
        good = np.flatnonzero(choice >= 0)
        rows, back = self._gather(iter([(kept[good], good, choice[good])]), len(rest))
        return Table(rows, shift, sums), back

    def forget(self, table: Table, u: int) -> tuple[Table, Back]:
        """Without u's activation."""
        if u not in table.act:
            everything = np.arange(len(table))
            return table, Back(everything, everything)
        n, at = self._n, table.act[u]
        rest = np.r_[0:at, at + n : table.rows.shape[1]]
        act = {w: c - n if c > at else c for w, c in table.act.items() if w != u}
        sums = {w: c - n if c > at else c for w, c in table.sums.items()}
        parts = iter([(table.rows[:, rest], np.arange(len(table)), np.zeros(len(table), dtype=np.int64))])
        rows, back = self._gather(parts, len(rest))
        return Table(rows, act, sums), back

    def join(
        self,
        table: Table,
        other: Table,
        left: tuple[tuple[int, int], ...],
        targets: Callable[[int], Target],
    ) -> tuple[Table, Back]:
        """Rows that agree on the activations that both know; their sums add up.

        ``left`` lists the neurons with sums in ``other`` or both, and how many arcs into each are missing.
        """
        n = self._n
        shared = [u for u in other.act if u in table.act]
        act, sums, width = dict(table.act), dict(table.sums), table.rows.shape[1]
        taken: list[int] = []  # columns of the other table that are new
        for mine, theirs in ((act, other.act), (sums, other.sums)):
            for u, at in theirs.items():
                if u not in mine:
                    mine[u] = width + len(taken)
                    taken += range(at, at + n)
        added = [(table.sums[u], other.sums[u]) for u in other.sums if u in table.sums]
        joined = Table(table.rows, act, sums)
        extra = other.rows[:, taken]
        mine_key, their_key = self._keys(table, other, shared)
        order = np.argsort(their_key, kind="stable")
        begin = np.searchsorted(their_key[order], mine_key, "left")
        count = np.searchsorted(their_key[order], mine_key, "right") - begin
        ends = np.cumsum(count)
        pairs = int(ends[-1]) if len(ends) else 0

        def blocks() -> Iterator[tuple[Rows, Index, Index]]:
            for start in range(0, pairs, _BLOCK):
                pair = np.arange(start, min(start + _BLOCK, pairs))
                parent = np.searchsorted(ends, pair, "right")
                choice = order[begin[parent] + pair - (ends[parent] - count[parent])]
                rows = np.hstack([table.rows[parent], extra[choice]])
                for at, theirs in added:
                    rows[:, at : at + n] += other.rows[choice, theirs : theirs + n]
                keep = np.ones(len(rows), dtype=bool)
                for u, missing in left:
                    np.clip(rows[:, sums[u] : sums[u] + n], *self._range(missing), out=rows[:, sums[u] : sums[u] + n])
                    keep &= self._viable(rows, joined, u, targets(u), missing)
                yield rows[keep], parent[keep], choice[keep]

        rows, back = self._gather(blocks(), width + len(taken), distinct=bool(added))
        return Table(rows, act, sums), back

    def arranged(self, table: Table, scope: tuple[int, ...]) -> Table:
        """The table with its neurons renumbered 0, 1, … in the order of ``scope``, columns alike."""
        columns: list[int] = []
        act, sums = {}, {}
        for i, u in enumerate(scope):
            for mine, theirs in ((act, table.act), (sums, table.sums)):
                if u in theirs:
                    mine[i] = len(columns)
                    columns += range(theirs[u], theirs[u] + self._n)
        return Table(np.ascontiguousarray(table.rows[:, columns]), act, sums)

    def _range(self, missing: int) -> tuple[int, int]:
        return self._lo - missing * self._hi**2, 2 * self._hi - missing * self._lo * self._hi

    def _keys(self, table: Table, other: Table, shared: list[int]) -> tuple[Index, Index]:
        """A number for each row of both tables, equal iff the shared activations are."""
        parts = [
            np.hstack([t.rows[:, t.act[u] : t.act[u] + self._n] for u in shared])
            if shared
            else t.rows[:, :0]
            for t in (table, other)
        ]
        both = np.vstack(parts)
        code, size = np.zeros(len(both), dtype=np.int64), 1
        for column in both.T:
            if size * (self._hi + 1) >= 2**62:
                values, code = np.unique(code, return_inverse=True)
                size = len(values)
            code = code * (self._hi + 1) + column
            size *= self._hi + 1
        return code[: len(table)], code[len(table) :]

    def _viable(self, rows: Rows, table: Table, v: int, target: Target, missing: int) -> Mask:
        """Which rows can still show what v is to show."""
        n, at = self._n, table.sums[v]
        if target.possible is None and v not in table.act:
            return np.ones(len(rows), dtype=bool)
        sums = rows[:, at : at + n]
        least = np.clip(sums + (missing * self._lo * self._hi - self._hi), 0, self._hi)
        most = np.clip(sums + (missing * self._hi**2 - self._lo), 0, self._hi)
        if target.possible is not None:
            return np.asarray(target.possible[np.arange(n), least, most].all(axis=1))
        shown = rows[:, table.act[v] : table.act[v] + n]
        return np.asarray(((least <= shown) & (shown <= most)).all(axis=1))

    def _gather(
        self, blocks: Iterator[tuple[Rows, Index, Index]], width: int, *, distinct: bool = True
    ) -> tuple[Rows, Back]:
        """The distinct rows of all blocks, sorted, with where they are from."""
        held: list[tuple[Rows, Index, Index]] = []
        size = 0
        for block in blocks:
            held.append(self._distinct([block]) if distinct else block)
            size += len(held[-1][0])
            self._budget.admit(size, width * self._dtype.itemsize)
            if distinct and len(held) > 8 and size > 4 * len(held[0][0]):
                held = [self._distinct(held)]
                size = len(held[0][0])
        if not held:
            none = np.empty(0, dtype=np.int64)
            return np.empty((0, width), dtype=self._dtype), Back(none, none)
        rows, parent, choice = self._distinct(held)
        self._budget.tables += 1
        return rows, Back(parent.astype(np.int32), choice.astype(np.int32))

    @staticmethod
    def _distinct(held: list[tuple[Rows, Index, Index]]) -> tuple[Rows, Index, Index]:
        rows, parent, choice = (
            held[0] if len(held) == 1 else tuple(np.concatenate([h[i] for h in held]) for i in range(3))
        )
        first = unique_rows(rows)
        return rows[first], parent[first], choice[first]
