"""What a notebook shows of an object: a table of facts, and a picture below it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from qnnt.drawing.picture import Picture
from qnnt.drawing.svg import svg_text
from qnnt.printable import printable


def page(head: str, facts: Iterable[tuple[str, str]], picture: Picture | None = None) -> str:
    """HTML without scripts, styles or colours of its own, so that it takes those of a light or dark page."""
    rows = "".join(
        f'<tr><th style="text-align: left">{_text(name)}</th>'
        f'<td style="text-align: left">{_text(said)}</td></tr>'
        for name, said in facts
    )
    drawn = "" if picture is None else svg_text(picture)
    return f"<p><strong>{_text(head)}</strong></p><table>{rows}</table>{drawn}"


def _text(text: str) -> str:
    return escape(printable(text))
