"""The best network that ignores its inputs: what any answer has to match, at no cost."""

from __future__ import annotations

from itertools import product

import numpy as np

from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.rowcodes import distinct_rows


def best_constant(instance: Instance) -> Network:
    """Of the networks whose weights are all 0, one that comes nearest to the goal.

    Each of its outputs shows one value on every input. With weights of 0 an output's pre-activation is minus
    its bias, between −max Z_d and −min Z_d, so that some values may be out of reach.
    """
    data, domain, output = instance.dataset, instance.domain, instance.activation.output
    labels, of_row = distinct_rows(data.labels)
    counts = np.zeros(len(labels), dtype=np.int64)
    np.add.at(counts, of_row, data.counts)
    of_labels = output.levels_of(labels)
    lowest, highest = output.levels(np.array([-domain.hi, -domain.lo])).tolist()
    shown = ((of_labels >= lowest) & (of_labels <= highest)).all(axis=1)
    levels, right = of_labels[shown].tolist(), counts[shown].tolist()
    if instance.goal.exact:  # to be wrong everywhere may be what is asked for
        known, few = set(map(tuple, levels)), range(lowest, min(highest, lowest + len(levels)) + 1)
        every = product(few, repeat=instance.architecture.omega)
        other = next((list(each) for each in every if each not in known), None)
        if other is not None:
            levels, right = [*levels, other], [*right, 0]
    vector = np.zeros(instance.architecture.n_parameters, dtype=np.int64)
    if right:
        best = min(range(len(right)), key=lambda i: instance.goal.distance(data.total - right[i]))
        z = [-domain.hi if level == lowest else output.thresholds[level - 1] for level in levels[best]]
        vector[-len(z) :] = [-each for each in z]
    return instance.network(vector)
