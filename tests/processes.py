"""What runs besides the tests, by /proc; and Ctrl-C, pressed by a thread."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Whoever calls what this yields has another thread press Ctrl-C."""
    asked = threading.Event()

    def press() -> None:
        asked.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    yield asked.set
    thread.join()


def children() -> set[int]:
    """Processes whose parent is this one."""
    lists = [Path(task, "children").read_text().split() for task in Path("/proc/self/task").iterdir()]
    return {int(pid) for pids in lists for pid in pids}


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_soon(pids: set[int]) -> bool:
    """A killed process is gone only when the kernel has got round to it."""
    for _ in range(200):
        if not any(map(alive, pids)):
            return True
        time.sleep(0.05)
    return False


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, Path(task, "children").read_text().split()):
            found |= {child} | descendants(child)
    return found


def dies(note: str, times: int) -> int:
    """Die as many times, then tell how often that was."""
    path = Path(note)
    before = len(path.read_text()) if path.exists() else 0
    if before < times:
        path.write_text("x" * (before + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return before


def waits(note: str) -> None:
    Path(note).write_text(str(os.getpid()))
    time.sleep(600)
