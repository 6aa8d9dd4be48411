"""Tables of the dynamic program: what the neurons of a bag show, one row for each state.

A neuron takes one column for the vector of its levels, packed, or ``n`` small ones for its partial sums, or
both. Every operation keeps the distinct rows only, in a fixed order, and returns with them a
:class:`Back`: for each row one row that it is from and the choice that was made.

Partial sums are clipped where the arcs still missing can no longer change the level (see :class:`Gate`). That
keeps the tables finite without a bound on the in-degree. Rows that can no longer show what an output must, or
what was guessed, are dropped before they are written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qnnt.backends.treewidth.space import Gate
from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows
from qnnt.backends.treewidth.vectors import pack, unpack
from qnnt.domain import Domain
from qnnt.rowcodes import RowCodes

_BLOCK = 1 << 18  # rows looked at at once
_HELD = 1 << 20  # rows kept before they are sorted out

Column = Rows  # (m,) or (m, w) packed levels, or (m, n) sums
Block = tuple[list[Column], Index, Index]  # columns, parents, choices


@dataclass(frozen=True)
class Back:
    """Row i is from row ``parent[i]`` by ``choice[i]``, which the operation explains."""

    parent: Index
    choice: Index


@dataclass(frozen=True)
class Table:
    """``m`` rows: ``act`` has the packed levels, ``sums`` the partial sums (m, n), by neuron.

    Packed levels are (m,), or (m, w) if one number cannot hold them.
    """

    m: int
    act: dict[int, Index]
    sums: dict[int, Rows]

    def __len__(self) -> int:
        return self.m

    @property
    def columns(self) -> list[Column]:
        """All columns, activations first."""
        return [*self.act.values(), *self.sums.values()]

    def renamed(self, names: tuple[int, ...]) -> Table:
        """The table with neuron i called ``names[i]``."""
        return Table(
            self.m, {names[u]: c for u, c in self.act.items()}, {names[u]: c for u, c in self.sums.items()}
        )

    def arranged(self, scope: tuple[int, ...]) -> Table:
        """The table with neuron ``scope[i]`` called i, in that order."""
        order = {u: i for i, u in enumerate(scope)}
        parts = [{order[u]: part[u] for u in scope if u in part} for part in (self.act, self.sums)]
        return Table(self.m, parts[0], parts[1])

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for tables with the same columns."""
        return tuple(self.act), tuple(self.sums), self.m, *(c.tobytes() for c in self.columns)


@dataclass(frozen=True)
class _Groups:
    """Rows alike in some columns: ``first`` (g,) is a row of each group, ``of`` (m,) each row's group."""

    first: Index
    of: Index


@dataclass(frozen=True)
class _Options:
    """What the rows of groups may become: option i is for ``group[i]``, by ``choice[i]``.

    It brings new ``sums`` (k, n), new packed levels ``act``, or neither.
    """

    group: Index
    choice: Index
    sums: Rows | None = None
    act: Index | None = None


@dataclass(frozen=True)
class Target:
    """What a neuron may show through its ``gate``.

    An output shows levels ``allowed`` (n, base), another neuron one of the vectors of its ``domain`` (m, n).
    ``possible[x, p, q]`` says whether any level of p..q is allowed on input x.
    """

    gate: Gate
    allowed: Mask | None
    possible: Mask | None
    domain: Callable[[], Rows]


