"""All networks, in numpy blocks: slow, simple, and the yardstick for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report
from qnnt.instance import Instance
from qnnt.limits import Limits, Status

MOST_NETWORKS = 10**7
FEW_NETWORKS = 20_000  # up to here trying all networks beats starting a solver
_BLOCK = 1 << 18  # values held at once
_PER_PRODUCT = 1e-8  # seconds


@dataclass(frozen=True)
class EnumerationBackend:
    """Tries every network; declines instances with more than :data:`MOST_NETWORKS`.

    Counts may be as large as a data set takes (below 2^62 in all): they are added up as 64-bit integers.
    """

    name = "enumeration"
    accepts = (Instance,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS)
    summary = f"every network, in blocks; at most {MOST_NETWORKS:.0e} of them"

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, instance: Instance) -> str | None:
        """Too many networks."""
        if instance.n_networks <= MOST_NETWORKS:
            return None
        d, parameters = instance.domain.d, instance.architecture.n_parameters
        return (
            f"takes at most {MOST_NETWORKS:.0e} networks, this instance has {d}^{parameters}; "
            "try sat, maxsat or cpsat"
        )

    def estimate(self, instance: Instance) -> float | None:
        """The time to try all networks, if they are few; of many, a solver may be spared the most."""
        if instance.n_networks > FEW_NETWORKS:
            return None
        inputs = max(1, len(instance.choices.inputs))
        return instance.n_networks * instance.architecture.n_parameters * inputs * _PER_PRODUCT

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:  # noqa: ARG002 - the caller keeps the clock
        """Evaluate every network; stop at the first that meets a decision goal."""
        best: npt.NDArray[np.int64] | None = None
        lowest, minimize = model.dataset.total + 1, model.goal.minimizes
        floor, networks = model.choices.unavoidable, 0
        for vectors in parameter_blocks(model):
            errors = count_errors(model, vectors)
            networks += len(vectors)
            if not minimize:
                good = np.flatnonzero([model.goal.accepts(e) for e in errors.tolist()])
                if len(good):
                    return Answer(Status.SATISFIABLE, vectors[good[0]], sizes={"networks": networks})
                continue
            i = int(np.argmin(errors))
            if errors[i] < lowest:
                best, lowest = vectors[i], int(errors[i])
                report.incumbent(best, lowest)
                if lowest == floor:
                    break
        if not minimize:
            return Answer(Status.UNSATISFIABLE, sizes={"networks": networks})
        return Answer(Status.OPTIMAL, best, lowest, bound=lowest, sizes={"networks": networks})


def parameter_blocks(instance: Instance) -> Iterator[npt.NDArray[np.int64]]:
    """All parameter vectors, as blocks (m, A + H)."""
    d, parameters = instance.domain.d, instance.architecture.n_parameters
    widest = max(instance.architecture.n_neurons, parameters) * max(1, len(instance.choices.inputs))
    step = max(1, _BLOCK // widest)
    place = [d**i for i in range(parameters)]
    for start in range(0, instance.n_networks, step):
        number = np.arange(start, min(start + step, instance.n_networks))
        yield np.stack([number // p % d for p in place], axis=1) + instance.domain.lo


def count_errors(instance: Instance, vectors: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(m,) how many data points each of m networks (m, A + H) gets wrong."""
    choices, architecture = instance.choices, instance.architecture
    all_weights, all_biases = np.split(vectors, [architecture.n_arcs], axis=1)
    values = np.broadcast_to(choices.inputs.astype(np.int64), (len(vectors), *choices.inputs.shape))
    for connection, activation in zip(architecture.connections, instance.activations, strict=True):
        weights, biases = all_weights[:, connection.all_arcs], all_biases[:, connection.biases]
        products = values[:, :, connection.source] * weights[:, None, :]
        sums = np.add.reduceat(products, connection.starts[:-1], axis=2)
        values = activation(sums - biases[:, None, :])
    right = (values[:, choices.of] == choices.labels).all(axis=2)
    return choices.total - np.asarray(right @ choices.counts, dtype=np.int64)
