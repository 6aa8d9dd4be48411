"""Network files: format ``qnnt-network``, as ``*.json`` or ``*.json.gz``.

Version 2 names the activation; version 1, which has none, means the paper's ReLU_d. Version 3 may hold the
``encoding`` of the table that the network was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from qnnt.architecture import Architecture
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.activations import activation_of
from qnnt.files.documents import (
    block,
    compact,
    located,
    parse_document,
    read_text,
    write_document,
)
from qnnt.files.schemas import Integer, Positive, Schema, place
from qnnt.network import Network

KIND = "qnnt-network"


class _First(Schema):
    format: str
    version: int
    d: Positive
    layers: list[list[str]]
    weights: list[tuple[str, str, Integer]]
    biases: dict[str, Integer]


class _Second(_First):
    activation: Any


class _Document(_Second):
    encoding: dict[str, Any] | None = None


VERSION = 3
_SCHEMAS: dict[int, type[_First]] = {1: _First, 2: _Second, VERSION: _Document}


def network_document(network: Network) -> dict[str, Any]:
    """The network file as an object: every arc with its weight, every neuron but the inputs with its bias."""
    architecture = network.architecture
    neurons = [name for layer in architecture.layers[1:] for name in layer]
    arcs = zip(architecture.arcs, network.weights.tolist(), strict=True)
    return {
        "format": KIND,
        "version": VERSION,
        "d": network.domain.d,
        "activation": network.activation.document,
        "layers": [list(layer) for layer in architecture.layers],
        "weights": [[source, target, weight] for (source, target), weight in arcs],
        "biases": dict(zip(neurons, network.biases.tolist(), strict=True)),
        **({} if network.encoding is None else {"encoding": network.encoding}),
    }


def write_network(network: Network, path: Path) -> None:
    """Write a network file, one weight a line, compressed if named ``*.gz``; equal networks, equal bytes.

    Raises :class:`InputError` if the file cannot be written.
    """
    document = network_document(network)
    fields: dict[str, str | Iterable[str]] = {key: compact(value) for key, value in document.items()}
    fields["weights"] = block(compact(weight) for weight in document["weights"])
    write_document(path, fields)


def read_network(path: Path) -> Network:
    """The network in a file. Raises :class:`InputError` naming the file and the place in it."""
    with located(path):
        return network_of(read_text(path))


def network_of(text: str) -> Network:
    """The network in the text of a file; its weights define the arcs. Raises :class:`InputError`."""
    document = parse_document(text, KIND, _SCHEMAS)
    domain, weights, biases = Domain(document.d), document.weights, document.biases
    arcs = [(source, target) for source, target, _ in weights]
    try:
        architecture = Architecture(document.layers, arcs)
    except InputError as error:
        raise InputError(error.place.replace("arcs", "weights"), error.message) from None
    neurons = [name for layer in architecture.layers[1:] for name in layer]
    for name in neurons:
        if name not in biases:
            raise InputError("biases", f"neuron {name!r} has none")
    for name in sorted(biases.keys() - set(neurons)):
        what = "an input, which has no bias" if name in architecture.layers[0] else "not a neuron"
        raise InputError(place(("biases", name)), f"{name!r} is {what}")
    for i, (_, _, weight) in enumerate(weights):
        _in_domain(domain, ("weights", i, 2), weight)
    for name, bias in biases.items():
        _in_domain(domain, ("biases", name), bias)
    weight_of = dict(zip(arcs, (weight for _, _, weight in weights), strict=True))
    return Network(
        architecture,
        domain,
        np.array([weight_of[arc] for arc in architecture.arcs], dtype=np.int64),
        np.array([biases[name] for name in neurons], dtype=np.int64),
        activation_of(document.activation if isinstance(document, _Second) else "relu"),
        document.encoding if isinstance(document, _Document) else None,
    )


def _in_domain(domain: Domain, where: tuple[str | int, ...], value: int) -> None:
    if not domain.lo <= value <= domain.hi:
        raise InputError(place(where), f"value {value} is not in {domain}")
