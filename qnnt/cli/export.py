"""``qnnt export``: a trained network as code, formulas or a model of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli import completion
from qnnt.cli.options import STDOUT, Json, NetworkFile, require_apart, require_place, writable
from qnnt.cli.output import print_json, write_text
from qnnt.cli.program import OK


def export(
    network: NetworkFile,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            autocompletion=completion.exports,
            help="python, c, latex or onnx; default: as the name of the file ends.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File to write; default: standard output."),
    ] = None,
    json: Json = False,
) -> int:
    """Write a network as a NumPy function, a C99 function, LaTeX or an ONNX model of integers."""
    from qnnt.export.formats import TEXTS, format_of
    from qnnt.export.formats import export as write

    path = None if output == STDOUT else output
    chosen = format_of(to, path)
    require_place(path, json=json)
    require_apart([path], [network])
    if path is None:
        writable(STDOUT, stdout=chosen in TEXTS)
    from qnnt.network import Network

    trained = Network.load(network)
    if path is None:
        write_text(TEXTS[chosen](trained), None)
    else:
        write(trained, path, chosen)
        if json:
            print_json({"source": str(network), "file": str(path), "format": chosen})
    return OK
