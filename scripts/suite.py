"""The suite of ``benchmark.py``: named instances that are the same each time.

Families: ``planted`` and ``noisy`` teachers, ``sparse`` architectures, ``random-labels``, ``tables``, the
four reductions, ``deep`` thin networks, and ``impossible`` instances. The name of a random case ends in its
seed and says all of how it is made. ``meta["known"]`` of an instance holds what is known from how it was
made, if anything: ``errors``, a number of errors that some network has at most, or ``bound``, below which no
network is. The instance is made when it is asked for. Other versions of numpy may draw other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import count, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from suite_cases import answered, knowing, seeded
from suite_reductions import reductions

from qnnt.activation import ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.availability import Availability
from qnnt.comparing.runner import Case
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError, Unavailable, UnknownWord
from qnnt.generate.table import table_instance
from qnnt.generate.teacher import random_inputs, teacher_instance
from qnnt.goals import AtMost, Goal, Minimize
from qnnt.instance import Instance

SEEDS = 2
SMALL = 2  # cases of each family
TABLES = Path(__file__).parents[2] / "shared" / "data" / "tabular"


@dataclass(frozen=True)
class Teacher:
    """What a random network teaches: layer sizes, points, share of changed labels, activation."""

    d: int
    layers: str
    points: int
    noise: float = 0.0
    activation: str = "relu"
    minimum: bool = False

    @property
    def name(self) -> str:
        """The shape in a word."""
        kind = "" if self.activation == "relu" else f"-{self.activation.replace(',', '+')}"
        noise = f"-n{round(100 * self.noise)}" if self.noise else ""
        return f"d{self.d}{kind}-{self.layers}-p{self.points}{noise}{'-min' if self.minimum else ''}"

    def instance(self, seed: int, layers: Sequence[int] | Architecture | None = None) -> Instance:
        """The instance of a seed; the teacher itself meets the goal."""
        asked = _sizes(self.layers) if layers is None else layers
        goal = Minimize() if self.minimum else None
        instance = teacher_instance(
            self.d, asked, self.points, self.noise, seed, goal=goal, activation=_activation(self.activation)
        )
        return knowing(instance, errors=instance.meta["teacher_errors"])


PLANTED = (
    Teacher(2, "6-4-2", 40),
    Teacher(2, "12-6-2", 200),
    Teacher(2, "30-4-1", 1000),
    Teacher(3, "8-4-2", 60),
    Teacher(3, "10-6-3", 80),
    Teacher(3, "16-8-2", 200),
    Teacher(3, "16-8-2", 400),
    Teacher(3, "20-10-2", 1000),
    Teacher(3, "8-4-1", 80, activation="sign"),
    Teacher(3, "12-6-1", 150, activation="sign"),
    Teacher(3, "10-5-1", 100, activation="step"),
    Teacher(3, "8-4-1", 60, activation="sign,step"),
    Teacher(4, "6-3-1", 50),
    Teacher(5, "12-6-2", 150),
    Teacher(6, "5-2-1", 40),
    Teacher(7, "4-2-1", 40),
    Teacher(8, "4-3-1", 40),
)

NOISY = (
    Teacher(2, "8-3-1", 80, 0.05, minimum=True),
    Teacher(3, "6-2-1", 60, 0.05, minimum=True),
    Teacher(3, "8-3-1", 60, 0.05),
    Teacher(3, "8-3-1", 80, 0.1, "sign", minimum=True),
    Teacher(3, "12-1", 100, 0.1, "step", minimum=True),
    Teacher(5, "5-2-1", 60, 0.05, minimum=True),
    Teacher(8, "4-1", 80, 0.1, minimum=True),
)

SPARSE = (
    (Teacher(2, "20-10-2", 100), 4),
    (Teacher(3, "20-10-2", 150), 4),
    (Teacher(3, "16-8-1", 120, activation="sign"), 4),
    (Teacher(4, "12-8-4-2", 80), 3),
    (Teacher(5, "16-8-2", 100, 0.05, minimum=True), 3),
)

DEEP = (
    Teacher(3, "4-3-3-3-3-3-3-3-3-1", 20),
    Teacher(3, "3-2-2-2-2-2-2-2-2-2-2-2-2-1", 20, activation="sign"),
    Teacher(2, "8-4-4-4-4-1", 100),
    Teacher(3, "5-3-3-3-1", 50),
    Teacher(3, "6-4-4-4-4-2", 60),
    Teacher(5, "4-3-3-3-3-1", 40),
)

# d, layers, points, activation: random labels, as few errors as possible.
RANDOM = (
    (2, "12-1", 60, "relu"),
    (3, "10-1", 40, "sign"),
    (3, "16-1", 60, "sign"),
    (3, "20-1", 60, "sign"),
    (3, "6-2-1", 30, "relu"),
    (3, "8-3-1", 40, "step"),
    (5, "8-1", 50, "step"),
)

# d, layers, points: random labels without an error; labellings outnumber networks.
CROWDED = (
    (2, "12-6-1", 120),
    (3, "6-3-1", 45),
    (3, "8-3-1", 60),
    (3, "9-4-1", 80),
    (3, "10-4-1", 90),
    (4, "6-3-1", 60),
)
# d, patterns, hidden neurons, activation: more one-hot patterns than the hidden layer has values.
BOTTLENECK = (
    (2, 33, 5, "relu"),
    (3, 5, 2, "relu"),
    (3, 9, 3, "relu"),
    (3, 17, 4, "relu"),
    (3, 10, 3, "sign"),
    (3, 17, 4, "sign"),
    (5, 10, 2, "relu"),
    (7, 17, 2, "relu"),
)
# d, inputs, hidden neurons, activation: parity of all inputs.
PARITY = ((2, 8, 8, "relu"), (3, 6, 1, "sign"))

# Tables, and the hidden neurons of each case.
SHARED_TABLES: dict[str, tuple[str, tuple[int, ...]]] = {
    "monk1": ("monk1_enc", (0, 1, 2)),
    "monk2": ("monk2_enc", (0, 1, 2)),
    "monk3": ("monk3_enc", (0, 1, 2)),
    "votes": ("house-votes-84_enc", (0, 1, 2)),
    "balance": ("balance-scale_enc", (0, 1, 2)),
    "car": ("car_evaluation_enc", (0, 1, 2)),
    "soybean": ("soybean-small_enc", (0, 1, 2)),
}
SKLEARN_TABLES: dict[str, tuple[int, ...]] = {
    "iris": (0, 1, 2, 3),
    "wine": (0, 1, 2, 3),
    "breast_cancer": (0, 1, 2, 3),
    "digits": (0, 1, 2, 3),
}


def cases(seeds: int = SEEDS, tables: Path = TABLES) -> Iterator[Case]:
    """All cases, family by family; ``seeds`` of each random shape.

    ``tables`` is a folder of further tables; those that are not there are left out.
    """
    for teacher in PLANTED:
        yield from seeded("planted", teacher.name, seeds, teacher.instance)
    for teacher in NOISY:
        yield from seeded("noisy", teacher.name, seeds, teacher.instance)
    for teacher, degree in SPARSE:
        yield from seeded("sparse", f"{teacher.name}-in{degree}", seeds, partial(_sparse, teacher, degree))
    for shape in RANDOM:
        yield from seeded("random-labels", _shape(*shape), seeds, partial(_random_labels, *shape))
    yield from _tables(tables)
    yield from reductions(seeds)
    for teacher in DEEP:
        yield from seeded("deep", teacher.name, seeds, teacher.instance)
    yield from _impossible(seeds)


def chosen(every: Iterable[Case], suite: str = "full", families: Sequence[str] = ()) -> list[Case]:
    """The cases of a suite: ``full``, ``small`` (two of each family) or a pattern (``planted-d3-*``).

    ``families`` leaves only those. Raises :class:`UnknownWord` for a family that there is not, and
    :class:`InputError` if no case is left.
    """
    listed = list(every)
    names = dict.fromkeys(case.family for case in listed)
    for family in families:
        if family not in names:
            raise UnknownWord("family", family, names, "--only")
    listed = [case for case in listed if not families or case.family in families]
    if suite == "small":
        places = {name: count() for name in names}
        listed = [case for case in listed if next(places[case.family]) < SMALL]
    elif suite != "full":
        listed = [case for case in listed if fnmatchcase(case.name, suite)]
    if not listed:
        raise InputError("--suite", f"no case is named {suite!r}; --list prints the names")
    return listed


def _activation(names: str) -> ActivationLike:
    """One name, or those of hidden and output neurons with a comma between."""
    hidden, comma, output = names.partition(",")
    return (hidden, output) if comma else hidden


def _sizes(layers: str) -> list[int]:
    return [int(n) for n in layers.split("-")]


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _sparse(teacher: Teacher, degree: int, seed: int) -> Instance:
    """The teacher's layers; a neuron has ``degree`` in-arcs, or more where some would have no out-arc."""
    rng, names = _rng(seed), Architecture.dense(_sizes(teacher.layers)).layers
    arcs: list[tuple[str, str]] = []
    for before, after in pairwise(names):
        # Each neuron is dealt to one of the next layer; what is missing there is drawn.
        dealt: list[set[str]] = [set() for _ in after]
        for i, name in enumerate(rng.permutation(before).tolist()):
            dealt[i % len(after)].add(name)
        for target, sources in zip(after, dealt, strict=True):
            for name in rng.permutation(before).tolist():
                if len(sources) < min(degree, len(before)):
                    sources.add(name)
            arcs += [(source, target) for source in sorted(sources)]
    return teacher.instance(seed, Architecture(names, arcs))


