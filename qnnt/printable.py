"""Names and paths as they are shown: whoever made a file chose them, and a terminal obeys some characters."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text with whatever could upset a terminal or a picture escaped: ESC, line ends, bidi marks."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
