"""The exceptions that a caller may want to tell apart; all derive from :class:`QnntError`."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable
from typing import Any, NoReturn


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
    names elsewhere; without one it is the known word that is written most like it, if there is one.
    """

    def __init__(self, kind: str, word: Any, known: Iterable[str], place: str = "", hint: str = "") -> None:
        self.kind, self.word, self.known = kind, word, tuple(known)
        self.hint = hint or did_you_mean(word, self.known)
        listed = f"there are: {', '.join(self.known)}" if self.known else "there is none"
        super().__init__(place, f"no {kind} {word!r}{self.hint and f': {self.hint}'}; {listed}")

    def __reduce__(self) -> Any:
        return type(self), (self.kind, self.word, self.known, self.place, self.hint)


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    """Words that name the known word written most like this one; empty if none is like it."""
    from difflib import get_close_matches

    close = get_close_matches(str(word), known, n=1)
    return f"did you mean {close[0]!r}" if close else ""


def require_word(kind: str, word: Any, known: Collection[str]) -> None:
    """Raise :class:`UnknownWord` unless the word is a known one of its ``kind``."""
    if word not in known:
        raise UnknownWord(kind, word, known)


def refuse_type(argument: str, expected: str, said: Any) -> NoReturn:
    """Raise ``TypeError`` for an argument that is none of what is expected."""
    raise TypeError(f"{argument} must be {expected}, not {reprlib.repr(said)} ({type(said).__name__})")


class Unsupported(QnntError):  # noqa: N818 - reads as the verdict it is
    """A backend or encoder declines a case before any work is done; the message names the alternative."""


class Unavailable(QnntError):  # noqa: N818
    """A backend exists but its library or program is missing; the message says what to install."""


class WrongAnswer(QnntError):  # noqa: N818
    """A backend's claim did not survive the replay: a bug in a solver or an encoder, never ignored."""


class LostTask(QnntError):  # noqa: N818
    """A task was lost with the process or the machine that it ran on, and cannot be left out."""
