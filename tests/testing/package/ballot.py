"""An encoder for very small instances: every network is a candidate, and one is elected."""

from dataclasses import dataclass

import numpy as np

from qnnt import Unsupported
from qnnt.models import LinearModel, ParameterLift, Rows

MOST = 100


@dataclass(frozen=True)
class BallotEncoder:
    """A linear model with a 0/1 variable for each network, after the parameters of the elected one."""

    symmetry: bool = True
    name = "ballot"
    makes = LinearModel

    def apply(self, instance):
        if instance.n_networks > MOST:
            raise Unsupported(f"takes at most {MOST} networks, there are {instance.n_networks}; try milp")
        domain, p = instance.domain, instance.architecture.n_parameters
        vectors = np.indices((domain.d,) * p).reshape(p, -1).T + domain.lo
        errors = np.array([instance.network(v).error(instance.dataset) for v in vectors])
        eligible = np.array([instance.goal.accepts(e) for e in errors.tolist()], dtype=np.int64)
        # Each parameter is that of the elected network, and one is elected: equations, each as two rows.
        left = np.block(
            [[np.eye(p, dtype=int), -vectors.T], [np.zeros((1, p), int), np.ones((1, len(vectors)), int)]]
        )
        right = np.append(np.zeros(p, dtype=np.int64), 1)
        matrix, lower = np.concatenate([left, -left]), np.concatenate([right, -right])
        row, index = np.nonzero(matrix)
        starts = np.searchsorted(row, np.arange(len(matrix) + 1))
        model = LinearModel(
            lower=np.concatenate([np.full(p, domain.lo), np.zeros(len(vectors), dtype=np.int64)]),
            upper=np.concatenate([np.full(p, domain.hi), eligible]),
            names=tuple(f"v{i}" for i in range(p + len(vectors))),
            rows=Rows(starts, index, matrix[row, index], lower),
            objective=np.concatenate([np.zeros(p, dtype=np.int64), errors]),
            offset=0,
            minimize=instance.goal.minimizes,
        )
        return model, ParameterLift.of_first(instance)
