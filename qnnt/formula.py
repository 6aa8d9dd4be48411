"""A network as formulas: one for each neuron, zeros left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from qnnt.activation import Activation, Activations
from qnnt.architecture import Architecture
from qnnt.domain import IntArray
from qnnt.wording import columns, count

_MOST_NEURONS = 40
_MOST_TERMS = 12


@dataclass(frozen=True)
class Neuron:
    """A neuron shows ``activation``(Σ weight · source − bias); ``terms`` are its weights that are not 0."""

    name: str
    activation: Activation
    terms: list[tuple[int, str]]
    bias: int


def neurons(
    architecture: Architecture, activation: Activations, weights: IntArray, biases: IntArray
) -> Iterator[Neuron]:
    """All neurons but the inputs, layer by layer; ``weights`` (A,) and ``biases`` (H,) as in a network."""
    layers, rest = architecture.layers, iter(biases.tolist())
    activations = activation.each(architecture.depth)
    for i, (connection, own) in enumerate(zip(architecture.connections, activations, strict=True)):
        before, layer = layers[i], layers[i + 1]
        for j, name in enumerate(layer):
            into = zip(weights[connection.arcs(j)].tolist(), connection.sources(j), strict=True)
            yield Neuron(name, own, [(w, before[source]) for w, source in into if w], next(rest))


def text(architecture: Architecture, activation: Activations, weights: IntArray, biases: IntArray) -> str:
    """Each neuron as a formula on a line; large networks are cut, and say so."""
    letters = _letters(activation.each(architecture.depth))
    meanings = ", and ".join(_meaning(each, letter) for each, letter in letters.items())
    first = islice(neurons(architecture, activation, weights, biases), _MOST_NEURONS)
    rows = [(n.name, "=", f"{letters[n.activation]}({_sum(n.terms, n.bias)})") for n in first]
    lines = [f"Network, where {meanings}; weights of 0 are left out:", *columns(rows)]
    left = architecture.n_biases - len(rows)
    if left > 0:
        lines.append(f"  … and {count(left, 'more neuron')}; a network file holds them all")
    return "\n".join(lines)


def _letters(activations: tuple[Activation, ...]) -> dict[Activation, str]:
    """What each activation of the network is called; one without a name is f, or g for the outputs."""
    named = {"relu": "ReLU"}
    distinct = dict.fromkeys(activations)
    return {a: named.get(a.name, a.name) or letter for a, letter in zip(distinct, "fg", strict=False)}


def _meaning(activation: Activation, letter: str) -> str:
    if activation.name == "relu":  # of a large domain its steps would fill pages
        top = activation.highest
        return f"{letter} maps below 0 to 0 and above {top} to {top}"
    return f"{letter} is {activation.meaning}"


def _sum(terms: list[tuple[int, str]], bias: int) -> str:
    shown = [(w, name if abs(w) == 1 else f"{abs(w)}·{name}") for w, name in terms[:_MOST_TERMS]]
    if len(terms) > len(shown):
        shown.append((1, f"… ({count(len(terms) - len(shown), 'more term')})"))
    if bias or not terms:
        shown.append((-bias, str(abs(bias))))
    signed = "".join(f" {'-' if sign < 0 else '+'} {term}" for sign, term in shown)
    return signed.removeprefix(" + ") if signed.startswith(" +") else f"-{signed[3:]}"
