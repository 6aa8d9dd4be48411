"""What takes the place of the best network without weights where that would decide too much."""

from __future__ import annotations

import numpy as np

from qnnt.instance import Instance
from qnnt.network import Network


def bad_network(instance: Instance) -> Network:
    """Of a few networks the farthest from the goal."""
    rng, domain = np.random.default_rng(1), instance.domain
    vectors = rng.integers(domain.lo, domain.hi + 1, size=(20, instance.architecture.n_parameters))
    return max(
        map(instance.network, vectors),
        key=lambda network: instance.goal.distance(network.error(instance.dataset)),
    )
