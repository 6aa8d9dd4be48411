"""HiGHS in this process: quiet from its first line on, and never beside OR-tools."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import highspy

_LOCK = threading.Lock()
_THREADS: list[int] = []  # how many the scheduler of this process was made for, if it was


def new_highs(options: Mapping[str, Any]) -> highspy.Highs:
    """A HiGHS solver that prints nothing, with these options.

    Raises RuntimeError if OR-tools is loaded in this process, or if HiGHS does not take an option.
    """
    if "ortools" in sys.modules:
        raise RuntimeError("HiGHS cannot be loaded beside OR-tools in one process: use isolate=True")
    import highspy

    with _LOCK, _silent_stdout():
        highs = highspy.Highs()
        # A process has one scheduler, made by its first run; with another number of threads a run fails.
        threads = options.get("threads", 0)
        if [threads] != _THREADS:
            highspy.Highs.resetGlobalScheduler(True)
            _THREADS[:] = [threads]
    for key, value in {"output_flag": False, **options}.items():
        expect_taken(highs.setOptionValue(key, value), f"{key}={value}")
    return highs


def expect_taken(status: highspy.HighsStatus, what: str) -> None:
    """Raise RuntimeError if HiGHS did not take an option or a model."""
    import highspy

    if status == highspy.HighsStatus.kError:
        raise RuntimeError(f"HiGHS did not take {what}")


@contextmanager
def _silent_stdout() -> Iterator[None]:
    """Point file descriptor 1 at nothing: the first solver of a process prints a banner as it is made."""
    libc = ctypes.CDLL(None)
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed: there is nothing to silence
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
        libc.fflush(None)  # what C has buffered goes where it was written to
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)
