"""A picture as PNG or PDF, drawn by matplotlib."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from typing import Any

from qnnt.drawing.picture import PAPER, Box, Disc, Label, Line, Picture, Shape
from qnnt.exceptions import Unavailable
from qnnt.printable import printable

_POINT = 0.72  # points in a pixel, with 100 pixels in an inch
_MOST = 16_000  # pixels a side
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def require_matplotlib() -> None:
    """Raise :class:`Unavailable` without matplotlib."""
    if find_spec("matplotlib") is None:
        raise Unavailable("the picture needs matplotlib: pip install 'qnnt[plot]'; .svg needs nothing")


def plotted(picture: Picture, form: str) -> bytes:
    """The picture as ``png``, two dots to a pixel, or ``pdf``. Raises :class:`Unavailable`."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(picture.width / 100, picture.height / 100), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.axis("off")
    for order, shape in enumerate(picture.shapes):
        _draw(axes, shape, order)
    file = io.BytesIO()
    dpi = min(200.0, _MOST / max(picture.width, picture.height) * 100)
    metadata = {"Title": printable(picture.title)}
    with warnings.catch_warnings():
        # A letter that the font lacks is shown as a box.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(file, format=form, dpi=dpi, metadata=metadata)
    return file.getvalue()


def _draw(axes: Any, shape: Shape, order: int) -> None:
    style: dict[str, Any]
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, FancyBboxPatch
    from matplotlib.patheffects import withStroke

    match shape:
        case Line():
            dashes = (0, (5 / shape.width, 3 / shape.width)) if shape.dashed else "solid"
            ends = ([shape.x1, shape.x2], [shape.y1, shape.y2])
            style = {"color": shape.colour, "linewidth": _POINT * shape.width, "zorder": order}
            axes.add_line(Line2D(*ends, linestyle=dashes, **style))
        case Disc():
            style = {"facecolor": shape.fill, "edgecolor": shape.ink, "linewidth": _POINT, "zorder": order}
            axes.add_patch(Circle((shape.x, shape.y), shape.r, **style))
        case Box():
            corner = f"round,pad=0,rounding_size={min(shape.corner, shape.wide / 2, shape.high / 2)}"
            if not shape.corner:
                corner = "square,pad=0"
            style = {
                "facecolor": shape.fill,
                "edgecolor": shape.ink,
                "linewidth": _POINT * shape.width,
                "linestyle": "dashed" if shape.dashed else "solid",
                "zorder": order,
            }
            place = (shape.x, shape.y)
            axes.add_patch(FancyBboxPatch(place, shape.wide, shape.high, boxstyle=corner, **style))
        case Label():
            axes.text(
                shape.x,
                shape.y,
                printable(shape.text),
                fontsize=_POINT * shape.size,
                ha=_ALIGN[shape.anchor],
                va="center_baseline",
                color=shape.colour,
                weight="bold" if shape.bold else "normal",
                zorder=order,
                parse_math=False,  # a name may hold dollar signs
                path_effects=[withStroke(linewidth=2.2, foreground=PAPER)] if shape.halo else None,
            )
