"""From an elimination order to the steps of the dynamic program, by structure alone.

The inputs are no vertices. A step eliminates one neuron: it joins the tables that hold it, works in the arcs
between it and the neurons left, and forgets it. What it does is a ``program`` over local numbers (0 is the
neuron eliminated), so that neurons in the same situation share one program, and one table if their
children's tables are the same.

A neuron in a table has its activation vector (once it is known, or guessed because an arc that leaves it was
worked in first), and partial sums as long as arcs into it are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from qnnt.architecture import Architecture


class Op(IntEnum):
    """What a program is made of; the operands follow.

    GUESS u: u takes any activation vector of its domain. JOIN c where left: join child c, the i-th neuron of
    whose table is local ``where[i]``; ``left`` lists (u, arcs into u still missing) for all partial sums.
    ARC u v r: add a weight times u's activation to v's sums, r arcs into v are still missing. ACTIVATE u: no
    arc is missing, take a bias. FORGET u.
    """

    GUESS = 0
    JOIN = 1
    ARC = 2
    ACTIVATE = 3
    FORGET = 4


Instruction = tuple[object, ...]
Program = tuple[Instruction, ...]


@dataclass(frozen=True)
class Step:
    """``neurons`` are the global numbers of the local ones, ``children`` the steps whose tables are joined.

    ``arcs`` are the architecture's arcs in the order of the program's ARC operations; ``scope`` the local
    numbers that the table keeps.
    """

    program: int
    neurons: tuple[int, ...]
    children: tuple[int, ...]
    arcs: tuple[int, ...]
    scope: tuple[int, ...]


@dataclass
class Plan:
    """The steps in order, children first; ``roots`` are those that end with an empty table."""

    steps: list[Step] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    width: int = 0


@dataclass(frozen=True)
class Wiring:
    """The arcs among the neurons that are no inputs, by neuron: (other end, arc)."""

    into: list[list[tuple[int, int]]]
    out: list[list[tuple[int, int]]]
    first_layer: list[bool]
    alpha: int
    n: int
    n_outputs: int

    @classmethod
    def of(cls, architecture: Architecture) -> Wiring:
        """The wiring of an architecture; neuron v + α of the architecture is v here."""
        alpha, n = architecture.alpha, architecture.n_neurons - architecture.alpha
        into: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        out: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        for arc, (source, target) in enumerate((architecture.arc_index - alpha).tolist()):
            if source >= 0:
                into[target].append((source, arc))
                out[source].append((target, arc))
        first = len(architecture.layers[1])
        return cls(into, out, [v < first for v in range(n)], alpha, n, architecture.omega)

    def is_output(self, v: int) -> bool:
        """Whether neuron v is an output."""
        return v >= self.n - self.n_outputs


class _Entry:
    """How far a neuron in a table is: activation there, sums there, arcs in and out worked in."""

    __slots__ = ("act", "into", "out", "sum")

    def __init__(self, act: bool = False, sum: bool = False, into: int = 0, out: int = 0) -> None:  # noqa: A002
        self.act, self.sum, self.into, self.out = act, sum, into, out


class _Planner:
    def __init__(self, wiring: Wiring, order: Sequence[int]) -> None:
        self._wiring, self._order = wiring, order
        self._place = [0] * wiring.n
        for i, v in enumerate(order):
            self._place[v] = i
        self._gone = bytearray(wiring.n)
        self._buckets: dict[int, list[int]] = {}
        self._tables: list[dict[int, _Entry]] = []
        self._programs: dict[Program, int] = {}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._kind_of: list[int] = []
        self._plan = Plan()

    def plan(self) -> Plan:
        for v in self._order:
            if not self._gone[v]:
                self._eliminate(v)
        self._plan.programs = list(self._programs)
        return self._plan

    def _eliminate(self, v: int) -> None:
        wiring, place = self._wiring, self._place
        here = place[v]
        children = sorted(self._buckets.pop(v, ()), key=self._kind_of.__getitem__)
        self._local = {v: 0}
        self._table: dict[int, _Entry] = {}
        self._code: list[Instruction] = []
        arcs: list[int] = []
        if wiring.first_layer[v] and not children:
            self._guess(v)
        for number, child in enumerate(children):
            self._join(number, child)
        incoming = [(u, arc) for u, arc in wiring.into[v] if place[u] > here]
        table = self._table
        for u, arc in sorted(incoming, key=lambda end: not (end[0] in table and table[end[0]].act)):
            self._arc(u, v)
            arcs.append(arc)
        if wiring.first_layer[v] and v not in table and not self._gone[v]:
            self._guess(v)
        self._settle(v)
        for w, arc in wiring.out[v]:
            if place[w] > here:
                self._arc(v, w)
                arcs.append(arc)
                self._settle(w)
        self._settle(v)
        scope = sorted(table, key=place.__getitem__)
        neurons = tuple(self._local)
        program = self._programs.setdefault(tuple(self._code), len(self._programs))
        where = tuple(self._local[u] for u in scope)
        number = len(self._plan.steps)
        self._plan.steps.append(Step(program, neurons, tuple(children), tuple(arcs), where))
        self._plan.width = max(self._plan.width, len(neurons) - 1)
        self._tables.append({u: table[u] for u in scope})
        outputs = tuple(wiring.is_output(u) for u in neurons)
        kind = (program, where, outputs, tuple(self._kind_of[c] for c in children))
        self._kind_of.append(self._kinds.setdefault(kind, len(self._kinds)))
        if scope:
            self._buckets.setdefault(scope[0], []).append(number)
        else:
            self._plan.roots.append(number)

    def _number(self, u: int) -> int:
        return self._local.setdefault(u, len(self._local))

    def _guess(self, u: int) -> None:
        self._code.append((Op.GUESS, self._number(u), self._missing(u)))
        self._table.setdefault(u, _Entry()).act = True

    def _missing(self, u: int) -> int:
        entry = self._table.get(u)
        return len(self._wiring.into[u]) - (entry.into if entry else 0)

    def _join(self, number: int, child: int) -> None:
        table, other = self._table, self._tables[child]
        where = tuple(self._number(u) for u in other)
        for u, entry in other.items():
            mine = table.setdefault(u, _Entry())
            mine.act |= entry.act
            mine.sum |= entry.sum
            mine.into += entry.into
            mine.out += entry.out
        left = tuple((self._number(u), self._missing(u)) for u in other if table[u].sum)
        self._code.append((Op.JOIN, number, where, left))
        for u in list(other):
            self._settle(u)

    def _arc(self, u: int, v: int) -> None:
        if u not in self._table or not self._table[u].act:
            self._guess(u)
        target = self._table.setdefault(v, _Entry())
        target.sum = True
        target.into += 1
        self._table[u].out += 1
        self._code.append((Op.ARC, self._number(u), self._number(v), self._missing(v)))

    def _settle(self, u: int) -> None:
        """Activate a neuron with all its arcs in, forget one with nothing left to do."""
        entry = self._table.get(u)
        if entry is None:
            return
        if entry.sum and not self._missing(u):
            self._code.append((Op.ACTIVATE, self._local[u]))
            entry.sum, entry.act = False, True
        if entry.act and not self._missing(u) and entry.out == len(self._wiring.out[u]):
            self._code.append((Op.FORGET, self._local[u]))
            del self._table[u]
            self._gone[u] = 1


def make_plan(wiring: Wiring, order: Sequence[int]) -> Plan:
    """The steps that eliminate the neurons in this order."""
    return _Planner(wiring, order).plan()
