"""The few inner loops that numpy cannot carry, compiled by numba on first use and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile without the interpreter's lock; what is compiled is kept if any folder can be written."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            made = njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # numba: "no locator available"
            made = njit(nogil=True, **options)(function)
        result: Callable[..., Any] = made
        return result

    return decorate
