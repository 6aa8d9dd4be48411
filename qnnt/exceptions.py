"""The exceptions that a caller may want to tell apart; all derive from :class:`QnntError`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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

    ``kind`` says what should be named: a backend, a format, an activation. ``hint`` may say what the word
    names elsewhere.
    """

    def __init__(self, kind: str, word: Any, known: Iterable[str], place: str = "", hint: str = "") -> None:
        self.kind, self.word, self.known, self.hint = kind, word, tuple(known), hint
        listed = f"there are: {', '.join(self.known)}" if self.known else "there is none"
        super().__init__(place, f"no {kind} {word!r}{hint and f': {hint}'}; {listed}")

    def __reduce__(self) -> Any:
        return type(self), (self.kind, self.word, self.known, self.place, self.hint)


def require_word(kind: str, word: Any, known: Collection[str]) -> None:
    """Raise :class:`UnknownWord` unless the word is a known one of its ``kind``."""
    if word not in known:
        raise UnknownWord(kind, word, known)


class Unsupported(QnntError):  # noqa: N818 - reads as the verdict it is
    """A backend or encoder declines a case before any work is done; the message names the alternative."""


class Unavailable(QnntError):  # noqa: N818
    """A backend exists but its library or program is missing; the message says what to install."""


class WrongAnswer(QnntError):  # noqa: N818
    """A backend's claim did not survive the replay: a bug in a solver or an encoder, never ignored."""
