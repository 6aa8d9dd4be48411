"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

from qnnt.drawing.picture import Picture
from qnnt.drawing.plot import plotted, require_matplotlib
from qnnt.drawing.svg import svg_text
from qnnt.exceptions import InputError
from qnnt.files.documents import write_pieces
from qnnt.files.writing import write_bytes

SUFFIXES = (".svg", ".png", ".pdf")


def form_of(path: Path, place: str = "") -> str:
    """The suffix of a picture's file.

    Raises :class:`InputError` for one that there is not, and :class:`Unavailable` for one that needs
    matplotlib if that is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            place, f"must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, not {path.name!r}"
        )
    if suffix != ".svg":
        require_matplotlib()
    return suffix


def write_picture(picture: Picture, path: str | Path) -> None:
    """Write a picture to a ``.svg``, ``.png`` or ``.pdf`` file, whole or not at all.

    Raises :class:`InputError` if it cannot be written, and as :func:`form_of`.
    """
    path = Path(path)
    suffix = form_of(path)
    if suffix == ".svg":
        write_pieces(path, [svg_text(picture)])
    else:
        write_bytes(path, plotted(picture, suffix.removeprefix(".")))
