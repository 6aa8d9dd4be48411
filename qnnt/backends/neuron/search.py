"""A depth-first search that can be resumed."""

from __future__ import annotations

import numpy as np

from qnnt.backends.neuron import loops
from qnnt.backends.neuron.problem import Ints
from qnnt.backends.neuron.tables import Tables


class Search:
    """All parameters that cost at most ``most`` units, or exactly that; nothing is tried twice.

    Depth-first: of the completions of a group, those are kept that surely pay no more than ``most``.
    """

    def __init__(self, tables: Tables, most: int, *, exact: bool = False) -> None:
        groups, halves = tables.groups, tables.halves
        g = len(groups.words)
        self._tables = tables
        self._state = loops.State(
            np.zeros(2, dtype=np.int64),
            np.zeros((g, halves), dtype=np.int32),
            np.zeros((g + 1, loops.WORDS), dtype=np.uint64),
            np.zeros(g, dtype=np.int64),
            np.zeros(halves + groups.pairs + 1, dtype=np.uint64),
            np.zeros(0, dtype=np.uint64),
            np.zeros(0, dtype=np.uint64),
            tables.bits.copy(),
        )
        self.most, self._exact = most, exact
        self.tighten(most)
        loops.enter(0, groups, self._sum, self._state)
        self._all = max(1, self._waiting())

    def tighten(self, most: int) -> None:
        """From now on, look for costs of at most ``most`` ≥ 0, no more than before."""
        self.most = most
        prices = np.minimum(self._tables.prices, most + 1)  # what is too much is too much
        none = self._tables.halves + self._tables.groups.pairs
        terms, shifts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for bit in range((most + 1).bit_length()):
            rows = self._tables.term_rows[prices >> bit & 1 == 1]
            pad = -len(rows) % loops.BATCH
            terms += [rows, np.full(pad, none)]
            shifts.append(np.full((len(rows) + pad) // loops.BATCH, bit))
        places = max((most + 1).bit_length(), int(max(map(np.max, filter(len, shifts)), default=0)) + 3)
        self._sum = loops.Sum(np.concatenate(terms), np.concatenate(shifts), most, places, self._exact)
        self._state = self._state._replace(
            picked=np.zeros(len(self._sum.terms), dtype=np.uint64),
            planes=np.zeros((2 * places + 2) * loops.WORDS, dtype=np.uint64),
        )

    @property
    def nodes(self) -> int:
        """How many tables were looked up."""
        return int(self._state.place[loops.NODES])

    def advance(self, nodes: int) -> int:
        """Go on for so many nodes: ``loops.DONE``, ``MORE`` or ``FOUND``."""
        return int(loops.advance(self._tables.groups, self._sum, self._state, nodes))

    def found(self) -> Ints:
        """(k, m + 1) the parameters that were just found; the search goes on behind them."""
        *decided, last = range(len(self._tables.completions))
        mask = self._state.masks[last]
        lanes = np.flatnonzero(np.unpackbits(mask.astype("<u8").view(np.uint8), bitorder="little"))
        mask[:] = 0
        values = self._tables.completions[last][lanes]
        before = [self._tables.completions[g][self._state.chosen[g]] for g in decided]
        every = np.hstack([np.tile(np.concatenate([*before, []]), (len(lanes), 1)), values])
        parameters = np.empty(every.shape, dtype=np.int64)
        parameters[:, self._tables.order] = every
        return parameters

    def progress(self) -> tuple[int, int]:
        """How many of the first group's completions are done, and how many there are."""
        return self._all - self._waiting(), self._all

    def _waiting(self) -> int:
        return int(np.bitwise_count(self._state.masks[0]).sum())
