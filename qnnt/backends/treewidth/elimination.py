"""The dynamic program over a plan, and the network that its back-pointers lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qnnt.backends.treewidth.plan import Op, Plan, Wiring
from qnnt.backends.treewidth.space import Gate
from qnnt.backends.treewidth.tables import Back, Table, Tables, Target
from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows, Stopped, Task
from qnnt.backends.treewidth.vectors import Reachable, merge
from qnnt.limits import Limit
from qnnt.rowcodes import first_rows

_FULL_BITS = 18  # of activation vectors: up to 2^18 of them a domain may simply be all
_WORK = 1 << 19  # rows made for one domain before all vectors are taken instead
_TICKS = 256  # steps between two looks at the clock


@dataclass(frozen=True)
class _Done:
    """The table of a step and how its rows came about, one entry for each instruction of the program."""

    table: Table
    number: int
    trace: tuple[Back, ...]


class Elimination:
    """Runs a plan for one task. A step in the same situation as an earlier one is looked up."""

    def __init__(
        self,
        task: Task,
        wiring: Wiring,
        plan: Plan,
        budget: Budget,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._task, self._wiring, self._plan, self._budget = task, wiring, plan, budget
        self._progress = progress
        self._gates = wiring.gates(task.space)
        arcs = max(map(len, wiring.into), default=0)
        gates = {id(gate): gate for gate in self._gates}  # equal gates are one object
        largest = max(gate.largest(arcs) for gate in gates.values())
        self._tables = Tables(task.space.domain, task.n, budget, np.min_scalar_type(-largest - 1))
        self._memo: dict[tuple[object, ...], _Done] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._targets: list[Target] = []
        self._domains = _Domains(task, wiring, self._gates, budget)
        self._kinds = self._classify()
        self.rows: list[int] = []  # of each table that was made, in the order of the steps

    def solve(self) -> Index | None:
        """The parameters (A + H,) of a network that does what the task asks, or None if there is none."""
        done: list[_Done] = []
        steps = self._plan.steps
        for i, step in enumerate(steps):
            if i % _TICKS == 0:
                self._budget.tick()
                if self._progress is not None:
                    self._progress(i, len(steps))
            kinds = tuple(self._kinds[v] for v in step.neurons)
            children = tuple(done[c].number for c in step.children)
            key = step.program, kinds, children, step.scope
            found = self._memo.get(key)
            if found is None:
                found = self._run(step.program, kinds, [done[c].table for c in step.children], step.scope)
                self._memo[key] = found
            self.rows.append(len(found.table))
            if not len(found.table):
                return None
            done.append(found)
        self._budget.counts.update(bags=len(steps), distinct_bags=len(self._memo))
        return self._rebuild(done)

    def _classify(self) -> list[int]:
        """A number for each neuron; neurons of equal number may show the same."""
        wiring, task = self._wiring, self._task
        kinds: dict[tuple[object, ...], int] = {}
        result = []
        first_output = wiring.n - wiring.n_outputs
        for v in range(wiring.n):
            allowed = task.allowed[:, v - first_output] if v >= first_output else None
            key: tuple[object, ...]
            if allowed is None:
                key = id(self._gates[v]), self._domains.of(v)
            else:
                key = id(self._gates[v]), allowed.tobytes()
                if v < wiring.n_first:
                    key = (*key, task.space.architecture.connections[0].sources(v).tobytes())
            if key not in kinds:
                kinds[key] = len(kinds)
                self._targets.append(self._target(v, allowed))
            result.append(kinds[key])
        return result

    def _target(self, v: int, allowed: Mask | None) -> Target:
        gate = self._gates[v]
        if allowed is None:
            return Target(gate, None, None, lambda: self._domains.get(v))
        possible = np.zeros((self._task.n, gate.base, gate.base), dtype=bool)
        for p in range(gate.base):
            possible[:, p, p:] = np.logical_or.accumulate(allowed[:, p:], axis=1)
        return Target(gate, allowed, possible, lambda: self._domains.neuron(v, allowed).vectors)

    def _run(
        self, program: int, kinds: tuple[int, ...], children: list[Table], scope: tuple[int, ...]
    ) -> _Done:
        tables, table, trace = self._tables, self._tables.unit(), []

        def target(u: int) -> Target:
            return self._targets[kinds[u]]

        for code, *operands in self._plan.programs[program]:
            if code is Op.GUESS:
                table, back = tables.guess(table, operands[0], target(operands[0]))
            elif code is Op.JOIN:
                child, where, left = operands
                table, back = tables.join(table, children[child].renamed(where), left, target)
            elif code is Op.ARC:
                u, v, missing = operands
                table, back = tables.arc(table, u, v, (target(u), target(v)), missing)
            elif code is Op.GUESS_ARC:
                u, v, *missing = operands
                table, back = tables.guess_arc(table, u, v, (target(u), target(v)), tuple(missing))
            elif code is Op.ACTIVATE:
                table, back = tables.activate(table, operands[0], target(operands[0]))
            else:
                table, back = tables.forget(table, operands[0])
            trace.append(back)
            if not len(table):
                break
        if len(table):
            table = table.arranged(scope)
        return _Done(table, self._numbers.setdefault(table.key, len(self._numbers)), tuple(trace))

    def _rebuild(self, done: list[_Done]) -> Index:
        """Follow the back-pointers from the roots; a guessed first layer is found by its vectors."""
        architecture, domain = self._task.space.architecture, self._task.space.domain
        n_arcs = architecture.n_arcs
        parameters = np.zeros(architecture.n_parameters, dtype=np.int64)
        stack = [(root, 0) for root in self._plan.roots]
        while stack:
            number, row = stack.pop()
            step, found = self._plan.steps[number], done[number]
            arc = len(step.arcs)
            program = self._plan.programs[step.program]
            for (code, *operands), back in zip(reversed(program), reversed(found.trace), strict=True):
                choice, row = int(back.choice[row]), int(back.parent[row])
                if code is Op.JOIN:
                    stack.append((step.children[operands[0]], choice))
                elif code is Op.ARC:
                    arc -= 1
                    parameters[step.arcs[arc]] = choice + domain.lo
                elif code is Op.ACTIVATE:
                    parameters[n_arcs + step.neurons[operands[0]]] = choice + domain.lo
                if code is Op.GUESS_ARC:
                    arc -= 1
                    choice, weight = divmod(choice, domain.d)
                    parameters[step.arcs[arc]] = weight + domain.lo
                if code in (Op.GUESS, Op.GUESS_ARC) and step.neurons[operands[0]] < self._wiring.n_first:
                    v = step.neurons[operands[0]]
                    neuron = self._domains.neuron(v, self._targets[self._kinds[v]].allowed)
                    weights, bias = neuron.parameters(choice)
                    connection = architecture.connections[0]
                    parameters[connection.arcs(v)] = weights
                    parameters[n_arcs + v] = bias
        return parameters


class _Domains:
    """Which vectors of levels each hidden neuron could show if its sources were free of one another.

    A superset of what it shows in networks, exact in layer 1; what is guessed is guessed among these. Equal
    sets have one number, so that neurons in different places may share their tables.
    """

    def __init__(self, task: Task, wiring: Wiring, gates: list[Gate], budget: Budget) -> None:
        self._task, self._gates, self._budget = task, gates, budget
        self._neurons: dict[tuple[bytes, bytes], Reachable] = {}
        self._vectors: list[Rows | None] = []
        self._numbers: dict[tuple[str, bytes] | None, int] = {}
        made: dict[tuple[object, ...], int] = {}
        self._of: list[int] = []
        first = task.space.architecture.connections[0]
        for v in range(wiring.n - wiring.n_outputs):
            key: tuple[object, ...]
            if v < wiring.n_first:
                sources = first.sources(v)
                key = ("first", sources.tobytes())
                if key not in made:
                    made[key] = self._number(self._first(sources, None).vectors)
            else:
                parents = sorted(self._of[u] for u, _ in wiring.into[v])
                source = gates[wiring.into[v][0][0]]  # all sources are in one layer, with one activation
                key = ("next", id(gates[v]), id(source.activation), *parents)
                if key not in made:
                    vectors = self._next(gates[v], source, [self._vectors[p] for p in parents])
                    made[key] = self._number(vectors)
            self._of.append(made[key])

    def of(self, v: int) -> int:
        """The number of hidden neuron v's domain."""
        return self._of[v]

    def neuron(self, v: int, allowed: Mask | None) -> Reachable:
        """How a neuron of layer 1 shows its vectors."""
        return self._first(self._task.space.architecture.connections[0].sources(v), allowed)

    def get(self, v: int) -> Rows:
        """The vectors (m, n) of hidden neuron v's domain.

        Raises :class:`Stopped` if they are too many to write out.
        """
        vectors = self._vectors[self._of[v]]
        if vectors is None:
            most = self._gates[v].base ** self._task.n
            raise Stopped(
                Limit.MEMORY, f"up to {most:,} activation vectors of a neuron are too many; try sat or maxsat"
            )
        return vectors

    def _number(self, vectors: Rows | None) -> int:
        key = None if vectors is None else (vectors.dtype.str, vectors.tobytes())
        if key not in self._numbers:
            self._numbers[key] = len(self._vectors)
            self._vectors.append(vectors)
        return self._numbers[key]

    def _first(self, sources: Index, allowed: Mask | None) -> Reachable:
        key = sources.tobytes(), b"" if allowed is None else allowed.tobytes()
        if key not in self._neurons:
            space = self._task.space
            self._neurons[key] = Reachable(
                space.domain, space.activations[0], self._task.inputs.T[sources], self._budget, allowed
            )
        return self._neurons[key]

    def _next(self, gate: Gate, source: Gate, parents: list[Rows | None]) -> Rows | None:
        """What sums over the parents' domains can show; all vectors if that is too much work."""
        n = self._task.n
        weights = np.arange(gate.domain.lo, gate.domain.hi + 1)
        rows = np.zeros((1, n), dtype=np.int64)
        for i, vectors in enumerate(parents):
            if vectors is None:
                return self._everything(gate)
            left = len(parents) - 1 - i
            sent = source.activation.show(vectors)
            shares = (sent[:, None, :] * weights[:, None]).reshape(-1, n)
            shares = shares[first_rows(shares)]
            if len(rows) * len(shares) > _WORK:
                return self._everything(gate)
            sums = (rows[:, None, :] + shares).reshape(-1, n)
            gate.clip(sums, *gate.coming(left))
            rows = sums[first_rows(sums)]
        return merge(gate.levels(rows - bias) for bias in weights).astype(gate.level_type)

    def _everything(self, gate: Gate) -> Rows | None:
        n, base = self._task.n, gate.base
        if base == 1:
            return np.zeros((1, n), dtype=gate.level_type)
        if n * np.log2(base) > _FULL_BITS:
            return None
        every = np.indices((base,) * n).reshape(n, -1).T
        return np.ascontiguousarray(every).astype(gate.level_type)
