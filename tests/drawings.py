"""What tests of pictures share: names that could break one, and whether a picture stays on its sheet."""

from __future__ import annotations

import itertools

import numpy as np

from qnnt.drawing.picture import Box, Disc, Label, Line, Picture, wide

HOSTILE = [
    "</text><script>alert(1)</script>",
    "a&b\"c'd",
    "$x_1^$",
    "tab\there\x00\u202e",
    "]]>",
    "\ud800",
    "",
]


def assert_fits(picture: Picture) -> None:
    """No shape leaves the sheet, and no neuron covers another or the label beside it."""
    for shape in picture.shapes:
        match shape:
            case Label():
                start = {"start": 0, "middle": 0.5, "end": 1}[shape.anchor] * wide(shape.text, shape.size)
                left, right = shape.x - start, shape.x - start + wide(shape.text, shape.size)
                top, low = shape.y - shape.size / 2, shape.y + shape.size / 2
            case Disc():
                left, right, top, low = (
                    shape.x - shape.r,
                    shape.x + shape.r,
                    shape.y - shape.r,
                    shape.y + shape.r,
                )
            case Box():
                left, right, top, low = shape.x, shape.x + shape.wide, shape.y, shape.y + shape.high
            case Line():
                left, right = sorted((shape.x1, shape.x2))
                top, low = sorted((shape.y1, shape.y2))
        assert left >= 0, shape
        assert top >= 0, shape
        assert right <= picture.width, shape
        assert low <= picture.height, shape
    boxes = [shape for shape in picture.shapes if isinstance(shape, Box)]
    for a, b in itertools.combinations(boxes, 2):
        apart = a.x + a.wide < b.x or b.x + b.wide < a.x or a.y + a.high < b.y or b.y + b.high < a.y
        assert apart, (a, b)
    discs = [shape for shape in picture.shapes if isinstance(shape, Disc)]
    for a, b in itertools.combinations(discs, 2):
        assert np.hypot(a.x - b.x, a.y - b.y) >= a.r + b.r, (a, b)
