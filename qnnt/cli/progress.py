"""One line on stderr while a run goes on, if somebody is watching."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from qnnt.run import Progress


@contextmanager
def progress_line(total: int) -> Iterator[Callable[[Progress], None] | None]:
    """What to call with news of a run over ``total`` points; None if stderr is no terminal.

    rich's own thread keeps the seconds going between the news; stdout is left alone.
    """
    news = ["start"]

    def hear(progress: Progress) -> None:
        news[:] = [progress.phase, f"best {progress.incumbent:,} of {total:,} wrong"]
        if progress.bound:
            news.append(f"at least {progress.bound:,}")
        if progress.steps is not None:
            news.append("step {:,} of {:,}".format(*progress.steps))

    with live_line(lambda: news) as watched:
        yield hear if watched else None


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
        parts = [f"{phase:<6} {time.perf_counter() - start:6.1f} s", *rest]
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
