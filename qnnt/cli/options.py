"""Arguments and options that commands share, and the reading of their values."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from qnnt.cli import completion
from qnnt.exceptions import InputError, UnknownWord
from qnnt.goals import Goal, parse_goal

if TYPE_CHECKING:
    from qnnt.instance import Instance
    from qnnt.tables.features import Missing as MissingWord
    from qnnt.tables.features import Unseen as UnseenWord
    from qnnt.workers.executors import NamedExecutor


STDIN, STDOUT = Path("/dev/stdin"), Path("-")


def incoming(path: Path | None) -> Path | None:
    """The file to read; ``-`` is standard input."""
    return STDIN if path == STDOUT else path


InstanceFile = Annotated[
    Path, typer.Argument(callback=incoming, help="Instance file, .json or .json.gz; - for standard input.")
]
NetworkFile = Annotated[
    Path, typer.Argument(callback=incoming, help="Network file, .json or .json.gz; - for standard input.")
]
OptionalNetworkFile = Annotated[
    Path | None,
    typer.Argument(callback=incoming, help="Network file, .json or .json.gz; - for standard input."),
]
TableFile = Annotated[
    Path,
    typer.Argument(metavar="ROWS.csv", callback=incoming, help="Table of data; - for standard input."),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        show_default=False,
        help="Whether the first row names the columns; default: yes, unless it looks like data.",
    ),
]
Unseen = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="A category that no row had that the encoding was made from: error (default), or ignore, which "
        "is none of them.",
    ),
]
Errors = Annotated[
    str | None,
    typer.Option(
        metavar="GOAL",
        autocompletion=completion.goals,
        help="at-most:N, exactly:N or min; replaces the instance's own goal.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="INSTANCE", help="File to write; default: standard output."),
]
ActivationName = Annotated[
    str,
    typer.Option(
        "--activation",
        metavar="NAME",
        autocompletion=completion.activations,
        help="relu, sign or step, for all, or HIDDEN,OUTPUT.",
    ),
]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="NAME",
        autocompletion=completion.encoders,
        help="Encoder; default: the fitting one.",
    ),
]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        autocompletion=completion.executors,
        help="Where the parts run: processes:N, dask:N or dask://HOST:PORT.",
    ),
]
NoSymmetry = Annotated[bool, typer.Option("--no-symmetry", help="Do not order interchangeable neurons.")]


@contextmanager
def value_of(option: str) -> Iterator[None]:
    """Turn a ``ValueError`` raised inside into bad input at this option."""
    try:
        yield
    except ValueError as error:
        raise InputError(option, str(error)) from None


@contextmanager
def executing(name: str | None) -> Iterator[NamedExecutor | None]:
    """The executor that ``--executor`` names, open; None if there is none."""
    if name is None:
        yield None
        return
    from qnnt.workers.named import open_executor

    def tell(news: str) -> None:
        print(news, file=sys.stderr)

    with open_executor(name, "--executor", tell) as executor:
        yield executor


def check_executor(name: str | None, *instead_of: tuple[str, int]) -> None:
    """Raise what can be known of ``--executor`` before the work is done, and of options that it replaces.

    These are given with their numbers, of which 1 says nothing.
    """
    if name is None:
        return
    from qnnt.workers.named import check_executor

    check_executor(name, "--executor")
    for option, number in instead_of:
        if number != 1:
            raise InputError(option, "is for runs without --executor, which says how many run at a time")


def goal_of(text: str | None) -> Goal | None:
    """The goal that ``--errors`` names."""
    return None if text is None else parse_goal(text, "--errors")


def sizes_of(option: str, text: str) -> list[int]:
    """Sizes such as ``4,2``; none for the empty text."""
    words = text.split(",") if text.strip() else []
    with value_of(option):
        if not all(word.isascii() and word.strip().isdecimal() for word in words):
            raise ValueError(f"must be sizes such as 4,2, not {text!r}")
        return [int(word) for word in words]


def unseen_of(word: str | None) -> UnseenWord:
    """What ``--unseen`` says."""
    return cast("UnseenWord", _word("--unseen", word or "error", ("error", "ignore")))


def missing_of(word: str | None) -> MissingWord:
    """What ``--missing`` says."""
    return cast("MissingWord", _word("--missing", word or "error", ("error", "impute", "level")))


def _word(option: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise UnknownWord("choice", word, known, option)
    return word


def load(path: Path, errors: str | None = None) -> Instance:
    """The instance in a file, under the goal that ``--errors`` names if it does."""
    goal = goal_of(errors)
    from qnnt.instance import Instance

    instance = Instance.load(path)
    return instance if goal is None else instance.with_goal(goal)


def require_place(output: Path | None, *, json: bool) -> None:
    """Raise what can be known of where a text goes: to a file, or to standard output if ``json`` does not."""
    if output is None or output == STDOUT:
        if json:
            raise InputError("--json", "is for standard output, and the result is, too: name a file by -o")
    else:
        writable(output)


def require_apart(written: Iterable[Path | None], read: Iterable[Path | None]) -> None:
    """Raise if a file is read and written, or written twice, or if standard input is to be read twice.

    What is no regular file may be named again, such as ``/dev/null``. None stands for an option left out.
    """
    sources = [path for path in read if path is not None]
    if sources.count(STDIN) > 1:
        raise InputError("-", "is named twice: standard input can be read only once")
    taken = {path.resolve() for path in sources}
    for path in written:
        if path is None or path == STDOUT or (path.exists() and not path.is_file()):
            continue
        if path.resolve() in taken:
            raise InputError(str(path), "is named twice: what is written needs a name of its own")
        taken.add(path.resolve())


def writable(path: Path, *, stdout: bool = False) -> Path:
    """The path, or bad input if no file could be written there: to be known before the work is done.

    ``-`` is standard output where ``stdout`` can be written to, and bad input elsewhere.
    """
    if path == STDOUT:
        if not stdout:
            raise InputError(str(path), "must be a file: this is not written to standard output")
        return path
    place = path.resolve() if path.is_file() or not path.exists() else path
    if place.is_dir():
        raise InputError(str(path), "cannot be written: it is a folder")
    if not place.parent.is_dir():
        raise InputError(str(path), f"cannot be written: there is no folder {place.parent}")
    if not os.access(place if place.exists() and not place.is_file() else place.parent, os.W_OK):
        raise InputError(str(path), "cannot be written: permission denied")
    return path
