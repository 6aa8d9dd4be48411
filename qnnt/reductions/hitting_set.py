"""Theorem 3: 2-QNNT without hidden neurons is W[2]-hard in the number α of inputs. From Hitting Set.

**As printed.** Inputs ``p1`` … ``p<k>``, an output ``F<j>`` for each set, all arcs. For each element u and
each i a point with p<i> = 1 alone ↦ the sets that contain u; one verifier, all inputs 1 ↦ all outputs 1;
ℓ = k(|U| - 1). At most one point of each of the k + 1 inputs should be right, so that exactly one has to be.

**What is wrong with it.** (1) Biases: with bias 1 and weights 1 an output is 0 on every single input and 1 on
the verifier once k ≥ 2, which a proof with biases 0 overlooks. (2) Twins: elements of the same sets give
equal points, so more than one of an input can be right. See ``docs/errata.md``.

**Repaired.** Of elements in the same sets one is kept, |U| counts those; one more input ``p*`` with ℓ + 1
copies of the point (p* = 1, all else 0) ↦ all ones, every other point having p* = 0. Then α = k + 1.

**⇒** Let u1, …, uk be the elements of a hitting set, one repeated if there are fewer. Weight p<i> → F<j> is
1 iff ui is in set j; weights of p* are 1; biases are 0. Right are the copies, the point of (ui, i) for each
i, and the verifier, as every set is hit; wrong are the other k(|U| - 1).

**⇐** The copies are more than ℓ, so they are right and every bias is 0. Labels of one input differ now, so at
most k + 1 other points are right, and by ℓ exactly these many. The weights of p<i> are then the sets of one
element ui, and by the verifier every set contains one of them.

A source asks for *at most* k elements, so k > |U| is as good as k = |U|. The degenerate ones: without an
element one that is in no set is added, without a set an output that is 0 but on the copies; neither changes
the answer. A set without elements makes the verifier wrong, as it must.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.goals import AtMost
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.sources.ragged import Integers
from qnnt.reductions.sources.sets import Chosen, HittingSet
from qnnt.rowcodes import distinct_rows
from qnnt.sizes import require_room


class _Points(NamedTuple):
    """``elements`` (e,) have points, with ``labels`` (e, ω); -1 is the element added to an empty universe."""

    elements: Integers
    labels: npt.NDArray[np.int8]


def apply(source: HittingSet, *, as_printed: bool = False) -> tuple[Instance, Lift[Network, Chosen]]:
    """The instance and its lift, repaired or ``as_printed``.

    As printed there is no equivalence: the lift of a network may be no hitting set. It also raises
    :class:`InputError` for k = 0, which leaves it without inputs. Without elements its ℓ is
    negative, and without sets it has no output: what is added then is added as printed, too. Both raise
    :class:`InputError` for a k for which the data points would be beyond the cap of :mod:`qnnt.sizes`.
    """
    k = source.size
    cells = (k * source.n_elements + 2) * (k + 1 + len(source.sets))
    require_room(8 * cells, "size", f"the data points for {k:,} elements need")
    points = _points(source, as_printed)
    architecture = _architecture(k, points.labels.shape[1], as_printed)
    n, errors = len(points.elements), k * (len(points.elements) - 1)
    of_element = np.repeat(np.eye(k, architecture.alpha, dtype=np.int8), n, axis=0)
    verifier = (np.arange(architecture.alpha) < k).astype(np.int8)
    inputs = [of_element, verifier[None]]
    required = np.ones((1, points.labels.shape[1]), dtype=np.int8)
    labels = [np.tile(points.labels, (k, 1)), required if len(source.sets) else 0 * required]
    counts = np.ones(k * n + 1, dtype=np.int64)
    if not as_printed:
        inputs.append(1 - verifier[None])
        labels.append(required)
        counts = np.append(counts, errors + 1)
    dataset = Dataset(np.vstack(inputs), np.vstack(labels), counts)

    def lift(network: Network) -> Chosen:
        rows = network.weights.reshape(architecture.omega, architecture.alpha).T[:k]
        element = {label.tobytes(): int(u) for u, label in zip(*points, strict=True)}
        found = (element.get(row.tobytes(), -1) for row in rows.astype(np.int8))
        return np.array(sorted({u for u in found if u >= 0}), dtype=np.int64)

    return Instance(Domain(2), architecture, dataset, AtMost(errors)), lift


def plant(source: HittingSet, solution: Chosen, *, as_printed: bool = False) -> Network:
    """The network of a hitting set; raises :class:`InputError` if it is none."""
    if not source.accepts(solution):
        raise InputError("solution", "is no hitting set of this size")
    points, k = _points(source, as_printed), source.size
    architecture = _architecture(k, points.labels.shape[1], as_printed)
    weights = np.ones((architecture.alpha, architecture.omega), dtype=np.int64)
    weights[:k] = points.labels[0]  # if nothing is to be hit, any element's point
    if len(solution):
        padded = np.append(solution, np.full(k - len(solution), solution[0])).astype(np.int64)
        weights[:k] = source.incidence.T[padded] if len(source.sets) else 0
    biases = np.zeros(architecture.omega, dtype=np.int64)
    return Network(architecture, Domain(2), weights.T.ravel(), biases)


def _points(source: HittingSet, as_printed: bool) -> _Points:
    labels = source.incidence.T.astype(np.int8)
    elements = np.arange(source.n_elements)
    if not len(elements):
        elements, labels = np.array([-1]), np.zeros((1, len(source.sets)), dtype=np.int8)
    if not len(source.sets):
        labels = np.zeros((len(elements), 1), dtype=np.int8)
    if not as_printed:
        _, of_element = distinct_rows(labels)
        kept = np.sort(np.unique(of_element, return_index=True)[1])
        elements, labels = elements[kept], labels[kept]
    return _Points(elements, np.ascontiguousarray(labels))


def _architecture(k: int, outputs: int, as_printed: bool) -> Architecture:
    if as_printed and not k:
        raise InputError("size", "the printed construction has no input for k = 0")
    inputs = [f"p{i}" for i in range(1, k + 1)]
    layers = [inputs if as_printed else [*inputs, "p*"], [f"F{j}" for j in range(1, outputs + 1)]]
    return Architecture.full(layers)


HITTING_SET = Reduction(apply, plant)
HITTING_SET_AS_PRINTED = Reduction(partial(apply, as_printed=True), partial(plant, as_printed=True))
