"""An instance as the arrays that the compiled moves run over.

Pre-activations and values are 32-bit floats: they hold every integer below 2^24 exactly, and loops over them
are vectorised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.instance import Instance

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

LARGEST = 2**22  # a pre-activation may not be larger; twice as much and more is still exact


class Graph(NamedTuple):
    """The architecture and its activations. Neurons are numbered through the layers, inputs first.

    ``first`` (H + 1,) is where the arcs into each neuron that is no input begin; ``source`` and ``target``
    (A,) their ends; ``layer`` (N,) the layer of each neuron. The arcs out of neuron v are
    ``out_arcs[out_first[v]:out_first[v + 1]]``. ``thresholds`` (L, k) and ``values`` (L, k + 1) are those of
    each layer after the inputs, of which ``tops`` (L,) count; ``even`` (L,) says where thresholds follow
    one another and values are evenly spaced. Parameters lie within ``lo`` and ``hi``.
    """

    first: Integers
    source: Integers
    target: Integers
    layer: Integers
    out_first: Integers
    out_arcs: Integers
    thresholds: Floats
    values: Floats
    tops: Integers
    even: npt.NDArray[np.bool_]
    n_inputs: int
    n_outputs: int
    lo: int
    hi: int


class Points(NamedTuple):
    """The distinct inputs and what each may be taught.

    ``inputs`` (α, P). An input with one label has a ``weight`` (P,), how much it counts, and shows the label
    with pre-activations from ``low`` to ``high`` (ω, P). An input with several labels has weight 0 there; it
    is point ``several[g]``, and its labels are the rows ``row_first[g]:row_first[g + 1]`` of ``row_weight``,
    ``row_base`` (what matching that label costs: the best label's weight less its own), ``row_low`` and
    ``row_high`` (rows, ω). Weights are counts, scaled to a mean of 1. As numbers of data points there are
    ``point_count`` (P,), that of an input with one label; ``row_count`` (rows,), what matching a row costs;
    ``none_count`` (G,), what matching none costs.
    """

    inputs: Floats
    weight: Floats
    low: Floats
    high: Floats
    point_count: Integers
    several: Integers
    row_first: Integers
    row_weight: Floats
    row_base: Floats
    row_low: Floats
    row_high: Floats
    row_count: Integers
    none_count: Integers


def reach(instance: Instance) -> int:
    """The largest absolute value of any pre-activation."""
    hi, connections = instance.domain.hi, instance.architecture.connections
    shown = [hi, *(max(abs(a.lowest), abs(a.highest)) for a in instance.activations[:-1])]
    fans = (int(np.diff(connection.starts).max()) for connection in connections)
    return max(hi * (fan * value + 1) for fan, value in zip(fans, shown, strict=True))


def graph(instance: Instance) -> Graph:
    """The arrays of the architecture."""
    architecture = instance.architecture
    source, target = architecture.arc_index.T.astype(np.int64).copy()
    neurons = np.arange(architecture.n_neurons + 1)
    out_arcs = np.argsort(source, kind="stable").astype(np.int64)
    far, tops = reach(instance) + 1, [activation.top for activation in instance.activations]
    thresholds = np.zeros((len(tops), max(1, *tops)), dtype=np.float32)
    values = np.zeros((len(tops), max(1, *tops) + 1), dtype=np.float32)
    for i, activation in enumerate(instance.activations):
        thresholds[i, : tops[i]] = np.clip(np.array(activation.thresholds, dtype=np.int64), -far, far)
        values[i, : tops[i] + 1] = activation.values
    return Graph(
        first=np.searchsorted(target, neurons[architecture.alpha :]),
        source=source,
        target=target,
        layer=np.repeat(np.arange(len(architecture.layers)), list(map(len, architecture.layers))),
        out_first=np.searchsorted(source[out_arcs], neurons),
        out_arcs=out_arcs,
        thresholds=thresholds,
        values=values,
        tops=np.array(tops),
        even=np.array([_even(activation, far) for activation in instance.activations]),
        n_inputs=architecture.alpha,
        n_outputs=architecture.omega,
        lo=instance.domain.lo,
        hi=instance.domain.hi,
    )


def _even(activation: Activation, far: int) -> bool:
    """Whether the value is a clipped linear function, with no threshold out of reach."""
    if not activation.top or not isinstance(activation.values, range):
        return False
    near = -far < activation.thresholds[0] and activation.thresholds[-1] < far
    return near and bool((np.diff(activation.thresholds) == 1).all())


def points(instance: Instance) -> Points:
    """The arrays of the data."""
    choices, output = instance.choices, instance.activations[-1]
    n, far = len(choices.inputs), reach(instance) + 1
    ends = np.array([-4 * far, *np.clip(np.array(output.thresholds, dtype=np.int64), -far, far), 4 * far])
    low, high = ends[choices.levels], ends[choices.levels + 1] - 1
    starts = np.flatnonzero(np.r_[True, choices.of[1:] != choices.of[:-1]][: len(choices.of)])
    sizes = np.diff(np.r_[starts, len(choices.of)])
    scale = max(1.0, float(choices.counts[starts].sum(dtype=np.float64))) / max(1, len(starts))
    single, many = starts[sizes == 1], starts[sizes > 1]
    rows = np.flatnonzero(np.repeat(sizes > 1, sizes))
    best = np.repeat(choices.counts[many], sizes[sizes > 1])
    own = choices.of[single]
    count = np.zeros(n, np.int64)
    count[own] = choices.counts[single]
    first_low, first_high = np.zeros((n, low.shape[1])), np.zeros((n, low.shape[1]))
    first_low[own], first_high[own] = low[single], high[single]
    return Points(
        inputs=_floats(choices.inputs.T),
        weight=_floats(count / scale),
        low=_floats(first_low.T),
        high=_floats(first_high.T),
        point_count=count,
        several=choices.of[many].astype(np.int64),
        row_first=np.r_[0, np.cumsum(sizes[sizes > 1])].astype(np.int64),
        row_weight=_floats(choices.counts[rows] / scale),
        row_base=_floats((best - choices.counts[rows]) / scale),
        row_low=_floats(low[rows]),
        row_high=_floats(high[rows]),
        row_count=(best - choices.counts[rows]).astype(np.int64),
        none_count=choices.counts[many].astype(np.int64),
    )


def _floats(numbers: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(numbers, dtype=np.float32)
