"""The tables of one run of the dynamic program, as a picture: what each holds, and how many rows it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np

from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.engine import LARGE, MOST, Engine, too_large
from qnnt.backends.treewidth.layered import Layered
from qnnt.backends.treewidth.plan import Step
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Index, Stopped, Task
from qnnt.drawing.picture import Picture
from qnnt.drawing.trees import TableBox, tables_picture
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.limits import Limit
from qnnt.wording import count

_SMALL = 20.0  # bits of a number of rows up to which it is written out


def survey(instance: Instance, title: str = "", seconds: float | None = 10.0) -> Picture:
    """A picture of the tables that the backend ``treewidth`` makes for an instance.

    The question is whether a network teaches every input its most frequent label, which is what the backend
    asks first. It is run for so many ``seconds`` (None for no limit); tables that were not made then have
    only a bound. Raises :class:`Unsupported` for an architecture of too many neurons, or data that teach
    nothing.
    """
    task = _most_frequent(instance)
    architecture = instance.architecture
    if architecture.n_neurons > LARGE:
        raise Unsupported(f"draws tables of at most {LARGE:,} neurons, not {architecture.n_neurons:,}")
    if not task.n:
        raise Unsupported("has no label that an output can show, so there are no tables")
    budget = Budget.of(seconds, None)
    engine = Engine(task.space, budget)
    drawn = _by_layers(task, budget) if engine.by_layers(task.n) else None
    boxes, *said = drawn or _by_bags(task, engine, budget)
    inputs = count(task.n, "distinct input")
    title = title or f"Tables of treewidth: {instance.domain}, {architecture.shape}, {inputs}"
    return tables_picture(boxes, title, said)


def _most_frequent(instance: Instance) -> Task:
    """Every input shows its most frequent label, of those that the outputs can show."""
    choices, levels = instance.choices, instance.activations[-1].top + 1
    order = np.lexsort((-choices.counts, choices.of))
    inputs, first = np.unique(choices.of[order], return_index=True)
    wanted = choices.levels[order[first]]
    allowed = wanted[:, :, None] == np.arange(levels)
    return Task(Space.of(instance), choices.inputs[inputs].astype(np.int64), allowed)


def _by_bags(task: Task, engine: Engine, budget: Budget) -> tuple[list[TableBox], str, str]:
    """The table of each bag, the last one first, what a row is, and how the run ended."""
    wiring, plan = engine.planned(task.n)
    rows: list[int] = []

    def solve() -> Index | None:
        if plan.rows > MOST:
            raise Stopped(None, too_large(plan.rows, task.n))
        run = Elimination(task, wiring, plan, budget)
        run.rows = rows
        return run.solve()

    ended, _ = _ended(solve)
    names = [name for layer in task.space.architecture.layers[1:] for name in layer]
    roots = sorted(plan.roots, reverse=True)
    first = 0 if len(roots) == 1 else 1  # a box that joins parts of the architecture without a common neuron
    place = {i: first + k for k, i in enumerate(reversed(range(len(plan.steps))))}
    boxes = [TableBox(("parts that share no neuron",), "", None, tuple(place[r] for r in roots))] * first
    for i, step in reversed(list(enumerate(plan.steps))):
        n = rows[i] if i < len(rows) else None
        children = tuple(place[c] for c in step.children)
        boxes.append(TableBox(_holds(step, names), _size(n, step.rows), n, children))
    return boxes, "a row: one way in which the neurons act on the inputs", ended


def _by_layers(task: Task, budget: Budget) -> tuple[list[TableBox], str, str] | None:
    """The family of each layer, the outputs first, what a set is, and how the run ended.

    None if it needs too much memory: bags are tried then.
    """
    layers = task.space.architecture.layers
    sets: list[int] = []

    def solve() -> Index | None:
        run = Layered(task, budget)
        run.sets = sets
        return run.solve()

    boxes: list[TableBox] = []
    ended, limit = _ended(solve)
    if limit is Limit.MEMORY:
        return None
    for i in reversed(range(1, len(layers))):
        n = sets[i - 1] if i <= len(sets) else None
        size = "" if i == len(layers) - 1 else "not made" if n is None else _sets(n)
        below = (len(boxes) + 1,) if i > 1 else ()
        name = "outputs" if i == len(layers) - 1 else f"hidden layer {i}"
        boxes.append(TableBox((f"{name}: {', '.join(layers[i])}",), size, n, below))
    return boxes, "a set: what one neuron above may show on the inputs", ended


def _ended(solve: Callable[[], Index | None]) -> tuple[str, Limit | None]:
    """How a run ended, and the limit that ended it."""
    try:
        found = solve()
    except Stopped as stopped:
        return f"not all tables were made: {stopped.reason}", stopped.limit
    return "no network learns all labels" if found is None else "a network learns all labels", None


def _holds(step: Step, every: Sequence[str]) -> tuple[str, ...]:
    """Which neurons are done with, and what the table has of the others."""
    names = [every[v] for v in step.neurons]
    lines = [f"done with {', '.join(name for i, name in enumerate(names) if i not in step.scope)}"]
    for i, (shown, missing) in zip(step.scope, step.kept, strict=True):
        parts = ["values"] if shown else []
        if missing >= 0:
            parts.append(f"sums without {count(missing, 'arc')}")
        lines.append(f"{names[i]}: {' and '.join(parts)}")
    return tuple(lines)


def _size(n: int | None, bits: float) -> str:
    bound = f"{ceil(2**bits - 1e-6):,}" if bits <= _SMALL else f"2^{ceil(bits):,}"
    return f"not made; rows: at most {bound}" if n is None else f"{count(n, 'row')}, at most {bound}"


def _sets(n: int) -> str:
    return f"{n:,} largest {'set' if n == 1 else 'sets'} of vectors"
