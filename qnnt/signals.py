"""Signal handlers, kept through calls into solvers that take them for themselves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Give SIGINT and SIGTERM back to the handlers that they have now.

    Exact and CP-SAT catch them while they solve. Afterwards CP-SAT leaves them to the system, so that the
    next Ctrl-C would kill the process, and Exact leaves its own handlers. Outside of the main thread Python
    can set none, and this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set by Python cannot be
                signal.signal(number, handler)
