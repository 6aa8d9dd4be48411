"""Pictures of trees, the root on top: tree decompositions, and the tables of a dynamic program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qnnt.drawing.picture import (
    FAINT,
    GREEN,
    GREY,
    PAPER,
    QUIET,
    Box,
    Label,
    Line,
    Picture,
    Shape,
    bottom,
    cut,
    heading,
    legend,
    wide,
)
from qnnt.wording import count

MOST_BAGS = 40
MOST_CHILDREN = 7  # of a bag
MOST_VERTICES = 24  # of a bag
_TOLD = 200  # vertices, under the pointer
_NAME = 20
_LINE = 26  # characters
_LONG = 44  # characters of a line about a table
_MOST_LINES = 12  # about a table
_GAP, _DROP, _TOP = 18.0, 34.0, 52.0
_FONT = 10.5


@dataclass(frozen=True)
class TreeBox:
    """A box of a tree: lines of text, what is shown under the pointer, and whether its frame is green."""

    lines: tuple[str, ...]
    tip: str
    marked: bool = False


@dataclass(frozen=True)
class TableBox:
    """A table of a dynamic program: ``holds`` and ``size`` in words, and the tables that it is made from.

    ``rows`` is None if it was not made.
    """

    holds: tuple[str, ...]
    size: str
    rows: int | None
    children: tuple[int, ...]


def tree_picture(
    bags: Sequence[Sequence[str]], children: Sequence[Sequence[int]], title: str = "Tree decomposition"
) -> Picture:
    """The tree whose node t holds the vertices named in ``bags[t]``; node 0 is the root.

    A bag of the most vertices has a green frame. Of many bags those nearest to the root are drawn, and the
    bags below them are counted.
    """
    largest = max(map(len, bags))
    boxes = [
        TreeBox(
            tuple(_wrapped(bag)),
            f"bag {t + 1}, size {len(bag)}: {', '.join(bag[:_TOLD])}",
            len(bag) == largest,
        )
        for t, bag in enumerate(bags)
    ]
    return _picture(
        boxes, children, title, "bag", [f"a bag of the largest size, {largest}; the width is {largest - 1}"]
    )


def tables_picture(tables: Sequence[TableBox], title: str, said: Sequence[str]) -> Picture:
    """The tables of a dynamic program as a tree; table 0 is the last one.

    Each box says what the table holds and its size; the largest one has a green frame. ``said`` is written
    below.
    """
    largest = max((table.rows for table in tables if table.rows is not None), default=None)
    boxes = []
    for table in tables:
        shown = [cut(line, _LONG) for line in table.holds[:_MOST_LINES]]
        if len(table.holds) > len(shown):
            shown.append(f"… and {len(table.holds) - len(shown):,} more")
        lines = (*shown, table.size) if table.size else tuple(shown)
        tip = "; ".join([*table.holds[:_TOLD], table.size])
        boxes.append(TreeBox(lines, tip, largest is not None and table.rows == largest))
    green = [] if largest is None else ["the largest table"]
    return _picture(boxes, [table.children for table in tables], title, "table", green, said)


def _picture(
    boxes: Sequence[TreeBox],
    children: Sequence[Sequence[int]],
    title: str,
    noun: str,
    green: Sequence[str],
    said: Sequence[str] = (),
) -> Picture:
    """Boxes as a tree, box 0 on top; ``green`` says what a green frame means, ``said`` is written below."""
    drawn = _nearest(children)
    below = _counts(children)
    size = {
        t: (max(wide(line, _FONT) for line in boxes[t].lines) + 16, 14.0 * len(boxes[t].lines) + 10)
        for t in drawn
    }
    # Of a node: the nodes drawn below it, and how many more there are, which a box of its own says.
    inner = {t: [c for c in children[t] if c in drawn] for t in drawn}
    rest = {t: sum(below[c] for c in children[t] if c not in drawn) for t in drawn}
    stub = {t: wide(_more(rest[t], noun), _FONT) + 16 if rest[t] else 0.0 for t in drawn}
    parts: dict[int, list[float]] = {}  # widths of what is below a node, side by side
    span: dict[int, float] = {}
    for t in reversed(drawn):
        parts[t] = [span[c] for c in inner[t]] + ([stub[t]] if rest[t] else [])
        span[t] = max(size[t][0], _side_by_side(parts[t]))
    depth = {0: 0}
    for t in drawn:
        depth |= dict.fromkeys(inner[t], depth[t] + 1)
    highest = [0.0] * (max(depth.values()) + 2)
    for t in drawn:
        highest[depth[t]] = max(highest[depth[t]], size[t][1])
    tops = [_TOP]
    for high in highest:
        tops.append(tops[-1] + high + _DROP)
    head = heading(title)
    width = max(span[0] + 32, head.width, 360.0, *(wide(line, 11) + 64 for line in (*green, *said)))
    left = {0: (width - span[0]) / 2}
    edges: list[Shape] = []
    shapes: list[Shape] = []
    for t in drawn:
        wide_t, high = size[t]
        x, y = left[t] + span[t] / 2, tops[depth[t]]
        marked = boxes[t].marked
        ink, thick = (GREEN, 2.2) if marked else (GREY, 1.2)
        shapes.append(Box(x - wide_t / 2, y, wide_t, high, PAPER, ink, thick, tip=boxes[t].tip))
        shapes += [Label(x, y + 12 + 14 * i, line, _FONT) for i, line in enumerate(boxes[t].lines)]
        at = x - _side_by_side(parts[t]) / 2
        under = tops[depth[t] + 1]
        for c, part in zip([*inner[t], None], parts[t], strict=False):
            edges.append(Line(x, y + high, at + part / 2, under, QUIET))
            if c is not None:
                left[c] = at
            else:
                shapes.append(Box(at, under, part, 24, FAINT, GREY, dashed=True))
                shapes.append(Label(at + part / 2, under + 12, _more(rest[t], noun), _FONT, colour=QUIET))
            at += part + _GAP
    height = max(shape.y + shape.high for shape in shapes if isinstance(shape, Box)) + 26
    entries: list[tuple[Shape | None, str]] = [(Box(0, -7, 26, 14, PAPER, GREEN, 2.2), g) for g in green]
    key = list(legend([*entries, *((None, line) for line in said)], height, width))
    return Picture(width, bottom(key) + 18, title, (head, *edges, *shapes, *key))


def _side_by_side(widths: list[float]) -> float:
    return sum(widths) + _GAP * max(0, len(widths) - 1)


def _nearest(children: Sequence[Sequence[int]]) -> list[int]:
    """The nodes nearest to the root, parents before children."""
    found = [0]
    for t in found:
        found += children[t][: min(MOST_CHILDREN, MOST_BAGS - len(found))]
    return found


def _counts(children: Sequence[Sequence[int]]) -> list[int]:
    """How many nodes there are at and below each."""
    order = [0]
    for t in order:
        order += children[t]
    counts = [1] * len(children)
    for t in reversed(order):
        counts[t] += sum(counts[c] for c in children[t])
    return counts


def _more(number: int, noun: str) -> str:
    return f"… {count(number, f'more {noun}')}"


def _wrapped(bag: Sequence[str]) -> list[str]:
    """The names in lines of some length; of many the rest is counted."""
    shown = [cut(name, _NAME) for name in bag[:MOST_VERTICES]]
    if len(bag) > len(shown):
        shown.append(f"… and {len(bag) - len(shown):,} more")
    lines: list[str] = []
    for i, name in enumerate(shown):
        word = name if i == len(shown) - 1 else f"{name},"
        if lines and len(lines[-1]) + 1 + len(word) <= _LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or ["∅"]
