"""How things are shown: plain text that looks the same on a terminal and in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnnt.printable import printable

if TYPE_CHECKING:
    from qnnt.activation import Activation
    from qnnt.instance import Instance
    from qnnt.network import Network

_MOST_NEURONS = 40
_MOST_TERMS = 12


def print_json(document: Any) -> None:
    """One JSON value on one line."""
    print(json.dumps(document, allow_nan=False))


def print_columns(rows: Iterable[Sequence[str]], indent: int = 2) -> None:
    """Rows of text as aligned columns."""
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"{' ' * indent}{line}".rstrip())


def count(number: int, what: str) -> str:
    """``1 point``, ``2 points``."""
    return f"{number:,} {what if number == 1 else what + 's'}"


def vector(values: Sequence[int], most: int = 16) -> str:
    """Integers side by side, cut after ``most``."""
    shown = " ".join(map(str, values[:most]))
    return shown if len(values) <= most else f"{shown} … ({len(values)} values)"


def print_network(network: Network) -> None:
    """Each neuron as a formula, zeros left out; large networks are cut, and say so."""
    neurons, letters = network.architecture.n_biases, _letters(network)
    meanings = ", and ".join(_meaning(activation, letter) for activation, letter in letters.items())
    print(f"Network, where {meanings}; weights of 0 are left out:")
    print_columns(islice(_formulas(network), _MOST_NEURONS))
    if neurons > _MOST_NEURONS:
        print(f"  … and {count(neurons - _MOST_NEURONS, 'more neuron')}; -o FILE writes the whole network")


def _formulas(network: Network) -> Iterable[tuple[str, str, str]]:
    layers, biases = network.architecture.layers, iter(network.biases.tolist())
    connections, letters = network.architecture.connections, _letters(network)
    activations = network.activation.each(len(connections) - 1)
    for i, (connection, activation) in enumerate(zip(connections, activations, strict=True)):
        before, layer, letter = layers[i], layers[i + 1], letters[activation]
        for j, name in enumerate(layer):
            weights, sources = network.weights[connection.arcs(j)].tolist(), connection.sources(j)
            terms = [
                (w, before[i] if abs(w) == 1 else f"{abs(w)}·{before[i]}")
                for w, i in zip(weights, sources, strict=True)
                if w
            ]
            yield name, "=", f"{letter}({_sum(terms, next(biases))})"


def _letters(network: Network) -> dict[Activation, str]:
    """What each activation of the network is called; one without a name is f, or g for the outputs."""
    activations = dict.fromkeys(network.activation.each(network.architecture.depth))
    named = {"relu": "ReLU"}
    return {a: named.get(a.name, a.name) or letter for a, letter in zip(activations, "fg", strict=False)}


def _meaning(activation: Activation, letter: str) -> str:
    if activation.name == "relu":  # of a large domain its steps would fill pages
        top = activation.highest
        return f"{letter} maps below 0 to 0 and above {top} to {top}"
    return f"{letter} is {activation.meaning}"


def _sum(terms: list[tuple[int, str]], bias: int) -> str:
    shown = terms[:_MOST_TERMS]
    if len(terms) > len(shown):
        shown.append((1, f"… ({count(len(terms) - len(shown), 'more term')})"))
    if bias or not terms:
        shown.append((-bias, str(abs(bias))))
    text = "".join(f" {'-' if sign < 0 else '+'} {term}" for sign, term in shown)
    return text.removeprefix(" + ") if text.startswith(" +") else f"-{text[3:]}"


def deliver(instance: Instance, output: Path | None) -> None:
    """Write a generated instance to a file or standard output, and say on stderr what it is."""
    if output is not None:
        instance.save(output)
    else:
        from qnnt.files.instances import instance_pieces

        sys.stdout.writelines(instance_pieces(instance))
    shape = "-".join(str(len(layer)) for layer in instance.architecture.layers)
    data = instance.dataset
    made = f"{instance.meta['kind']}: d = {instance.domain.d}, layers {shape}, {count(data.total, 'point')}"
    unavoidable = count(instance.choices.unavoidable, "unavoidable error")
    print(f"{printable(output or 'stdout')}: {made}, {unavoidable}, goal {instance.goal}", file=sys.stderr)
