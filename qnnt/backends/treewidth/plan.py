"""From an elimination order to the steps of the dynamic program, by structure alone.

The inputs are no vertices. A step eliminates one neuron: it joins the tables that hold it, works in the arcs
between it and the neurons left, and forgets it. What it does is a ``program`` over local numbers (0 is the
neuron eliminated), so that neurons in the same situation share one program, and one table if their
children's tables are the same.

A neuron in a table has its activation vector (once it is known, or guessed because an arc that leaves it was
worked in first), and partial sums as long as arcs into it are missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from math import log2
from typing import Any

from qnnt.architecture import Architecture
from qnnt.backends.treewidth.space import Gate, Space


class Op(IntEnum):
    """What a program is made of; the operands follow.

    GUESS u: u takes any activation vector of its domain. JOIN c where left: join child c, the i-th neuron of
    whose table is local ``where[i]``; ``left`` lists (u, arcs into u still missing) for its partial sums.
    ARC u v r: add a weight times u's activation to v's sums, r arcs into v are still missing.
    GUESS_ARC u v q r: both at once, q arcs into u are missing. ACTIVATE u: no arc is missing, take a bias.
    FORGET u.
    """

    GUESS = 0
    JOIN = 1
    ARC = 2
    ACTIVATE = 3
    FORGET = 4
    GUESS_ARC = 5


Instruction = tuple[Any, ...]  # an Op and its operands
Program = tuple[Instruction, ...]


@dataclass(frozen=True)
class Step:
    """``neurons`` are the global numbers of the local ones, ``children`` the steps whose tables are joined.

    ``arcs`` are the architecture's arcs in the order of the program's ARC operations; ``scope`` the local
    numbers that the table keeps. For each of these, ``kept`` tells whether the table has its activation
    vector, and how many arcs its partial sums miss (-1 without sums). ``rows`` bounds the logarithm (base 2)
    of the table's rows.
    """

    program: int
    neurons: tuple[int, ...]
    children: tuple[int, ...]
    arcs: tuple[int, ...]
    scope: tuple[int, ...]
    kept: tuple[tuple[bool, int], ...]
    rows: float


@dataclass
class Plan:
    """The steps in order, children first; ``roots`` are those that end with an empty table.

    ``rows`` bounds the logarithm (base 2) of the rows of the largest table, ``work`` that of all rows made.
    """

    steps: list[Step] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    rows: float = 0.0
    work: float = 0.0


@dataclass(frozen=True)
class Wiring:
    """The arcs among the neurons that are no inputs, by neuron: (other end, arc).

    Neuron v + α of the architecture is v here. ``connections[v]`` is the number of the connection whose arcs
    lead to v, and ``n_sources[v]`` is how many they are, arcs that leave inputs included.
    """

    into: list[list[tuple[int, int]]]
    out: list[list[tuple[int, int]]]
    n: int
    n_first: int
    n_outputs: int
    n_sources: list[int]
    connections: list[int]

    @classmethod
    def of(cls, architecture: Architecture) -> Wiring:
        """The wiring of an architecture."""
        alpha, n = architecture.alpha, architecture.n_neurons - architecture.alpha
        into: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        out: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        sources = [0] * n
        for arc, (source, target) in enumerate((architecture.arc_index - alpha).tolist()):
            sources[target] += 1
            if source >= 0:
                into[target].append((source, arc))
                out[source].append((target, arc))
        connections = [c for c, layer in enumerate(architecture.layers[1:]) for _ in layer]
        return cls(into, out, n, len(architecture.layers[1]), architecture.omega, sources, connections)

    def gates(self, space: Space) -> list[Gate]:
        """The gate of each neuron; equal ones are one object."""
        made: dict[tuple[int, int], Gate] = {}
        same: dict[Gate, Gate] = {}
        for place in set(zip(self.connections, self.n_sources, strict=True)):
            gate = space.gate(*place)
            made[place] = same.setdefault(gate, gate)
        return [made[place] for place in zip(self.connections, self.n_sources, strict=True)]


class Sizes:
    """Bounds on how many states a neuron can have, as logarithms (base 2)."""

    def __init__(self, wiring: Wiring, space: Space, n: int) -> None:
        self._n, self._gates = n, wiring.gates(space)
        self.weights = log2(space.domain.d)
        # A neuron of layer 1 shows at most one vector for each choice of its parameters, and so on upwards.
        self.act: list[float] = []
        for v, gate in enumerate(self._gates):
            chosen = (wiring.n_sources[v] + 1) * self.weights
            self.act.append(min(n * gate.level_bits, chosen + sum(self.act[u] for u, _ in wiring.into[v])))
        self._sums: dict[tuple[int, int], float] = {}

    def sums(self, v: int, missing: int) -> float:
        """Clipped sums of neuron v with so many arcs missing."""
        gate = self._gates[v]
        key = id(gate), missing
        if key not in self._sums:
            self._sums[key] = self._n * log2(gate.clipped(missing))
        return self._sums[key]


class _Entry:
    """How far a neuron in a table is: activation there, sums there, arcs in and out worked in."""

    __slots__ = ("act", "into", "out", "sums")

    def __init__(self) -> None:
        self.act, self.sums, self.into, self.out = False, False, 0, 0


class _Draft:
    """The step that would eliminate a neuron now, its table, and bounds on the rows."""

    def __init__(self, planner: _Planner, v: int) -> None:
        self._wiring, self._sizes = planner.wiring, planner.sizes
        self._local = {v: 0}
        self.table: dict[int, _Entry] = {}
        self.code: list[Instruction] = []
        self.arcs: list[int] = []
        self.done: list[int] = []  # forgotten here
        self.rows = self.work = 0.0
        self.children = sorted(planner.holding[v], key=planner.kinds.__getitem__)
        wiring, eliminated = self._wiring, planner.eliminated
        if v < wiring.n_first and not self.children:
            self._guess(v)
        for number, child in enumerate(self.children):
            self._join(number, planner.tables[child], planner.rows[child])
        incoming = [(u, arc) for u, arc in wiring.into[v] if not eliminated[u]]
        incoming.sort(key=lambda end: not (end[0] in self.table and self.table[end[0]].act))
        for u, arc in incoming:
            self._arc(u, v, arc)
        self._settle(v)
        for w, arc in wiring.out[v]:
            if not eliminated[w]:
                self._arc(v, w, arc)
                self._settle(w)
        self._settle(v)

    @property
    def neurons(self) -> tuple[int, ...]:
        """Global numbers of the local neurons."""
        return tuple(self._local)

    @property
    def scope(self) -> tuple[int, ...]:
        """Local numbers of the neurons that the table keeps."""
        return tuple(self._local[u] for u in self.table)

    @property
    def kept(self) -> tuple[tuple[bool, int], ...]:
        """What the table has of each of these: see :class:`Step`."""
        return tuple((entry.act, self._missing(u) if entry.sums else -1) for u, entry in self.table.items())

    def _number(self, u: int) -> int:
        return self._local.setdefault(u, len(self._local))

    def _missing(self, u: int) -> int:
        entry = self.table.get(u)
        return len(self._wiring.into[u]) - (entry.into if entry else 0)

    def _entry(self, u: int) -> _Entry:
        return self.table.setdefault(u, _Entry())

    def _grow(self, factor: float) -> None:
        """So many times the rows are made; those that stay are at most the states there are."""
        self.work = max(self.work, self.rows + factor)
        states = 0.0
        for u, entry in self.table.items():
            if entry.act:
                states += self._sizes.act[u]
            if entry.sums:
                states += self._sizes.sums(u, self._missing(u))
        self.rows = min(self.rows + factor, states)

    def _guess(self, u: int) -> None:
        self.code.append((Op.GUESS, self._number(u)))
        self._entry(u).act = True
        self._grow(self._sizes.act[u])

    def _join(self, number: int, other: dict[int, _Entry], rows: float) -> None:
        table = self.table
        where = tuple(self._number(u) for u in other)
        # Only rows that agree on what both know meet.
        agreed = sum(
            self._sizes.act[u] for u, entry in other.items() if entry.act and u in table and table[u].act
        )
        for u, theirs in other.items():
            mine = self._entry(u)
            mine.act |= theirs.act
            mine.sums |= theirs.sums
            mine.into += theirs.into
            mine.out += theirs.out
        left = tuple((self._number(u), self._missing(u)) for u in other if table[u].sums)
        self.code.append((Op.JOIN, number, where, left))
        self._grow(max(0.0, rows - agreed) if number else rows)
        for u in list(other):
            self._settle(u)

    def _arc(self, u: int, v: int, arc: int) -> None:
        source, target = self._entry(u), self._entry(v)
        target.sums = True
        target.into += 1
        source.out += 1
        self.arcs.append(arc)
        ends = self._number(u), self._number(v)
        if source.act:
            self.code.append((Op.ARC, *ends, self._missing(v)))
            self._grow(self._sizes.weights)
        else:
            source.act = True
            self.code.append((Op.GUESS_ARC, *ends, self._missing(u), self._missing(v)))
            self._grow(self._sizes.act[u] + self._sizes.weights)

    def _settle(self, u: int) -> None:
        """Activate a neuron with all its arcs in, forget one with nothing left to do."""
        entry = self.table.get(u)
        if entry is None or self._missing(u):
            return
        if entry.sums:
            self.code.append((Op.ACTIVATE, self._local[u]))
            grown = 0.0 if entry.act else self._sizes.weights
            entry.sums, entry.act = False, True
            self._grow(grown)
        if entry.act and entry.out == len(self._wiring.out[u]):
            self.code.append((Op.FORGET, self._local[u]))
            del self.table[u]
            self.done.append(u)
            self._grow(0.0)


_HUB = 64  # neurons in a draft beyond which it is not made anew at every change


class _Planner:
    """Turns an order, or a greedy choice, into a plan."""

    def __init__(self, wiring: Wiring, sizes: Sizes) -> None:
        self.wiring, self.sizes = wiring, sizes
        self.eliminated = bytearray(wiring.n)
        self.holding: list[list[int]] = [[] for _ in range(wiring.n)]  # tables, by neuron
        self.tables: list[dict[int, _Entry]] = []
        self.rows: list[float] = []
        self.kinds: list[int] = []
        self._kinds: dict[tuple[object, ...], int] = {}
        self._programs: dict[Program, int] = {}
        self._plan = Plan()
        self._work: list[float] = []

    def follow(self, order: Iterable[int]) -> Plan:
        """The plan that eliminates the neurons in this order."""
        for v in order:
            if not self.eliminated[v]:
                self._commit(v, _Draft(self, v))
        return self._finished()

    def least_work(self) -> Plan:
        """The plan that always eliminates where the least work is to be done, lower layers first."""
        drafts: dict[int, _Draft] = {}
        heap: list[tuple[float, int]] = []
        stale = bytearray(self.wiring.n)

        def put(v: int) -> None:
            drafts[v] = _Draft(self, v)
            stale[v] = 0
            heapq.heappush(heap, (drafts[v].work, v))

        for v in range(self.wiring.n):
            put(v)
        while heap:
            work, v = heapq.heappop(heap)
            if self.eliminated[v] or (not stale[v] and work != drafts[v].work):
                continue
            if stale[v]:
                put(v)
                continue
            changed = self._commit(v, drafts.pop(v))
            for u in changed:
                if self.eliminated[u]:
                    drafts.pop(u, None)
                elif len(drafts[u].neurons) > _HUB:
                    stale[u] = 1
                else:
                    put(u)
        return self._finished()

    def _finished(self) -> Plan:
        plan = self._plan
        plan.programs = list(self._programs)
        largest = max(self._work, default=0.0)
        plan.work = largest + log2(sum(2.0 ** max(w - largest, -1000.0) for w in self._work) or 1.0)
        return plan

    def _commit(self, v: int, draft: _Draft) -> set[int]:
        """Make a draft the next step; the neurons whose own drafts it changes."""
        self.eliminated[v] = 1
        changed = {u for u, _ in self.wiring.into[v]} | {u for u, _ in self.wiring.out[v]}
        changed.update(draft.neurons)
        for u in draft.done:
            self.eliminated[u] = 1
            changed.update(w for w, _ in self.wiring.into[u])
            changed.update(w for w, _ in self.wiring.out[u])
        changed.discard(v)
        number = len(self._plan.steps)
        for child in draft.children:
            for u in self.tables[child]:
                if u != v:
                    self.holding[u].remove(child)
                    changed.add(u)
        for u in draft.table:
            self.holding[u].append(number)
        neurons, scope = draft.neurons, draft.scope
        program = self._programs.setdefault(tuple(draft.code), len(self._programs))
        first_output = self.wiring.n - self.wiring.n_outputs
        kind = (
            program,
            scope,
            tuple(u >= first_output for u in neurons),
            tuple(self.kinds[c] for c in draft.children),
        )
        self.kinds.append(self._kinds.setdefault(kind, len(self._kinds)))
        self.tables.append(draft.table)
        self.rows.append(draft.rows)
        self._work.append(draft.work)
        arcs, children = tuple(draft.arcs), tuple(draft.children)
        step = Step(program, neurons, children, arcs, scope, draft.kept, draft.rows)
        self._plan.steps.append(step)
        self._plan.rows = max(self._plan.rows, draft.work)
        if not draft.table:
            self._plan.roots.append(number)
        return changed


_FEW = 2_000  # neurons up to which more orders than the given ones are tried


def make_plan(wiring: Wiring, sizes: Sizes, orders: Iterable[Iterable[int]]) -> Plan:
    """The plan of least work among the given orders and, unless large, upwards, downwards and greedy."""
    best: Plan | None = None
    few = wiring.n <= _FEW
    both = (range(wiring.n), reversed(range(wiring.n))) if few else ()
    for order in (*orders, *both):
        plan = _Planner(wiring, sizes).follow(order)
        if best is None or plan.work < best.work:
            best = plan
    if few:
        plan = _Planner(wiring, sizes).least_work()
        if best is None or plan.work < best.work:
            best = plan
    assert best is not None
    return best
