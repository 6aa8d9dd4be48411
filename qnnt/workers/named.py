"""Executors by name, as the option ``--executor`` has them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from qnnt.availability import Availability
from qnnt.exceptions import InputError, Unavailable
from qnnt.workers.executors import LocalExecutor, NamedExecutor

_LOG = logging.getLogger(__name__)

NAMES = "processes:N, dask:N or dask://HOST:PORT"


def open_executor(
    name: str, place: str = "executor", told: Callable[[str], None] = _LOG.info
) -> NamedExecutor:
    """The executor of a name, to be used in a ``with`` statement.

    - ``processes:N`` runs N tasks at a time, each in a worker process of this machine;
    - ``dask:N`` starts a Dask scheduler and N Dask workers on this machine, and ends them;
    - ``dask://HOST:PORT`` uses a Dask scheduler that runs already, and all of its workers; a scheme of Dask's
      may stand before the host (``dask://tls://HOST:PORT``).

    ``place`` names the argument in an error, ``told`` hears that Dask workers were lost. Raises
    :class:`InputError` for another name, :class:`Unavailable` if dask.distributed is missing, and if there is
    no scheduler or worker that can be used.
    """
    kind, argument = _parsed(name, place)
    if kind == "processes":
        return LocalExecutor(int(argument))
    from qnnt.workers import dask_executor

    if kind == "dask":
        return dask_executor.started(int(argument), told)
    return dask_executor.connected(argument, told)


def check_executor(name: str, place: str = "executor") -> None:
    """Raise what can be known of a name before anything is started: see :func:`open_executor`."""
    _parsed(name, place)


def _parsed(name: str, place: str) -> tuple[str, str]:
    """The kind of executor, ``processes``, ``dask`` or ``scheduler``, and the number or the address."""
    if address := re.fullmatch(r"dask://(\w+://)?(\[[\w:.%]+\]|[^\s/:]+):(\d{1,5})", name, re.ASCII):
        scheme, host, port = address.groups()
        kind, argument = "scheduler", f"{scheme or 'tcp://'}{host}:{port}"
    elif counted := re.fullmatch(r"(processes|dask):([1-9]\d{0,5})", name, re.ASCII):
        kind, argument = counted[1], counted[2]
    else:
        raise InputError(place, f"must be {NAMES}, with N from 1 on, not {name!r}")
    if kind != "processes":
        state = Availability.of_package("distributed", "distributed", "qnnt[dask]")
        if not state.available:
            raise Unavailable(f"{place} {name}: {state.reason}")
    return kind, argument