def _random_labels(d: int, layers: str, points: int, activation: str, seed: int) -> Instance:
    return _labelled_at_random(d, layers, points, activation, Minimize(), seed)


def _labelled_at_random(
    d: int, layers: str, points: int, activation: ActivationLike, goal: Goal, seed: int
) -> Instance:
    """Random inputs, distinct while there are enough, and as labels any values of the output."""
    domain, architecture, rng = Domain(d), Architecture.dense(_sizes(layers)), _rng(seed)
    values = Activations.of(activation, domain).output
    inputs = random_inputs(domain, architecture.alpha, points, rng)
    labels = values.show(rng.integers(values.top + 1, size=(points, architecture.omega)))
    meta = {"kind": "random labels", "seed": seed}
    return Instance(domain, architecture, Dataset(inputs, labels), goal, meta, activation)


def _shape(d: int, layers: str, points: int, activation: str = "relu") -> str:
    return Teacher(d, layers, points, activation=activation).name


def _tables(folder: Path) -> Iterator[Case]:
    for name, hidden in SKLEARN_TABLES.items():
        yield from _table_cases(name, hidden, partial(_sklearn_table, name))
    for name, (file, hidden) in SHARED_TABLES.items():
        path = folder / f"{file}.csv"
        if path.is_file():
            yield from _table_cases(name, hidden, partial(Path, path))


