"""A table of data (CSV) as a training instance.

:mod:`qnnt.tables.features` says how a column becomes inputs. Each target column is a set of classes, in
numeric order if all are numbers. Two classes are one output of 0 or 1, k classes are k outputs of which one
is 1; 0 and 1 here are the two lowest values that the output activation shows (for ``sign`` -1 and 1). The
encoding is stored in the instance's ``meta``, so that other rows are encoded in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qnnt.activation import Activation, ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.documents import located
from qnnt.garbage import collector_paused
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.sizes import require_room
from qnnt.tables.columns import Codes, Column, named, read_columns
from qnnt.tables.encoding import TableEncoding, Target
from qnnt.tables.features import Missing, Unseen

Table = str | Path | Iterable[Sequence[str]]


def table_instance(
    table: Table,
    targets: Sequence[str],
    d: int,
    hidden: Sequence[int],
    goal: Goal,
    activation: ActivationLike = "relu",
    *,
    header: bool | None = None,
    missing: Missing = "error",
) -> Instance:
    """A dense network with ``hidden`` layer sizes is to learn the ``targets`` from the other columns.

    ``table`` is a CSV file (comma, semicolon or tab), or its rows; the first row names the columns unless
    ``header`` is False. ``missing`` says what becomes of missing numbers: see :mod:`qnnt.tables.features`.
    Raises :class:`InputError` naming the file and its line for a table that cannot be used.
    """
    return table_split(table, targets, d, hidden, goal, activation, header=header, missing=missing)[0]


def table_split(
    table: Table,
    targets: Sequence[str],
    d: int,
    hidden: Sequence[int],
    goal: Goal,
    activation: ActivationLike = "relu",
    *,
    header: bool | None = None,
    missing: Missing = "error",
    test_share: float = 0.0,
    seed: int = 0,
    unseen: Unseen = "error",
) -> tuple[Instance, Instance | None]:
    """An instance from a part of the rows and one from the others, which are ``test_share`` of all.

    The rows are drawn by ``seed``, so that each class has its share in both parts. The encoding is that of
    the first part, but for the classes, which are those of the whole table. ``unseen`` says what becomes of a
    category that only the second part has: an error, or, for ``"ignore"``, none of the known ones. The rest
    is as for :func:`table_instance`; there is no second instance without a share.
    """
    _check_sizes(d, hidden)
    if not 0 <= test_share < 1:
        raise InputError("test_share", f"lies from 0 to below 1, not {test_share}")
    if seed < 0:
        raise InputError("seed", f"must be at least 0, not {seed}")
    path = _path(table)
    with located(path), collector_paused():
        columns = read_columns(table, header=header)
        _check_targets(targets, columns)
        learned = [Target.fit(named(columns, name)) for name in targets]
        first, second = _parts(columns, learned, test_share, seed)
        fitted = [column.take(first) for column in columns] if len(second) else columns
        meta: dict[str, Any] = {"source": path.name}
        if len(second):
            meta |= {"part": "training", "test_share": test_share, "seed": seed}
        instance, encoding = columns_instance(fitted, learned, d, hidden, goal, activation, missing, meta)
        if not len(second):
            return instance, None
        rest = [column.take(second) for column in columns]
        return instance, _with_rows(instance, encoding, rest, unseen, {"part": "test"})


def columns_instance(
    columns: Sequence[Column],
    targets: Sequence[Target],
    d: int,
    hidden: Sequence[int],
    goal: Goal,
    activation: ActivationLike = "relu",
    missing: Missing = "error",
    meta: dict[str, Any] | None = None,
) -> tuple[Instance, TableEncoding]:
    """The instance that has the columns of the ``targets`` learned from the others, and the encoding fitted.

    Raises :class:`InputError` for columns that cannot be used.
    """
    _check_sizes(d, hidden)
    domain = Domain(d)
    shown = Activations.of(activation, domain)
    if shown.output.top < 1:
        raise InputError("activation", f"outputs that show one value tell no classes: {shown.output}")
    learned = {target.column for target in targets}
    read = [column for column in columns if column.name not in learned]
    encoding = TableEncoding.fit(read, domain, targets, missing)
    if not encoding.n_inputs:
        raise InputError("", "no feature column is left: each is a target or the same in every row")
    layers = _layers(encoding, hidden)
    encoding = replace(encoding, named=_owners(encoding, layers))
    facts = {"kind": "table", **(meta or {}), "d": d, "hidden": list(hidden), **encoding.document}
    dataset = _dataset(encoding, columns, shown.output, "error")
    return Instance(domain, Architecture.full(layers), dataset, goal, facts, shown), encoding


def _with_rows(
    instance: Instance,
    encoding: TableEncoding,
    columns: Sequence[Column],
    unseen: Unseen,
    meta: dict[str, Any],
) -> Instance:
    """The instance with these rows as its data."""
    dataset = _dataset(encoding, columns, instance.activation.output, unseen)
    return replace(instance, dataset=dataset, meta={**instance.meta, **meta})


def _check_sizes(d: int, hidden: Sequence[int]) -> None:
    if d < 2:
        raise InputError("d", f"must be at least 2, as the only output in Z_1 is 0, not {d}")
    for i, size in enumerate(hidden):
        if size < 1:
            raise InputError(f"hidden[{i}]", f"a layer has at least one neuron, not {size}")
    require_room(64 * sum(hidden), "hidden", "the names of so many neurons need")


def table_like(
    table: Table, instance: Instance, *, header: bool | None = None, unseen: Unseen = "error"
) -> Instance:
    """The rows of another table as data for the networks of an instance, encoded as its own data were.

    Raises :class:`InputError` if the instance was not made from a table, or if the table has not its columns.
    """
    encoding = encoding_of(instance)
    path = _path(table)
    with located(path), collector_paused():
        columns = read_columns(table, header=header)
        other = _with_rows(instance, encoding, columns, unseen, {"source": path.name})
    for key in ("part", "test_share", "seed"):
        other.meta.pop(key, None)
    return other


def encoding_of(instance: Instance) -> TableEncoding:
    """The encoding that an instance stores; raises :class:`InputError` if it was not made from a table."""
    if instance.encoding is None:
        raise InputError("meta", "holds no encoding of a table: the instance was not made from one")
    try:
        return TableEncoding.of(instance.encoding, instance.domain.d)
    except InputError as error:
        raise InputError(f"meta.{error.place}", error.message) from None


def _path(table: Table) -> Path:
    return Path(table) if isinstance(table, str | Path) else Path("table")


def _dataset(
    encoding: TableEncoding, columns: Sequence[Column], output: Activation, unseen: Unseen
) -> Dataset:
    return Dataset(encoding.inputs(columns, unseen), encoding.labels(columns, output))


def _check_targets(targets: Sequence[str], columns: Sequence[Column]) -> None:
    if not targets:
        raise InputError("", "no target column is named")
    for i, name in enumerate(targets):
        named(columns, name)
        if name in targets[:i]:
            raise InputError("", f"target column {name!r} is named twice")


def _parts(
    columns: Sequence[Column], targets: Sequence[Target], share: float, seed: int
) -> tuple[Codes, Codes]:
    """The rows of both parts, ascending: rows are drawn, sorted by class, and every so many is left out."""
    n = len(columns[0])
    drawn = np.random.default_rng(seed).permutation(n)
    codes = [target.codes(named(columns, target.column))[drawn] for target in targets]
    ordered = drawn[np.lexsort(codes)]
    ends = np.floor(np.arange(n + 1) * share + 1e-9)
    second = np.diff(ends) > 0
    if share and not second.any():
        raise InputError("", f"has {n} rows, of which a test share of {share:g} is none")
    if second.all():
        raise InputError("", f"has {n} rows, of which a test share of {share!r} leaves none to learn from")
    return np.sort(ordered[~second]), np.sort(ordered[second])


def _layers(encoding: TableEncoding, hidden: Sequence[int]) -> list[list[str]]:
    """Names for all neurons; one that is taken gets a number."""
    taken: set[str] = set()

    def free(name: str) -> str:
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}_{n}"
        taken.add(unique)
        return unique

    first, last = (
        [free(name) for part in side for name in part.names] for side in (encoding.features, encoding.targets)
    )
    deep = len(hidden) > 1
    between = [
        [free(f"h{i}_{j}" if deep else f"h{j}") for j in range(size)] for i, size in enumerate(hidden, 1)
    ]
    return [first, *between, last]


def _owners(encoding: TableEncoding, layers: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The neurons of each feature and of each target."""
    names = iter([*layers[0], *layers[-1]])
    return tuple(tuple(next(names) for _ in part.names) for part in (*encoding.features, *encoding.targets))
