"""Lemma 1, constructive: few arcs of non-zero weight into each neuron, the same activations on the data.

Take one neuron with bias b, and p distinct inputs. Arc i sends a vector y_i (p,): its weight times what its
source holds on each input. Let s = Σ y_i. On each input, s decides which level the neuron reaches (see
:mod:`qnnt.activation`), and the sums that reach one level are an interval. Let t (p,) be, for each input, the
number of the interval of s that is nearest to 0. The difference s − t is a sum of positive and negative unit
vectors; call their negatives the dummies. So the y_i, the dummies and −t sum to 0.

Put these vectors into Steinitz' order (Lemma 2), and let m be their largest absolute entry. All prefix sums
lie in a box of (2·p·m + 1)^p points. If there are more vectors than points, two prefix sums are equal, and
the vectors between them sum to 0. They can be left out if −t is not among them. At the end the y_i that are
left sum to t plus some of the unit vectors. So each entry of this sum lies between t and s, and reaches the
same level.

The paper does so for ReLU_d, with s clipped to b … b + max Z_d as t. It looks for three equal prefix sums, as
−t may lie between two of them. Here the order is rotated: it starts just after −t, so that −t comes last.
This only shifts all prefix sums by one vector, and two equal ones are enough. At most (2·p·m + 1)^p − 1 arcs
stay, for ReLU_d less than half of the paper's 2·(2·d²·p + 1)^p + 1. With other activations, thresholds far
from 0 can make m larger, and with it the number of arcs that a neuron needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.dataset import Dataset
from qnnt.exceptions import InputError, WrongAnswer, require_word
from qnnt.limits import Limits
from qnnt.network import Network
from qnnt.rowcodes import distinct_rows
from qnnt.sparsity.steinitz import Vector, steinitz_order

Integers = npt.NDArray[np.int64]
Method = Literal["steinitz", "minimum"]


def in_degree_bound(d: int, p: int) -> int:
    """Lemma 1's bound on the arcs of non-zero weight into a neuron with ReLU_d: 2·(2·d²·p + 1)^p + 1."""
    return int(2 * (2 * d * d * p + 1) ** p + 1)


def non_zero_in_degrees(network: Network) -> Integers:
    """(H,) the number of arcs of non-zero weight into each neuron that is no input."""
    counts = [
        np.bincount(c.target[network.weights[c.first : c.first + len(c.target)] != 0], minlength=c.n_target)
        for c in network.architecture.connections
    ]
    return np.concatenate(counts).astype(np.int64)


def sparsify(
    network: Network, dataset: Dataset, method: Method = "steinitz", *, seconds: float | None = None
) -> Network:
    """A network with fewer arcs of non-zero weight whose neurons all act the same on the data's inputs.

    ``steinitz`` is Lemma 1. First the arcs are tried one by one, and an arc goes if the activations stay the
    same without it. Where more arcs are left than the bound allows, those between equal prefix sums in
    Steinitz' order go too. A neuron with ReLU_d keeps at most :func:`in_degree_bound` arcs, where p is the
    number of distinct inputs; with other activations it may need more. Biases do not change, nor do the
    weights of arcs that stay.

    ``minimum`` finds for each neuron the fewest arcs that give the same activations with any weights and
    bias, by CP-SAT. ``seconds`` limits it for each neuron.

    Raises :class:`InputError` if the data do not fit, :class:`UnknownWord` for an unknown method,
    ``ValueError`` for seconds that are no time limit (:class:`qnnt.Limits`), and for ``minimum``
    :class:`qnnt.Unsupported` when a minimum is not proved in time.
    """
    require_word("method", method, get_args(Method))
    Limits.of(seconds)
    architecture, domain = network.architecture, network.domain
    if dataset.alpha != architecture.alpha and len(dataset):
        raise InputError("data[0].x", f"has {dataset.alpha} values, the network {architecture.alpha} inputs")
    inputs = distinct_rows(dataset.inputs)[0].reshape(-1, architecture.alpha)
    values = network.activations(inputs)
    weights, biases, at = network.weights.copy(), network.biases.copy(), 0
    activations = network.activation.each(architecture.depth)
    for connection, activation, before, after in zip(
        architecture.connections, activations, values, values[1:], strict=False
    ):
        for j in range(connection.n_target):
            arcs = connection.arcs(j)
            sources = before[:, connection.sources(j)]
            kept = _lemma_1(sources * weights[arcs], int(biases[at]), activation)
            weights[arcs][~kept] = 0
            if method == "minimum":
                from qnnt.sparsity.minimum import fewest_arcs

                name = architecture.layers[architecture.position(architecture.alpha + at)[0]][j]
                weights[arcs], biases[at] = fewest_arcs(
                    sources,
                    activation.levels_of(after[:, j]),
                    weights[arcs],
                    int(biases[at]),
                    domain,
                    activation,
                    name,
                    seconds,
                )
            at += 1
    sparse = replace(network, weights=weights, biases=biases)
    if any((a != b).any() for a, b in zip(values, sparse.activations(inputs), strict=True)):
        raise WrongAnswer("the sparser network does not behave as the given one")
    return sparse