def _table_cases(name: str, hidden: Sequence[int], table: Callable[[], Any]) -> Iterator[Case]:
    for size in hidden:
        yield Case(f"tables-{name}-h{size}", "tables", partial(_table, table, size))


def _table(table: Callable[[], Any], hidden: int) -> Instance:
    return table_instance(table(), ["target"], 3, [hidden] if hidden else [], Minimize())


def _sklearn_table(name: str) -> list[list[str]]:
    """The rows of a data set of scikit-learn, header first."""
    state = Availability.of_package("scikit-learn", "sklearn", "qnnt[sklearn]")
    if not state.available:
        raise Unavailable(f"the tables need scikit-learn: {state.reason}")
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    head = [*map(str, data.feature_names), "target"]
    rows = zip(data.data.tolist(), data.target.tolist(), strict=True)
    return [head, *([*map(repr, row), str(target)] for row, target in rows)]


def _impossible(seeds: int) -> Iterator[Case]:
    family = "impossible"
    for d, patterns, hidden, activation in BOTTLENECK:
        name = f"{family}-bottleneck-d{d}-{activation}-{patterns}-{hidden}"
        yield Case(name, family, partial(_bottleneck, d, patterns, hidden, activation))
    for d, inputs, hidden, activation in PARITY:
        name = f"{family}-parity-d{d}-{activation}-{inputs}-{hidden}"
        yield Case(name, family, partial(_parity, d, inputs, hidden, activation))
    for shape in CROWDED:
        yield from seeded(family, f"crowded-{_shape(*shape)}", seeds, partial(_crowded, *shape))


def _bottleneck(d: int, patterns: int, hidden: int, activation: str) -> Instance:
    """The identity on one-hot patterns, through a hidden layer that shows fewer vectors than that."""
    domain = Domain(d)
    shown = Activations.of(activation, domain)
    if (shown.hidden.top + 1) ** hidden >= patterns:
        raise ValueError(f"{hidden} hidden neurons show a vector for each of {patterns} patterns")
    hot = np.eye(patterns, dtype=np.int64)
    labels = shown.output.show(hot)
    instance = Instance(
        domain, Architecture.dense([patterns, hidden, patterns]), Dataset(hot, labels), activation=shown
    )
    return answered(instance, False)


def _parity(d: int, inputs: int, hidden: int, activation: str) -> Instance:
    """Parity of two or more inputs of 0 or 1.

    No network over Z_2 computes it: weights are 0 or 1, so outputs never fall when inputs rise. Nor does one
    with a single hidden neuron: its output is monotone in one sum s, and s(10…) + s(01…) = s(00…) + s(11…),
    so the former two cannot both lie beyond a threshold that neither of the latter reaches.
    """
    if d > 2 and hidden > 1:
        raise ValueError("parity may be learnt by two hidden neurons")
    rows = np.array(list(product((0, 1), repeat=inputs)), dtype=np.int64)
    shown = Activations.of(activation, Domain(d))
    labels = shown.output.show(rows.sum(axis=1, keepdims=True) % 2)
    instance = Instance(
        Domain(d), Architecture.dense([inputs, hidden, 1]), Dataset(rows, labels), activation=shown
    )
    return answered(instance, False)


def _crowded(d: int, layers: str, points: int, seed: int) -> Instance:
    return _labelled_at_random(d, layers, points, "step", AtMost(0), seed)
