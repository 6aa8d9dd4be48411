"""A picture as SVG: text that any browser shows, with no script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from qnnt.drawing.picture import PAPER, Box, Disc, Label, Line, Picture, Shape
from qnnt.printable import printable

_FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
_DASHES = "5 3"


def svg_text(picture: Picture) -> str:
    """The picture as an SVG document, without an XML declaration, so that it can stand in HTML, too."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    w, h = _number(picture.width), _number(picture.height)
    title = _text(picture.title)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        f'role="img" font-family="{_FONTS}" style="max-width: 100%; height: auto">'
    )
    yield f"<title>{title}</title>"
    yield f'<rect width="{w}" height="{h}" rx="8" fill="{PAPER}"/>'
    for shape in picture.shapes:
        yield _shape(shape)
    yield "</svg>"


def _shape(shape: Shape) -> str:
    attributes: dict[str, str | float]
    match shape:
        case Line():
            tag, body = "line", ""
            attributes = {
                "x1": shape.x1,
                "y1": shape.y1,
                "x2": shape.x2,
                "y2": shape.y2,
                "stroke": shape.colour,
                "stroke-width": shape.width,
            }
            if shape.dashed:
                attributes["stroke-dasharray"] = _DASHES
        case Disc():
            tag, body = "circle", ""
            attributes = {"cx": shape.x, "cy": shape.y, "r": shape.r, "fill": shape.fill, "stroke": shape.ink}
        case Box():
            tag, body = "rect", ""
            attributes = {
                "x": shape.x,
                "y": shape.y,
                "width": shape.wide,
                "height": shape.high,
                "rx": shape.corner,
                "fill": shape.fill,
                "stroke": shape.ink,
                "stroke-width": shape.width,
            }
            if shape.dashed:
                attributes["stroke-dasharray"] = _DASHES
        case Label():
            # 0.35 em below the middle is where the letters stand; not every viewer knows dominant-baseline.
            tag, body = "text", _text(shape.text)
            attributes = {
                "x": shape.x,
                "y": shape.y + 0.35 * shape.size,
                "font-size": shape.size,
                "text-anchor": shape.anchor,
                "fill": shape.colour,
            }
            if shape.bold:
                attributes["font-weight"] = "bold"
            if shape.halo:
                attributes |= {"stroke": PAPER, "stroke-width": 3, "paint-order": "stroke"}
    said = " ".join(f"{key}={quoteattr(_value(value))}" for key, value in attributes.items())
    tip = f"<title>{_text(shape.tip)}</title>" if shape.tip else ""
    return f"<{tag} {said}>{tip}{body}</{tag}>" if tip or body else f"<{tag} {said}/>"


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(printable(text))
