"""What a network that was trained on a table says of other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.network import Network
from qnnt.tables.columns import MISSING, Column, as_number, named
from qnnt.tables.encoding import TableEncoding
from qnnt.tables.features import Unseen


@dataclass(frozen=True)
class Prediction:
    """``values[i]`` are the n predictions for ``columns[i]``.

    ``plain`` (n,) tells where the outputs show just one class of each target. Elsewhere the largest
    pre-activation has decided. ``right`` counts rows in which all is as the table itself says, if
    it says so of every row.
    """

    columns: list[str]
    values: list[list[str]]
    plain: npt.NDArray[np.bool_]
    right: int | None = None


def predict_rows(
    network: Network, encoding: TableEncoding, columns: Sequence[Column], unseen: Unseen = "error"
) -> Prediction:
    """The classes of rows, which are encoded as the rows that the network was trained on.

    Raises :class:`InputError` for rows that cannot be encoded.
    """
    values, sums = network.outputs(encoding.inputs(columns, unseen))
    classes, plain = encoding.classes(network.activation.output.levels_of(values), sums)
    labelled = {column.name for column in columns if MISSING.isdisjoint(column.cells)}
    right = None
    if all(target.column in labelled for target in encoding.targets):
        same = np.ones(len(plain), dtype=bool)
        for target, said in zip(encoding.targets, classes, strict=True):
            codes = target.codes(named(columns, target.column))
            same &= np.array([target.classes[code] == word for code, word in zip(codes, said, strict=True)])
        right = int(same.sum())
    return Prediction([target.column for target in encoding.targets], classes, plain, right)


def require_neurons(network: Network, encoding: TableEncoding) -> None:
    """Raise :class:`InputError` unless the encoding is of the inputs and outputs that the network has."""
    layers = network.architecture.layers
    if tuple(chain.from_iterable(encoding.named)) != (*layers[0], *layers[-1]):
        raise InputError("encoding", "is of other inputs or outputs than the network's")


def predict_integers(network: Network, columns: Sequence[Column]) -> Prediction:
    """The outputs on rows that hold integers of the domain, in a column for each input, named as it is."""
    inputs = []
    for name in network.architecture.layers[0]:
        column = named(columns, name)
        numbers = [as_number(cell) for cell in column.cells]
        for i, number in enumerate(numbers):
            if number is None or number != round(number) or not network.domain.contains(np.array(number)):
                raise column.error(i, f"has {column.cells[i][:40]!r} here, which is not in {network.domain}")
        inputs.append(np.array(numbers, dtype=np.int64)[column.codes])
    values = network.predict(np.column_stack(inputs))
    words = [list(map(str, column)) for column in values.T.tolist()]
    return Prediction(list(network.architecture.layers[-1]), words, np.ones(len(values), dtype=bool))
