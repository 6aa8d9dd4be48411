"""The output of a run: written whenever a better network is found, so that no end of the run loses it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qnnt.exceptions import InputError
from qnnt.printable import printable

if TYPE_CHECKING:
    from qnnt.network import Network
    from qnnt.result import Result
    from qnnt.run import Progress

_SHARE = 9  # times as long as a network took to write, none is written: a tenth of a run at most


class Incumbents:
    """Writes the networks of a run to ``output``, if there is one; with ``keep`` each to its own file, too.

    Only networks that the run found are written while it goes on; a device or a pipe gets the last one only.
    What cannot be written then is told on stderr, once, and the run goes on.
    """

    def __init__(self, output: Path | None, *, keep: bool) -> None:
        self._output, self._keep = output, keep
        self._existed = output is not None and output.exists()
        self._replaceable = output is not None and (output.is_file() or not self._existed)
        if keep and not self._replaceable:
            raise InputError("--keep", "is for networks that are written: give -o NETWORK, a file")
        self._last: Network | None = None
        self._next, self._told = 0.0, False

    def beside(self, hear: Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
        """Who is to hear of the run's progress: this, and whoever else wants to."""
        if not self._replaceable:
            return hear

        def both(progress: Progress) -> None:
            self._hear(progress)
            if hear is not None:
                hear(progress)

        return both

    def _hear(self, progress: Progress) -> None:
        network, began = progress.network, time.monotonic()
        if network is None or network is self._last or (began < self._next and not self._keep):
            return
        try:
            self._write(network, progress.incumbent)
        except InputError as error:
            if not self._told:
                print(f"qnnt: {printable(error)}; the run goes on", file=sys.stderr)
            self._told = True
        ended = time.monotonic()
        self._last, self._next = network, ended + _SHARE * (ended - began)

    def _write(self, network: Network, errors: int) -> None:
        if self._output is not None:
            network.save(self._output)
            if self._keep:
                network.save(kept(self._output, errors))

    def finish(self, result: Result) -> None:
        """Write the network of the result; raises :class:`InputError` if it cannot be written.

        If there is none, no file is left that was not there before the run.
        """
        if result.network is not None and result.errors is not None:
            self._write(result.network, result.errors)
        elif self._last is not None and not self._existed and self._output is not None:
            self._output.unlink(missing_ok=True)

    @property
    def replaced(self) -> bool:
        """Whether a network of the run took the place of an older file."""
        return self._last is not None and self._existed


def kept(output: Path, errors: int) -> Path:
    """Where a network with so many errors is kept: ``a.json.gz`` becomes ``a-12-errors.json.gz``."""
    stem, dot, suffixes = output.name.partition(".")
    return output.with_name(f"{stem}-{errors}-errors{dot}{suffixes}")
