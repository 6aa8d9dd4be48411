"""Pictures of architectures, with and without the weights of a network."""

from __future__ import annotations

from collections.abc import Iterator

from qnnt.activation import Activations
from qnnt.architecture import Architecture
from qnnt.domain import Domain, IntArray
from qnnt.drawing.effect import effect
from qnnt.drawing.layers import RADIUS, Plan, names, plan
from qnnt.drawing.picture import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    PAPER,
    QUIET,
    Disc,
    Label,
    Line,
    Picture,
    Shape,
    bottom,
    heading,
    legend,
)

_MOST_ZEROS = 300  # arcs, up to which those of weight 0 are drawn


def network_picture(
    architecture: Architecture,
    domain: Domain,
    activation: Activations,
    weights: IntArray,
    biases: IntArray,
    title: str = "Network",
) -> Picture:
    """A network: weights by colour and width, biases in the neurons, grey what has no effect.

    ``weights`` (A,) and ``biases`` (H,) as in a network. Of a layer of many neurons only some are drawn,
    those that have an effect first; of many layers the first and the last.
    """
    known = effect(architecture, domain, activation, weights, biases)
    where = plan(architecture, known)
    zeros = architecture.n_arcs <= _MOST_ZEROS
    unused, used = [], []
    for a, ends, tip in _arcs(architecture, where):
        w = int(weights[a])
        line = Line(*ends, FAINT, 1.0, tip=f"{tip}: weight {w}")
        if w and known.arcs[a]:
            colour = BLUE if w > 0 else ORANGE
            width = 1.0 + 3.0 * abs(w) / max(domain.hi, -domain.lo)
            used.append((abs(w), Line(*ends, colour, width if domain.hi > 1 else 1.8, w < 0, line.tip)))
        elif w:
            unused.append(Line(*ends, GREY, 1.2, w < 0, line.tip))
        elif zeros:
            unused.insert(0, line)
    shapes: list[Shape] = [*unused, *(line for _, line in sorted(used, key=lambda pair: pair[0]))]
    first = architecture.alpha
    offsets = [0]
    for layer in architecture.layers:
        offsets.append(offsets[-1] + len(layer))
    for (i, j), (x, y) in where.place.items():
        live = bool(known.neurons[i][j])
        bias = int(biases[offsets[i] + j - first]) if i else 0
        tip = (
            architecture.layers[i][j] + (f": bias {bias}" if i else "") + ("" if live else ", without effect")
        )
        shapes.append(Disc(x, y, RADIUS, PAPER if live else FAINT, INK if live else GREY, tip))
        if bias:
            size = 11 if abs(bias) < 10 else 9 if abs(bias) < 100 else 6
            text = _signed(bias) if abs(bias) < 10_000 else "…"  # what fits into a disc
            shapes.append(Label(x, y, text, size, colour=INK if live else QUIET, tip=tip))
    shapes += names(architecture, where)
    entries: list[tuple[Shape | None, str]] = [
        (Line(0, 0, 26, 0, BLUE, 2.0), "weight above 0" + (", wider if larger" if domain.hi > 1 else "")),
        (Line(0, 0, 26, 0, ORANGE, 2.0, dashed=True), "below 0"),
        (Disc(13, 0, 7, FAINT, GREY), "grey: weight 0, or no effect on the outputs"),
        (None, "in a neuron: its bias, which is subtracted"),
    ]
    if not zeros:
        entries.append((None, "weights of 0 are left out"))
    return _sheet(title, where, shapes, entries)


def instance_picture(architecture: Architecture, title: str = "Architecture", about: str = "") -> Picture:
    """The neurons and arcs of an architecture; ``about`` is a line below them."""
    where = plan(architecture)
    arcs = list(_arcs(architecture, where))
    width = 1.0 if len(arcs) <= 200 else 0.5
    shapes: list[Shape] = [Line(*ends, GREY, width, tip=tip) for _, ends, tip in arcs]
    shapes += [
        Disc(x, y, RADIUS, PAPER, BLUE, architecture.layers[i][j]) for (i, j), (x, y) in where.place.items()
    ]
    shapes += names(architecture, where)
    return _sheet(title, where, shapes, [(None, about)] if about else [])


def _arcs(
    architecture: Architecture, where: Plan
) -> Iterator[tuple[int, tuple[float, float, float, float], str]]:
    """The arcs between neurons that are drawn: number, ends of its line, and its neurons in words."""
    drawn: dict[int, set[int]] = {}
    for layer, j in where.place:
        drawn.setdefault(layer, set()).add(j)
    for layer in where.pairs:
        connection = architecture.connections[layer - 1]
        before, own = architecture.layers[layer - 1], architecture.layers[layer]
        for j in sorted(drawn[layer]):
            for a, source in enumerate(connection.sources(j).tolist(), connection.arcs(j).start):
                if source in drawn[layer - 1]:
                    (x1, y1), (x2, y2) = where.place[layer - 1, source], where.place[layer, j]
                    yield a, (x1 + RADIUS, y1, x2 - RADIUS, y2), f"{before[source]} → {own[j]}"


def _signed(number: int) -> str:
    return f"−{-number}" if number < 0 else str(number)


def _sheet(title: str, where: Plan, shapes: list[Shape], entries: list[tuple[Shape | None, str]]) -> Picture:
    head = heading(title)
    width = max(where.width, head.width)
    below = list(legend(entries, where.height + 8, width))
    height = bottom(below) + 18 if below else where.height
    return Picture(width, height, title, (head, *shapes, *below))
