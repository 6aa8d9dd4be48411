"""How large a short input may become: a file that unpacks, a header that announces, a size asked for."""

from __future__ import annotations

import math
import os

from qnnt.exceptions import InputError

VARIABLE = "QNNT_MOST_MIB"
"""The environment variable that raises or lowers the cap."""

USUAL = 512  # MiB
MIB = 1 << 20


def most_bytes() -> int:
    """The cap in bytes; :class:`InputError` if the environment variable is no positive number of MiB."""
    text = os.environ.get(VARIABLE, str(USUAL))
    if not (text.isascii() and text.isdecimal() and len(text) <= 12 and int(text)):
        raise InputError(VARIABLE, f"must be a positive number of MiB, not {text[:40]!r}")
    return int(text) * MIB


def require_room(size: int, place: str, what: str) -> None:
    """Raise :class:`InputError` at the place if ``what``, of ``size`` bytes, is more than the cap."""
    allowed = most_bytes()
    if size > allowed:
        much = f"{_shown(size)} MiB, more than {allowed // MIB:,}"
        raise InputError(place, f"{what} {much}; {VARIABLE} raises this cap")


def _shown(size: int) -> str:
    """MiB, rounded up."""
    mebibytes = -(-size // MIB)
    if mebibytes < 10**15:
        return f"{mebibytes:,}"
    return f"10^{int(math.log10(mebibytes))}"  # str raises at 4,300 digits
