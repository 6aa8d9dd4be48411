"""What every exported file says of its network: domain, neurons and, of a table, the encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from qnnt.activation import Activation
from qnnt.architecture import Connection
from qnnt.domain import IntArray
from qnnt.network import Network
from qnnt.printable import printable


def notes(network: Network) -> Iterator[str]:
    """The lines of a comment; none holds a line break or anything that ends a comment in C or Python."""
    layers = network.architecture.layers
    yield f"Values and weights are integers of {network.domain}; {network.architecture.shape} neurons."
    for what, names in (("Inputs", layers[0]), ("Outputs", layers[-1])):
        yield f"{what}: {', '.join(map(comment, names))}."
    for record in _records(network, "columns"):
        yield comment(f"Input of {_described(record, 'inputs')}")
    for record in _records(network, "targets"):
        yield comment(f"Output of {_described(record, 'outputs')}")


def comment(text: str) -> str:
    """A text that can stand in a comment of any language here."""
    text = printable(text).replace("\\", "/").replace('"', "'")
    return text.replace("*/", "* /").replace("??", "? ?")  # last: what comes before may make them


def _records(network: Network, key: str) -> list[dict[str, Any]]:
    """What the encoding says under a key; nothing if it has another form."""
    found = (network.encoding or {}).get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _described(record: dict[str, Any], neurons: str) -> str:
    facts = [f"{key} {value}" for key, value in record.items() if key not in ("column", neurons)]
    return f"column {record.get('column')}: {', '.join(facts)}"


def matrix(network: Network, connection: Connection) -> IntArray:
    """The weights into a layer, (neurons, neurons of the layer before), 0 where there is no arc."""
    weights = np.zeros((connection.n_target, connection.n_source), dtype=np.int64)
    weights[connection.target, connection.source] = network.weights[connection.all_arcs]
    return weights


def clips(activation: Activation) -> tuple[int, int] | None:
    """The ends that an activation clips pre-activations to, as ReLU_d does; None for another activation."""
    thresholds, values = activation.thresholds, activation.values
    if thresholds != values[1:] or values[-1] - values[0] != activation.top:  # evenly spaced: ranges
        return None
    return values[0], values[-1]
