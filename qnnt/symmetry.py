"""Neurons whose exchange changes no error, and the order that keeps one network of many.

Three kinds of neurons of one layer are interchangeable: inputs with the same targets, if exchanging their
columns leaves the multiset of data points as it is; hidden neurons with the same sources and targets; outputs
with the same sources, if exchanging their labels leaves the multiset as it is. To exchange two neurons of a
network is to permute its parameters, and the result has as many errors.

**The order.** Read the parameters connection by connection, and in each target by target: the bias, then the
weights by source. Of all networks that exchanges make of one another, take the one that is least as a word.
No exchange of two neurons makes it less, so of any two the earlier has the lesser row of parameters, compared
as words in the order of reading. So encoders may ask for rising rows of all classes at once: the lex-leader
condition (Crawford, Ginsberg, Luks and Roy 1996) for exchanges, all with the same order of the variables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.rowcodes import RowCodes, distinct_rows

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interchange:
    """Neurons that can be exchanged: ``members`` are positions in ``layer``, rising, at least two.

    Row i of ``parameters`` (m, k) has the numbers of the parameters that move with member i, in the order of
    reading: two neurons are exchanged if their rows are. The first ``compared`` columns are what they are
    ordered by.
    """

    layer: int
    members: tuple[int, ...]
    parameters: Ints
    compared: int

    @property
    def keys(self) -> Ints:
        """(m, compared) the parameters that are to rise, as words, from member to member."""
        return self.parameters[:, : self.compared]


def interchanges(instance: Instance) -> tuple[Interchange, ...]:
    """All classes of interchangeable neurons, by layer."""
    architecture = instance.architecture
    first, last, n_arcs = architecture.connections[0], architecture.connections[-1], architecture.n_arcs
    result = []
    for members in interchangeable_inputs(instance):
        leaving = np.array([first.first + np.flatnonzero(first.source == i) for i in members])
        result.append(Interchange(0, members, leaving, leaving.shape[1]))
    outputs = ((architecture.depth + 1, members) for members in interchangeable_outputs(instance))
    for layer, members in (*architecture.twins, *outputs):
        into = architecture.connections[layer - 1]
        entering = np.array([np.arange(into.arcs(j).start, into.arcs(j).stop) for j in members])
        biases = n_arcs + into.first_bias + np.array(members)
        parts = [biases[:, None], entering]
        if into is not last:
            out = architecture.connections[layer]
            parts.append(np.array([out.first + np.flatnonzero(out.source == j) for j in members]))
        result.append(Interchange(layer, members, np.hstack(parts), 1 + entering.shape[1]))
    return tuple(result)


def interchangeable_inputs(instance: Instance) -> tuple[tuple[int, ...], ...]:
    """Classes of at least two inputs: the same targets, and any exchange leaves the data as they are.

    Only labels that an output can show count: others are wrong in every network.
    """
    choices, first = instance.choices, instance.architecture.connections[0]
    targets = [first.target[first.source == i].tobytes() for i in range(first.n_source)]
    _, rest = distinct_rows(np.column_stack([choices.labels, choices.counts]).astype(np.int64))
    return tuple(_classes(choices.inputs[choices.of], rest, targets))


def interchangeable_outputs(instance: Instance) -> tuple[tuple[int, ...], ...]:
    """Classes of at least two outputs: the same sources, and any exchange leaves the data as they are."""
    choices, last = instance.choices, instance.architecture.connections[-1]
    sources = [last.sources(j).tobytes() for j in range(last.n_target)]
    _, rest = distinct_rows(np.column_stack([choices.of, choices.counts]))
    return tuple(_classes(choices.labels, rest, sources))


def arranged(network: Network, classes: tuple[Interchange, ...]) -> Network:
    """The network in the order that encoders ask for, by exchanges of interchangeable neurons.

    Every exchange makes it less as a word, so this comes to an end.
    """
    vector, settled = network.vector, False
    while not settled:
        settled = True
        for each in classes:
            order = np.lexsort(vector[each.keys].T[::-1])
            if (order != np.arange(len(order))).any():
                vector[each.parameters] = vector[each.parameters[order]]
                settled = False
    n_arcs = network.architecture.n_arcs
    return replace(network, weights=vector[:n_arcs], biases=vector[n_arcs:])


def _classes(table: IntArray, rest: Ints, kinds: list[bytes]) -> Iterator[tuple[int, ...]]:
    """Classes of columns of ``table`` (r, c) whose exchange leaves the multiset of rows as it is.

    ``rest`` (r,) numbers what else belongs to a row; only columns of one kind are compared. Exchanges that
    do this are closed under conjugation, (i j)(j k)(i j) = (i k), so one member stands for its class.
    """
    like = RowCodes.of(np.column_stack([table.sum(axis=1, dtype=np.int64), rest])).code
    alike: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for column in range(table.shape[1]):
        # What an exchange cannot change: how often each value stands in rows of each sum and rest.
        codes = RowCodes.of(np.column_stack([like, table[:, column].astype(np.int64)])).code
        alike[kinds[column], np.sort(codes).tobytes()].append(column)
    found = []
    for columns in alike.values():
        if len(columns) > 1:
            found += [tuple(members) for members in _split(table, rest, columns) if len(members) > 1]
    yield from sorted(found)


def _split(table: IntArray, rest: Ints, columns: list[int]) -> list[list[int]]:
    """The columns, of which each may be exchanged with each for all that is known, by classes."""
    values = table[:, columns].astype(np.float64)
    products = values.T @ values  # those with a third column stay, too: a quick test before the whole one
    classes: list[list[int]] = []
    for b in range(len(columns)):
        for members in classes:
            a = members[0]
            changed = products[a] != products[b]
            changed[[a, b]] = products[a, a] != products[b, b]
            if not changed.any() and _exchangeable(table, rest, columns[a], columns[b]):
                members.append(b)
                break
        else:
            classes.append([b])
    return [[columns[b] for b in members] for members in classes]


def _exchangeable(table: IntArray, rest: Ints, one: int, two: int) -> bool:
    """Whether exchanging two columns maps the multiset of rows onto itself."""
    moved = np.flatnonzero(table[:, one] != table[:, two])  # the others stay where they are
    before = np.column_stack([table[moved].astype(np.int64), rest[moved]])
    after = before.copy()
    after[:, [one, two]] = before[:, [two, one]]
    codes = RowCodes.of(np.concatenate([before, after])).code
    return np.array_equal(np.sort(codes[: len(moved)]), np.sort(codes[len(moved) :]))
