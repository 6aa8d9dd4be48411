"""A backend for one neuron and decisions: it tries random parameters, and knows how long that takes."""

from dataclasses import dataclass

import numpy as np

from qnnt import Answer, Availability, Capability, Instance, Status


@dataclass(frozen=True)
class OneNeuron:
    """Expects a microsecond for networks of one neuron, and has no opinion on others."""

    name = "one-neuron"
    accepts = (Instance,)
    capabilities = (Capability.INCUMBENTS, Capability.SEED)
    summary = "random parameters of one neuron"

    def availability(self):
        return Availability(True, version="1.0")

    def refuses(self, instance):
        return None if instance.architecture.n_biases == 1 else "takes one neuron; try sat"

    def estimate(self, instance):
        return 1e-6 if instance.architecture.n_biases == 1 else None

    def run(self, model, limits, report):
        rng, domain = np.random.default_rng(limits.seed), model.domain
        for _ in range(1000):
            vector = rng.integers(domain.lo, domain.hi + 1, size=model.architecture.n_parameters)
            errors = model.network(vector).error(model.dataset)
            if model.goal.accepts(errors):
                return Answer(Status.SATISFIABLE, vector, errors)
        return Answer(Status.UNKNOWN, reason="1000 random networks missed the goal")
