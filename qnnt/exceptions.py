"""The exceptions that a caller may want to tell apart; all derive from :class:`QnntError`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class QnntError(Exception):
    """Base of every error that qnnt raises on purpose."""


class InputError(QnntError):
    """Bad input; ``place`` names where (``data[3].x[1]``), the message says what is wrong."""

    def __init__(self, place: str, message: str) -> None:
        self.place, self.message = place, message
        super().__init__(f"{place}: {message}" if place else message)

    def __reduce__(self) -> Any:
        return type(self), (self.place, self.message)


class UnknownWord(InputError):  # noqa: N818 - reads as what it is
    """A word that names nothing, wherever a name is asked for; the message lists what there is.

    ``kind`` says what should be named: a backend, a format, an activation.
    """

    def __init__(self, kind: str, word: str, known: Iterable[str], place: str = "") -> None:
        self.kind, self.word, self.known = kind, word, tuple(known)
        super().__init__(place, f"no {kind} {word!r}; there are: {', '.join(self.known)}")

    def __reduce__(self) -> Any:
        return type(self), (self.kind, self.word, self.known, self.place)


class Unsupported(QnntError):  # noqa: N818 - reads as the verdict it is
    """A backend or encoder declines a case before any work is done; the message names the alternative.

    So it does for a word in an argument, such as the name of a backend, that is none of those there are; a
    wrong number or shape, and whatever is wrong in a file, is an :class:`InputError`.
    """


class Unavailable(QnntError):  # noqa: N818
    """A backend exists but its library or program is missing; the message says what to install."""


class WrongAnswer(QnntError):  # noqa: N818
    """A backend's claim did not survive the replay: a bug in a solver or an encoder, never ignored."""
