"""How long the solvers that come with the package are expected to take: what ``auto`` compares.

Nobody knows beforehand how hard an instance is. These are rules of thumb for instances of moderate
difficulty; a hard one of the same size takes any time.
"""

from __future__ import annotations

from qnnt.instance import Instance

MOST_ORDERED = 64  # beyond this d an order encoding is larger than integers with bounds

_LOAD = 0.2  # seconds to load a solver and to encode a small instance
_SIZE = 10_000  # parameters times distinct inputs times d that take about a second
_TOO_ORDERED = 30  # times as long, where d is too large for an order encoding


def clause_solver(instance: Instance) -> float:
    """Seconds that a solver of clauses is expected to take for its own kind of goal."""
    seconds = moderate(instance)
    return seconds if instance.domain.d <= MOST_ORDERED else _TOO_ORDERED * seconds


def moderate(instance: Instance) -> float:
    """Seconds for an instance of this size, whatever d is; the models grow with size, the search faster."""
    size = instance.architecture.n_parameters * len(instance.choices.inputs) * instance.domain.d
    return _LOAD + (size / _SIZE) ** 2