class Tables:
    """The operations on tables over ``n`` inputs, under a budget."""

    def __init__(self, domain: Domain, n: int, budget: Budget, dtype: np.dtype[Any]) -> None:
        self._n, self._budget, self._dtype = n, budget, dtype
        self._domain = domain
        self._parameters = np.arange(domain.lo, domain.hi + 1).astype(dtype)
        self._each = np.arange(n)

    def unit(self) -> Table:
        """One row without columns."""
        return Table(1, {}, {})

    def guess(self, table: Table, u: int, target: Target) -> tuple[Table, Back]:
        """Every activation vector of u's domain beside every row; the choice is its position."""
        codes = pack(target.domain(), target.gate.base)
        count = len(codes)
        self._budget.admit(len(table) * count, _row_bytes([*table.columns, codes]))
        parent, choice = np.repeat(np.arange(len(table)), count), np.tile(np.arange(count), len(table))
        columns = [
            *(c[parent] for c in table.act.values()),
            codes[choice],
            *(c[parent] for c in table.sums.values()),
        ]
        return self._gather(iter([(columns, parent, choice)]), (*table.act, u), tuple(table.sums))

    def arc(
        self, table: Table, u: int, v: int, targets: tuple[Target, Target], missing: int
    ) -> tuple[Table, Back]:
        """Every weight times what u sends, added to v's sums; the choice is the weight less lo.

        ``targets`` are those of u and of v.
        """
        groups = self._groups(table, acts=(u, v), sums=(v,))
        first, source, target = groups.first, targets[0].gate, targets[1]
        sent = source.activation.show(unpack(table.act[u][first], source.base, self._n)).astype(self._dtype)
        before = table.sums[v][first] if v in table.sums else np.zeros_like(sent)
        shows = table.act[v][first] if v in table.act else None

        def options() -> Iterator[_Options]:
            for i, weight in enumerate(self._parameters):
                sums = before + sent * weight
                target.gate.clip(sums, *target.gate.coming(missing))
                keep = np.flatnonzero(self._viable(sums, shows, target, missing))
                yield _Options(keep, np.full(len(keep), i), sums[keep])

        return self._expand(table, groups, options(), tuple(table.act), self._with(table, v), v)

    def guess_arc(
        self, table: Table, u: int, v: int, targets: tuple[Target, Target], missing: tuple[int, int]
    ) -> tuple[Table, Back]:
        """Guess u's activation and add a weight times it to v's sums at once.

        ``targets`` and ``missing`` are those of u and of v. The choice is d times the position in u's domain
        plus the weight less lo.
        """
        source, gate, d = targets[0].gate, targets[1].gate, self._domain.d
        fall, rise = gate.coming(missing[1])
        vectors = targets[0].domain()
        codes = pack(vectors, source.base)
        sent = source.activation.show(vectors).astype(self._dtype)
        shares = (sent[:, None] * self._parameters[:, None]).reshape(-1, self._n)
        option = np.arange(len(shares))
        silent: Mask = ~np.asarray(sent.any(axis=1))  # its weight does not matter
        option = option[~silent[option // d] | (option % d == 0)]
        shares, count = shares[option], len(option)
        shown = codes[option // d]
        groups = self._groups(table, acts=(v,), sums=(u, v))
        first = groups.first
        step = max(1, _BLOCK // max(1, count))

        def options() -> Iterator[_Options]:
            for start in range(0, len(first), step):
                part = first[start : start + step]
                if v in table.sums:
                    sums = table.sums[v][part, None] + shares
                else:
                    sums = np.repeat(shares[None], len(part), axis=0)
                gate.clip(sums, fall, rise)
                sums = sums.reshape(-1, self._n)
                shows = table.act[v][part].repeat(count, axis=0) if v in table.act else None
                keep = self._viable(sums, shows, targets[1], missing[1])
                if u in table.sums:
                    keep &= self._viable(
                        table.sums[u][part].repeat(count, axis=0),
                        np.concatenate([shown] * len(part)),
                        targets[0],
                        missing[0],
                    )
                kept = np.flatnonzero(keep)
                self._budget.tick()
                yield _Options(start + kept // count, option[kept % count], sums[kept], shown[kept % count])

        return self._expand(table, groups, options(), (*table.act, u), self._with(table, v), v)

    def activate(self, table: Table, v: int, target: Target) -> tuple[Table, Back]:
        """A bias turns v's sums into its activation: the one guessed, an allowed one, or any.

        The choice is the bias less lo.
        """
        groups = self._groups(table, acts=(v,), sums=(v,))
        before = table.sums[v][groups.first]
        rest = Table(table.m, table.act, {u: c for u, c in table.sums.items() if u != v})
        free = v not in table.act and target.allowed is None
        gate = target.gate
        shown = self._shown(table.act[v][groups.first], gate) if v in table.act else None

        def options() -> Iterator[_Options]:
            open_ = np.ones(len(before), dtype=bool)
            for i, bias in enumerate(self._parameters):
                if free:
                    codes = pack(gate.levels(before - bias), gate.base)
                    yield _Options(np.arange(len(before)), np.full(len(before), i), None, codes)
                    continue
                good = np.flatnonzero(open_ & self._shows(before, shown, target, bias))
                open_[good] = False
                yield _Options(good, np.full(len(good), i))

        act = (*table.act, v) if free else tuple(table.act)
        return self._expand(rest, groups, options(), act, tuple(rest.sums), None)

    def forget(self, table: Table, u: int) -> tuple[Table, Back]:
        """Without u's activation."""
        everything = np.arange(table.m)
        act = {w: c for w, c in table.act.items() if w != u}
        kept = Table(table.m, act, table.sums)
        if u not in table.act:
            return kept, Back(everything, everything)
        return self._gather(iter([(kept.columns, everything, everything)]), tuple(act), tuple(table.sums))

    def join(
        self,
        table: Table,
        other: Table,
        left: tuple[tuple[int, int], ...],
        targets: Callable[[int], Target],
    ) -> tuple[Table, Back]:
        """Rows that agree on the activations that both know; their sums add up. The choice is other's row.

        ``left`` lists the neurons of ``other`` that have sums in either, and how many arcs into each are
        missing.
        """
        mine_key, their_key = self._keys(table, other)
        order = np.argsort(their_key, kind="stable")
        begin = np.searchsorted(their_key[order], mine_key, "left")
        count = np.searchsorted(their_key[order], mine_key, "right") - begin
        ends = np.cumsum(count)
        pairs = int(ends[-1]) if len(ends) else 0
        act = (*table.act, *(u for u in other.act if u not in table.act))
        sums = (*table.sums, *(u for u in other.sums if u not in table.sums))

        def blocks() -> Iterator[Block]:
            for start in range(0, pairs, _BLOCK):
                pair = np.arange(start, min(start + _BLOCK, pairs))
                parent = np.searchsorted(ends, pair, "right")
                choice = order[begin[parent] + pair - (ends[parent] - count[parent])]
                added: dict[int, Rows] = {}
                for u, missing in left:
                    parts = [t.sums[u][i] for t, i in ((table, parent), (other, choice)) if u in t.sums]
                    total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
                    gate = targets(u).gate
                    gate.clip(total, *gate.coming(missing))
                    shown = (
                        table.act[u][parent]
                        if u in table.act
                        else other.act[u][choice]
                        if u in other.act
                        else None
                    )
                    keep = self._viable(total, shown, targets(u), missing)
                    added[u] = total
                    if not keep.all():
                        parent, choice = parent[keep], choice[keep]
                        added = {w: s[keep] for w, s in added.items()}
                columns = [table.act[u][parent] if u in table.act else other.act[u][choice] for u in act]
                columns += [added[u] if u in added else table.sums[u][parent] for u in sums]
                yield columns, parent, choice

        return self._gather(blocks(), act, sums)

    def _shown(self, codes: Index, gate: Gate) -> Rows:
        """Packed levels, unpacked to be compared with those of sums."""
        return unpack(codes, gate.base, self._n).astype(self._dtype)

    def _with(self, table: Table, v: int) -> tuple[int, ...]:
        return tuple(table.sums) if v in table.sums else (*table.sums, v)

    def _groups(self, table: Table, acts: tuple[int, ...], sums: tuple[int, ...]) -> _Groups:
        """Rows grouped by the columns of some neurons, as far as the table has them."""
        codes = RowCodes(table.m)
        for u in acts:
            if u in table.act:
                codes.add(table.act[u])
        for u in sums:
            if u in table.sums:
                codes.add(table.sums[u])
        return _Groups(*codes.groups())

    def _expand(
        self,
        table: Table,
        groups: _Groups,
        options: Iterator[_Options],
        act: tuple[int, ...],
        sums: tuple[int, ...],
        changed: int | None,
    ) -> tuple[Table, Back]:
        """Every row with each option of its group; new sums are ``changed``'s, a new activation is last."""
        made: list[_Options] = []
        size = 0
        for option in options:
            made.append(option)
            size += len(option.group)
            self._budget.admit(size, 2 * self._n + 24)
        if not made:
            return self._gather(iter(()), act, sums)
        group, choice = (np.concatenate([getattr(o, f) for o in made]) for f in ("group", "choice"))
        new_sums = (
            None if made[0].sums is None else np.concatenate([o.sums for o in made if o.sums is not None])
        )
        new_act = None if made[0].act is None else np.concatenate([o.act for o in made if o.act is not None])
        codes = RowCodes(len(group))  # options of a group that come to the same are one
        codes.add(group)
        if new_act is not None:
            codes.add(new_act)
        if new_sums is not None:
            codes.add(new_sums)
        order = codes.first()
        starts = np.searchsorted(group[order], np.arange(len(groups.first) + 1))
        count = np.diff(starts)[groups.of]
        ends = np.cumsum(count)
        total = int(ends[-1]) if len(ends) else 0

        def blocks() -> Iterator[Block]:
            for start in range(0, total, _BLOCK):
                row = np.arange(start, min(start + _BLOCK, total))
                parent = np.searchsorted(ends, row, "right")
                option = order[starts[groups.of[parent]] + row - (ends[parent] - count[parent])]
                columns = [c[parent] for c in table.act.values()]
                if new_act is not None:
                    columns.append(new_act[option])
                for u in sums:
                    columns.append(
                        new_sums[option] if new_sums is not None and u == changed else table.sums[u][parent]
                    )
                yield columns, parent, choice[option]

        return self._gather(blocks(), act, sums)

    def _keys(self, table: Table, other: Table) -> tuple[Index, Index]:
        """A number for each row of both tables, equal iff the shared activations are."""
        codes = RowCodes(len(table) + len(other))
        for u in other.act:
            if u in table.act:
                codes.add(np.concatenate([table.act[u], other.act[u]]))
        return codes.code[: len(table)], codes.code[len(table) :]

    def _shows(self, sums: Rows, shown: Rows | None, target: Target, bias: int) -> Mask:
        """Which complete sums show under a bias what was guessed, or what the target allows."""
        levels = target.gate.levels(sums - bias)
        if shown is not None:
            return np.asarray((levels == shown).all(axis=1))
        assert target.allowed is not None
        return np.asarray(target.allowed[self._each, levels].all(axis=1))

    def _viable(self, sums: Rows, shows: Index | None, target: Target, missing: int) -> Mask:
        """Which sums can still show what was guessed (packed), or what the target allows."""
        if target.possible is None and shows is None:
            return np.ones(len(sums), dtype=bool)
        gate = target.gate
        shown = None if shows is None else self._shown(shows, gate)
        if not missing:
            good = np.zeros(len(sums), dtype=bool)
            for bias in self._parameters:
                good |= self._shows(sums, shown, target, bias)
            return good
        fall, rise = gate.coming(missing)
        least = gate.levels(sums + (fall - self._domain.hi))
        most = gate.levels(sums + (rise - self._domain.lo))
        if shown is None:
            assert target.possible is not None
            return np.asarray(target.possible[self._each, least, most].all(axis=1))
        return np.asarray(((least <= shown) & (shown <= most)).all(axis=1))

    def _gather(
        self, blocks: Iterator[Block], act: tuple[int, ...], sums: tuple[int, ...]
    ) -> tuple[Table, Back]:
        """The table of the distinct rows of all blocks, and where they are from."""
        held: list[Block] = []
        size, after = 0, _HELD
        for block in blocks:
            held.append(block)
            size += len(block[1])
            self._budget.admit(size, _row_bytes(block[0]))
            if size > after:
                held = [self._distinct(held)]
                size = len(held[0][1])
                after = max(_HELD, 2 * size)
        self._budget.tables += 1
        if not held:
            none = np.empty(0, dtype=np.int32)
            empty = np.empty((0, self._n), dtype=self._dtype)
            return Table(0, dict.fromkeys(act, none), dict.fromkeys(sums, empty)), Back(none, none)
        columns, parent, choice = self._distinct(held)
        table = Table(
            len(parent),
            dict(zip(act, columns[: len(act)], strict=True)),
            dict(zip(sums, columns[len(act) :], strict=True)),
        )
        return table, Back(parent.astype(np.int32), choice.astype(np.int32))

    @staticmethod
    def _distinct(held: list[Block]) -> Block:
        columns, parent, choice = held[0]
        if len(held) > 1:
            columns = [np.concatenate([h[0][i] for h in held]) for i in range(len(columns))]
            parent, choice = (np.concatenate([h[i] for h in held]) for i in (1, 2))
        codes = RowCodes(len(parent))
        for column in columns:
            codes.add(column)
        first = codes.first()
        return [c[first] for c in columns], parent[first], choice[first]


def _row_bytes(columns: list[Column]) -> int:
    """What one row of these columns takes."""
    return sum(c.itemsize * (c.shape[1] if c.ndim > 1 else 1) for c in columns)
