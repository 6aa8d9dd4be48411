"""The dynamic program over a plan, and the network that its back-pointers lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qnnt.backends.treewidth.plan import Op, Plan, Wiring
from qnnt.backends.treewidth.tables import Back, Table, Tables, Target
from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows, Stopped, Task
from qnnt.backends.treewidth.vectors import Reachable, merge, small_type, unique_rows
from qnnt.limits import Limit

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
        most = max((len(arcs) for arcs in wiring.into), default=0)
        self._tables = Tables(task.domain, task.n, budget, small_type(task.domain, most))
        self._memo: dict[tuple[object, ...], _Done] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._targets: list[Target] = []
        self._domains = _Domains(task, wiring, budget)
        self._kinds = self._classify()

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
        spans = task.domain.hi + 1
        for v in range(wiring.n):
            allowed = task.allowed[:, v - first_output] if v >= first_output else None
            domain = self._domains.of(v)
            key: tuple[object, ...] = (domain,)
            if allowed is not None:
                key = (allowed.tobytes(),)
                if v < wiring.n_first:
                    key = (*key, task.architecture.connections[0].sources(v).tobytes())
            if key not in kinds:
                kinds[key] = len(kinds)
                self._targets.append(self._target(v, domain, allowed, spans))
            result.append(kinds[key])
        return result

    def _target(self, v: int, domain: int, allowed: Mask | None, spans: int) -> Target:
        if allowed is None:
            return Target(None, None, lambda: self._domains.get(domain))
        possible = np.zeros((self._task.n, spans, spans), dtype=bool)
        for p in range(spans):
            possible[:, p, p:] = np.logical_or.accumulate(allowed[:, p:], axis=1)
        return Target(allowed, possible, lambda: self._domains.neuron(v, allowed).vectors)

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
                table, back = tables.arc(table, u, v, target(v), missing)
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
        architecture, lo = self._task.architecture, self._task.domain.lo
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
                    parameters[step.arcs[arc]] = choice + lo
                elif code is Op.ACTIVATE:
                    parameters[n_arcs + step.neurons[operands[0]]] = choice + lo
                if code is Op.GUESS_ARC:
                    arc -= 1
                    choice, weight = divmod(choice, self._task.domain.d)
                    parameters[step.arcs[arc]] = weight + lo
                if code in (Op.GUESS, Op.GUESS_ARC) and step.neurons[operands[0]] < self._wiring.n_first:
                    v = step.neurons[operands[0]]
                    neuron = self._domains.neuron(v, self._targets[self._kinds[v]].allowed)
                    weights, bias = neuron.parameters(choice)
                    connection = architecture.connections[0]
                    parameters[connection.arcs(v)] = weights
                    parameters[n_arcs + v] = bias
        return parameters


class _Domains:
    """Which activation vectors each neuron could show if its sources were free of one another.

    A superset of what it shows in networks, exact in layer 1; what is guessed is guessed among these. Equal
    sets have one number, so that neurons in different places may share their tables.
    """

    def __init__(self, task: Task, wiring: Wiring, budget: Budget) -> None:
        self._task, self._budget = task, budget
        self._neurons: dict[tuple[bytes, bytes], Reachable] = {}
        self._vectors: list[Rows | None] = []
        self._numbers: dict[bytes | None, int] = {}
        made: dict[tuple[object, ...], int] = {}
        self._of: list[int] = []
        first = task.architecture.connections[0]
        for v in range(wiring.n):
            key: tuple[object, ...]
            if v < wiring.n_first:
                sources = first.sources(v)
                key = ("first", sources.tobytes())
                if key not in made:
                    made[key] = self._number(self._first(sources, None).vectors)
            else:
                parents = sorted(self._of[u] for u, _ in wiring.into[v])
                key = ("next", *parents)
                if key not in made:
                    made[key] = self._number(self._next([self._vectors[p] for p in parents]))
            self._of.append(made[key])

    def of(self, v: int) -> int:
        """The number of neuron v's domain."""
        return self._of[v]

    def neuron(self, v: int, allowed: Mask | None) -> Reachable:
        """How a neuron of layer 1 shows its vectors."""
        return self._first(self._task.architecture.connections[0].sources(v), allowed)

    def get(self, number: int) -> Rows:
        """The vectors (m, n) of a domain; raises :class:`Stopped` if they are too many to write out."""
        vectors = self._vectors[number]
        if vectors is None:
            most = (self._task.domain.hi + 1) ** self._task.n
            raise Stopped(
                Limit.MEMORY, f"up to {most:,} activation vectors of a neuron are too many; try sat or maxsat"
            )
        return vectors

    def _number(self, vectors: Rows | None) -> int:
        key = None if vectors is None else vectors.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._vectors)
            self._vectors.append(vectors)
        return self._numbers[key]

    def _first(self, sources: Index, allowed: Mask | None) -> Reachable:
        key = sources.tobytes(), b"" if allowed is None else allowed.tobytes()
        if key not in self._neurons:
            self._neurons[key] = Reachable(
                self._task.domain, self._task.inputs.T[sources], self._budget, allowed
            )
        return self._neurons[key]

    def _next(self, parents: list[Rows | None]) -> Rows | None:
        """What sums over the parents' domains can show; all vectors if that is too much work."""
        domain, n = self._task.domain, self._task.n
        lo, hi = domain.lo, domain.hi
        weights = np.arange(lo, hi + 1)
        rows = np.zeros((1, n), dtype=np.int64)
        for i, vectors in enumerate(parents):
            if vectors is None:
                return self._everything()
            left = len(parents) - 1 - i
            shares = (vectors[:, None, :].astype(np.int64) * weights[:, None]).reshape(-1, n)
            shares = shares[unique_rows(shares)]
            if len(rows) * len(shares) > _WORK:
                return self._everything()
            sums = (rows[:, None, :] + shares).reshape(-1, n)
            np.clip(sums, lo - left * hi**2, 2 * hi - left * lo * hi, out=sums)
            rows = sums[unique_rows(sums)]
        shown = merge(np.clip(rows - bias, 0, hi) for bias in weights)
        return shown.astype(np.min_scalar_type(-hi - 1))

    def _everything(self) -> Rows | None:
        n, values = self._task.n, self._task.domain.hi + 1
        if values == 1:
            return np.zeros((1, n), dtype=np.int8)
        if n * np.log2(values) > _FULL_BITS:
            return None
        every = np.indices((values,) * n).reshape(n, -1).T
        return np.ascontiguousarray(every).astype(np.min_scalar_type(-values))
