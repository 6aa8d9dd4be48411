"""``qnnt draw``: a picture of a network, an instance, a tree decomposition or tables over one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qnnt.cli.options import STDOUT, Json, incoming, require_apart, require_place
from qnnt.cli.output import print_json, write_text
from qnnt.cli.program import OK
from qnnt.exceptions import InputError

if TYPE_CHECKING:
    from qnnt.architecture import Architecture
    from qnnt.drawing.picture import Picture

Drawn = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        callback=incoming,
        help="Network or instance, .json or .json.gz, or tree decomposition, .td; - for standard input.",
    ),
]


def draw(
    file: Drawn,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PICTURE",
            help="File to write: .svg, .png or .pdf; default: SVG on standard output.",
        ),
    ] = None,
    decomposition: Annotated[
        bool,
        typer.Option(
            "--decomposition",
            help="Of a network or an instance: a tree decomposition of its architecture.",
        ),
    ] = False,
    tables: Annotated[
        bool,
        typer.Option(
            "--tables",
            help="Of an instance: the tables of the backend treewidth, what each holds and its size.",
        ),
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What to write above the picture.")] = "",
    json: Json = False,
) -> int:
    """Draw a network, the architecture of an instance, a tree decomposition, or the tables over one."""
    from qnnt.drawing.files import form_of, write_picture
    from qnnt.drawing.svg import svg_text

    path = None if output == STDOUT else output
    require_place(path, json=json)
    require_apart([path], [file])
    form = ".svg" if path is None else form_of(path, "--output")
    if decomposition and tables:
        raise InputError("--tables", "is one picture, --decomposition another: leave out one of them")
    picture = _picture(file, "decomposition" if decomposition else "tables" if tables else "", title)
    if path is None:
        write_text(svg_text(picture), None)
    else:
        write_picture(picture, path)
        if json:
            print_json({"source": str(file), "file": str(path), "format": form[1:]})
    return OK


def _picture(file: Path, wanted: str, title: str) -> Picture:
    """The picture of what a file holds, which its text tells: standard input has no name."""
    from qnnt.files.documents import located, read_text

    with located(file):
        text = read_text(file)
        kind = re.search(r'"format"\s*:\s*"qnnt-(instance|network)"', text)
        if kind is None:
            if re.search(r"^s td ", text, re.MULTILINE) is None:
                what = "is no network, no instance and no tree decomposition (.td)"
                raise InputError("", what)
            if wanted:
                raise InputError("", f"is a tree decomposition already: leave out --{wanted}")
            return _tree(text, title)
        if kind[1] == "network":
            from qnnt.files.networks import network_of

            if wanted == "tables":
                raise InputError("", "is a network: --tables is for an instance")
            network = network_of(text)
            return _decomposed(network.architecture, title) if wanted else network.picture(title)
        from qnnt.files.instances import instance_of

        instance = instance_of(text)
        if wanted == "tables":
            from qnnt.backends.treewidth.survey import survey

            return survey(instance, title)
        return _decomposed(instance.architecture, title) if wanted else instance.picture(title)


def _tree(text: str, title: str) -> Picture:
    from qnnt.decompositions.graph import Graph
    from qnnt.files.pace import parse_td

    tree, vertices = parse_td(text)
    tree.check(Graph(vertices, []))  # whether it is one tree, and whose
    return tree.picture(title=title)


def _decomposed(architecture: Architecture, title: str) -> Picture:
    from qnnt.decompositions.graph import Graph
    from qnnt.decompositions.search import decompose

    return decompose(Graph.of(architecture)).picture(list(architecture.names), title)