def _lemma_1(sent: Integers, bias: int, activation: Activation) -> npt.NDArray[np.bool_]:
    """Which of q arcs to keep, (q,); column i of ``sent`` (p, q) is what arc i sends on each input."""
    p = len(sent)
    total = sent.sum(axis=1)
    levels = activation.levels(total - bias)
    kept: npt.NDArray[np.bool_] = np.asarray(sent.any(axis=0))
    for i in np.flatnonzero(kept):  # arcs that nothing depends on
        without = total - sent[:, i]
        if (activation.levels(without - bias) == levels).all():
            kept[i], total = False, without
    target = _nearest_to_zero(levels, bias, activation)
    largest = max(int(np.abs(sent).max(initial=0)), int(np.abs(target).max(initial=0)), 1)
    if int(kept.sum()) < (2 * p * largest + 1) ** min(p, 40):  # more than 40 factors exceed any in-degree
        return kept
    left = _without_loops(sent[:, kept], total - target, target)
    at = np.flatnonzero(kept)
    kept[:] = False
    kept[at[left]] = True
    return kept


def _nearest_to_zero(levels: Integers, bias: int, activation: Activation) -> Integers:
    """(p,) the number nearest to 0 among the sums that reach each level."""
    nearest = []
    for level in levels.tolist():
        number = 0
        if level > 0:
            number = max(number, bias + activation.thresholds[level - 1])
        if level < activation.top:
            number = min(number, bias + activation.thresholds[level] - 1)
        nearest.append(number)
    return np.array(nearest, dtype=np.int64)


def _without_loops(sent: Integers, excess: Integers, target: Integers) -> list[int]:
    """The arcs that stay, by their columns in ``sent`` (p, q), when no prefix sum occurs twice.

    ``excess`` (p,) is s − t and ``target`` (p,) is t. The vectors are walked through in Steinitz' order, from
    the one after −t to the one before it. When a prefix sum comes back, the vectors since then are left out.
    """
    p = len(sent)
    # The arcs that send each vector; a dummy counts as arc −1, −t as arc −2.
    groups: dict[Vector, list[int]] = {}
    for i, column in enumerate(sent.T.tolist()):
        groups.setdefault(tuple(column), []).append(i)
    for j, extra in enumerate(excess.tolist()):
        dummy = tuple((-1 if extra > 0 else 1) * (i == j) for i in range(p))
        groups.setdefault(dummy, []).extend([-1] * abs(extra))
    last = tuple((-target).tolist())
    groups.setdefault(last, []).append(-2)
    vectors = list(groups)
    order = steinitz_order(vectors, [len(group) for group in groups.values()])
    steps = [(vectors[i], groups[vectors[i]].pop()) for i in order]
    end = next(i for i, (_, arc) in enumerate(steps) if arc == -2)
    path: list[int] = []
    total = (0,) * p
    seen = {total: 0}
    sums = [total]
    for vector, arc in steps[end + 1 :] + steps[:end]:
        total = tuple(a + b for a, b in zip(total, vector, strict=True))
        if total in seen:  # what came since then sums to 0
            for gone in sums[seen[total] + 1 :]:
                del seen[gone]
            del path[seen[total] :], sums[seen[total] + 1 :]
            continue
        path.append(arc)
        seen[total] = len(path)
        sums.append(total)
    return [arc for arc in path if arc >= 0]
