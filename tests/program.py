"""The program, run in this process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from qnnt.cli import main


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def qnnt(capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the program in this process."""

    def run(*arguments: object) -> Finished:
        status = main([str(a) for a in arguments])
        return Finished(status, *capfd.readouterr())

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield run
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
