"""Pictures of integer matrices: a coloured cell for each number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qnnt.drawing.picture import (
    BLUE,
    FAINT,
    ORANGE,
    PAPER,
    QUIET,
    Box,
    Label,
    Picture,
    Shape,
    bottom,
    heading,
    legend,
    wide,
)

MOST_ROWS, MOST_COLUMNS = 40, 64
_CELL, _TOP, _SIDE = 15.0, 66.0, 16.0


def codes_picture(
    codes: npt.NDArray[np.int64],
    rows: Sequence[str],
    notes: Sequence[str],
    title: str,
    columns: str = "input",
) -> Picture:
    """A matrix (n, f): blue above 0, orange below, the darker the farther; ``rows`` (n,) name its rows.

    ``notes`` (n,) stand at the right end of the rows. Of many rows and columns the first are drawn.
    """
    n, f = min(len(codes), MOST_ROWS), min(codes.shape[1], MOST_COLUMNS)
    top = max(1, int(np.abs(codes).max(initial=0)))
    named = max([wide(name, 11) for name in rows[:n]], default=0.0)
    x0 = _SIDE + named + 8
    shapes: list[Shape] = []
    for i in range(n):
        y = _TOP + i * _CELL
        shapes.append(Label(x0 - 8, y + _CELL / 2, rows[i], 11, "end", QUIET))
        for j in range(f):
            code = int(codes[i, j])
            tip = f"{rows[i]}, {columns} {j}: {code}"
            fill = _mixed(BLUE if code > 0 else ORANGE, abs(code) / top)
            shapes.append(Box(x0 + j * _CELL, y, _CELL - 1, _CELL - 1, fill, FAINT, 0.5, 0.0, tip=tip))
        shapes.append(Label(x0 + f * _CELL + 8, y + _CELL / 2, notes[i], 11, "start", QUIET))
    said = f"{columns} 0" + (f" to {f - 1} of {codes.shape[1]:,}" if f > 1 else "")
    shapes.append(Label(x0, _TOP - 14, said, 11, "start", QUIET))
    height = _TOP + n * _CELL + 8
    if n < len(codes):
        shapes.append(Label(x0, height + 4, f"… and {len(codes) - n:,} more", 11, "start", QUIET))
        height += 20
    ends = x0 + f * _CELL + 8 + max([wide(note, 11) for note in notes[:n]], default=0.0) + _SIDE
    head = heading(title)
    width = max(ends, head.width, 360.0)
    sample = [
        (Box(6, -7, 14, 14, _mixed(colour, 1.0), FAINT, 0.5, 0.0), text)
        for colour, text in ((BLUE, f"{top}"), (PAPER, "0"), (ORANGE, f"−{top}"))
    ]
    key = list(legend(sample, height + 10, width))
    return Picture(width, bottom(key) + 18, title, (head, *shapes, *key))


def _mixed(colour: str, share: float) -> str:
    """So much of a colour on paper."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in parts)
