"""The formats that a trained network can be written in, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qnnt.exceptions import InputError, require_word
from qnnt.export.c import c_function
from qnnt.export.latex import latex
from qnnt.export.python import python_module
from qnnt.files.documents import write_pieces
from qnnt.network import Network

TEXTS: dict[str, Callable[[Network], str]] = {"python": python_module, "c": c_function, "latex": latex}
FORMATS = (*TEXTS, "onnx")
_SUFFIXES = {".py": "python", ".c": "c", ".tex": "latex", ".onnx": "onnx"}


def format_of(to: str | None, path: Path | None) -> str:
    """The format named, or the one that the file's name ends in.

    Raises :class:`UnknownWord` for a name that there is not, and :class:`InputError` if neither says.
    """
    if to is None:
        to = _SUFFIXES.get("" if path is None else path.suffix.lower())
        if to is None:
            raise InputError("--to", f"is missing: say {', '.join(FORMATS)}")
    require_word("export format", to, FORMATS)
    return to


def export(network: Network, path: str | Path, to: str | None = None) -> None:
    """Write a network as ``python``, ``c``, ``latex`` or ``onnx``; by default as the name of the file ends.

    Raises :class:`InputError` if the file cannot be written, and as :func:`format_of`.
    """
    path = Path(path)
    chosen = format_of(to, path)
    if chosen in TEXTS:
        write_pieces(path, [TEXTS[chosen](network)])
        return
    from qnnt.export.onnx import write_onnx_network

    write_onnx_network(network, path)
