"""One line on stderr while a run goes on, if somebody is watching."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from qnnt.run import Progress


@contextmanager
def progress_line(total: int, *, minimizes: bool) -> Iterator[Callable[[Progress], None] | None]:
    """What to call with news of a run over ``total`` points; None if stderr is no terminal.

    rich's own thread keeps the seconds going between the news; stdout is left alone.
    """
    news = ["start"]

    def hear(progress: Progress) -> None:
        news[:] = [progress.phase, *known(progress, total, minimizes=minimizes)]
        if progress.steps is not None:
            news.append("step {:,} of {:,}".format(*progress.steps))

    with live_line(lambda: news) as watched:
        yield hear if watched else None


def known(progress: Progress, total: int, *, minimizes: bool) -> list[str]:
    """The incumbent of a run over ``total`` points, its bound and, of a minimum, the gap, in words."""
    found = [f"best {progress.incumbent:,} of {total:,} wrong"]
    if progress.bound:
        found.append(f"at least {progress.bound:,}")
    if minimizes:
        found.append(f"gap {progress.incumbent - progress.bound:,}")
    return found


@contextmanager
def live_line(news: Callable[[], Sequence[str]]) -> Iterator[bool]:
    """Keep a line of the seconds and the news, the phase first, on stderr; False if it is no terminal."""
    if not sys.stderr.isatty():
        yield False
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    start, style = time.perf_counter(), "" if os.environ.get("NO_COLOR") else "dim"

    def line() -> Text:
        phase, *rest = news()
        parts = [f"{phase:<7} {time.perf_counter() - start:6.1f} s", *rest]
        return Text("  ".join(parts), no_wrap=True, overflow="ellipsis", style=style)

    with Live(
        get_renderable=line,
        console=Console(stderr=True),
        refresh_per_second=8,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=True,  # lines of the log stand above this one
    ):
        yield True


@contextmanager
def progress_bar(total: int, running: Callable[[], Sequence[str]]) -> Iterator[Callable[[str], None]]:
    """What to call when one of ``total`` things has ended, with a line on it that may be empty.

    On a terminal a bar tells what is left and what is ``running``; elsewhere the lines are printed. All of it
    is on stderr.
    """
    if not sys.stderr.isatty():
        yield lambda line: print(line, file=sys.stderr, flush=True) if line else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    console = Console(stderr=True)
    news = TextColumn("{task.fields[news]}", markup=False, table_column=Column(no_wrap=True, ratio=1))
    shown = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), news)
    with Progress(*shown, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=total, news="")

        def tell() -> None:
            bar.update(task, news=", ".join(running()))

        def advance(line: str) -> None:
            if line:
                console.print(Text(line), soft_wrap=True)
            bar.advance(task)
            tell()

        with _now_and_then(tell):
            yield advance


@contextmanager
def _now_and_then(tell: Callable[[], None]) -> Iterator[None]:
    """Call twice a second, in a thread of its own."""
    over = threading.Event()

    def keep_telling() -> None:
        while not over.wait(0.5):
            tell()

    thread = threading.Thread(target=keep_telling, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
