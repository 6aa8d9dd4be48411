"""What scripts that measure share: runs that end the script with Ctrl-C, lines that are kept, and the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from qnnt.cli.program import run
from qnnt.exceptions import InputError
from qnnt.limits import Limit
from qnnt.result import Result

if TYPE_CHECKING:
    import typer


def uncut(result: Result) -> Result:
    """The result of a run that Ctrl-C did not cut short; else KeyboardInterrupt: such a run is no figure."""
    if result.limit is Limit.INTERRUPT:
        raise KeyboardInterrupt
    return result


def kept_lines(path: Path) -> list[dict[str, Any]]:
    """The runs in a file of JSON lines; InputError for a line that is none, such as one that is cut off."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            lines.append(dict(json.loads(text)))
        except ValueError:
            raise InputError(str(path), f"line {number} is no run: take it out") from None
    return lines


def ended(main: Callable[[], int | None]) -> int:
    """The exit status of a script that reads its own arguments, with errors on one line: 130 after Ctrl-C."""
    app = cast("typer.Typer", lambda **_: main())
    return run(app, Path(sys.argv[0]).stem)
