"""A backend for one neuron and decisions: it tries all parameters, and knows how long that takes."""

from dataclasses import dataclass

import numpy as np

from qnnt import Answer, Availability, Capability, Instance, Status


@dataclass(frozen=True)
class OneNeuron:
    """Expects a microsecond for networks of one neuron, and has no opinion on others."""

    name = "one-neuron"
    accepts = (Instance,)
    capabilities = (Capability.PROVE,)
    summary = "all parameters of one neuron"

    def availability(self):
        return Availability(True, version="1.0")

    def refuses(self, instance):
        return None if instance.architecture.n_biases == 1 else "takes one neuron; try sat"

    def estimate(self, instance):
        return 1e-6 if instance.architecture.n_biases == 1 else None

    def run(self, model, limits, report):
        domain, p = model.domain, model.architecture.n_parameters
        for vector in np.indices((domain.d,) * p).reshape(p, -1).T + domain.lo:
            errors = model.network(vector).error(model.dataset)
            if model.goal.accepts(errors):
                return Answer(Status.SATISFIABLE, vector, errors)
        return Answer(Status.UNSATISFIABLE)
