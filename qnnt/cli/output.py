"""How things are shown: plain text that looks the same on a terminal and in a pipe."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnnt.cli.options import STDOUT
from qnnt.cli.program import OK
from qnnt.printable import printable
from qnnt.wording import columns, count

if TYPE_CHECKING:
    from qnnt.instance import Instance


def print_json(document: Any) -> None:
    """One JSON value on one line."""
    print(json.dumps(finite(document), allow_nan=False))


def finite(document: Any) -> Any:
    """The document with None for numbers that JSON has not: infinite ones, and those that are none."""
    if isinstance(document, dict):
        return {key: finite(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def print_columns(rows: Iterable[Sequence[str]], indent: int = 2) -> None:
    """Rows of text as aligned columns."""
    for line in columns(rows, indent):
        print(line)


def vector(values: Sequence[int], most: int = 16) -> str:
    """Integers side by side, cut after ``most``."""
    shown = " ".join(map(str, values[:most]))
    return shown if len(values) <= most else f"{shown} … ({len(values)} values)"


def write_text(text: str, output: Path | None) -> None:
    """Write a text to a file, whole or not at all, or to standard output for None or ``-``."""
    if output is None or output == STDOUT:
        sys.stdout.write(text)
        return
    from qnnt.files.documents import write_pieces

    write_pieces(output, [text])


def write_file(save: Callable[[Path], None], output: Path | None, name: str = "file.json") -> None:
    """Save something to a file, or to standard output for None or ``-``."""
    if output is not None and output != STDOUT:
        save(output)
        return
    from qnnt.workers.folder import Folder

    with Folder() as folder:
        save(folder.path / name)
        sys.stdout.write((folder.path / name).read_text(encoding="utf-8"))


def deliver(*parts: tuple[Instance, Path | None], json: bool = False, **about: Any) -> int:
    """Write generated instances to files or standard output, and say on stderr what they are.

    With ``json`` that is one JSON object on standard output, with what is said ``about`` them, too. Returns
    the exit status.
    """
    from qnnt.files.instances import instance_pieces

    told = []
    for instance, output in parts:
        if output is None or output == STDOUT:
            sys.stdout.writelines(instance_pieces(instance))
        else:
            instance.save(output)
        told.append(_about(instance, output))
        if not json:
            print(_line(told[-1], instance), file=sys.stderr)
    if json:
        print_json({"instances": told, **about})
    return OK


def _about(instance: Instance, output: Path | None) -> dict[str, Any]:
    return {
        "file": None if output is None else str(output),
        "kind": instance.meta["kind"],
        "d": instance.domain.d,
        "layers": [len(layer) for layer in instance.architecture.layers],
        "points": instance.dataset.total,
        "unavoidable_errors": instance.choices.unavoidable,
        "goal": str(instance.goal),
    }


def _line(told: dict[str, Any], instance: Instance) -> str:
    to = "stdout" if told["file"] in (None, "-") else printable(told["file"])
    shape, points = instance.architecture.shape, count(told["points"], "point")
    unavoidable = count(told["unavoidable_errors"], "unavoidable error")
    what = f"{told['kind']}: d = {told['d']}, layers {shape}, {points}"
    return f"{to}: {what}, {unavoidable}, goal {told['goal']}"
