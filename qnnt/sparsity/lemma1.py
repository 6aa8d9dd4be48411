"""Lemma 1, constructive: few arcs of non-zero weight into each neuron, the same activations on the data.

Take a neuron with bias b on p distinct inputs. Arc i sends y_i (p,), their sum is s; t is s cut to b…b + max
Z_d, which leaves the activation, and unit vectors e make up the difference: Σ y − Σ e − t = 0. In Steinitz'
order of these vectors all prefix sums lie in a small box, so some occur twice; what lies between two equal
ones sums to 0 and is left out, unless −t is there. The entries that e fills up only come closer to t, so the
activation stays.

The paper looks for three equal prefix sums, as −t may lie between two. Here the order is turned round until
−t comes last: two are enough, and at most (2·p·m + 1)^p − 1 arcs stay, where m is the largest absolute entry
of a vector; that is less than half of the paper's 2·(2·d²·p + 1)^p + 1.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.dataset import Dataset, distinct_rows
from qnnt.domain import Domain
from qnnt.exceptions import InputError, UnknownWord, WrongAnswer
from qnnt.network import Network
from qnnt.sparsity.steinitz import Vector, steinitz_order

Integers = npt.NDArray[np.int64]
Method = Literal["steinitz", "minimum"]


def in_degree_bound(d: int, p: int) -> int:
    """Lemma 1's bound on the arcs of non-zero weight into a neuron: 2·(2·d²·p + 1)^p + 1."""
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

    ``steinitz`` is Lemma 1: arcs that can go one by one go, and then, where more than the bound are left,
    what lies between equal prefix sums in Steinitz' order. Each neuron keeps at most
    :func:`in_degree_bound` arcs, p being the number of distinct inputs; weights that stay and all biases are
    kept. ``minimum`` finds for each neuron the fewest arcs with which some weights and bias give it the same
    activations, by CP-SAT; ``seconds`` limits it for each neuron.

    Raises :class:`InputError` if the data do not fit, :class:`UnknownWord` for an unknown method, and for
    ``minimum`` :class:`qnnt.Unsupported` when a minimum is not proved in time.
    """
    if method not in get_args(Method):
        raise UnknownWord("method", method, get_args(Method))
    architecture, domain = network.architecture, network.domain
    if dataset.alpha != architecture.alpha and len(dataset):
        raise InputError("data[0].x", f"has {dataset.alpha} values, the network {architecture.alpha} inputs")
    inputs = distinct_rows(dataset.inputs)[0].reshape(-1, architecture.alpha)
    values = network.activations(inputs)
    weights, biases, at = network.weights.copy(), network.biases.copy(), 0
    for connection, before, after in zip(architecture.connections, values, values[1:], strict=False):
        for j in range(connection.n_target):
            arcs = connection.arcs(j)
            sources = before[:, connection.sources(j)]
            kept = _lemma_1(sources * weights[arcs], int(biases[at]), domain)
            weights[arcs][~kept] = 0
            if method == "minimum":
                from qnnt.sparsity.minimum import fewest_arcs

                name = architecture.layers[architecture.position(architecture.alpha + at)[0]][j]
                weights[arcs], biases[at] = fewest_arcs(
                    sources, after[:, j], weights[arcs], int(biases[at]), domain, name, seconds
                )
            at += 1
    sparse = Network(architecture, domain, weights, biases)
    if any((a != b).any() for a, b in zip(values, sparse.activations(inputs), strict=True)):
        raise WrongAnswer("the sparser network does not behave as the given one")
    return sparse


def _lemma_1(sent: Integers, bias: int, domain: Domain) -> npt.NDArray[np.bool_]:
    """Which arcs to keep, (q,), of those that send ``sent`` (p, q)."""
    p = len(sent)
    lower, upper = bias, bias + domain.hi
    total = sent.sum(axis=1)
    target = np.clip(total, lower, upper)
    kept: npt.NDArray[np.bool_] = np.asarray(sent.any(axis=0))
    for i in np.flatnonzero(kept):  # arcs that can go by themselves
        without = total - sent[:, i]
        if (np.clip(without, lower, upper) == target).all():
            kept[i], total = False, without
    largest = max(int(np.abs(sent).max(initial=0)), int(np.abs(target).max(initial=0)), 1)
    if int(kept.sum()) < (2 * p * largest + 1) ** min(p, 40):  # more than 40 factors exceed any in-degree
        return kept
    ordered = _turned(sent[:, kept], total - target, target)
    at = np.flatnonzero(kept)
    kept[:] = False
    kept[at[ordered]] = True
    return kept


def _turned(sent: Integers, excess: Integers, target: Integers) -> list[int]:
    """The arcs that stay when every loop of the prefix sums, from after −t round to it, is left out."""
    p = len(sent)
    groups: dict[Vector, list[int]] = {}  # the arcs that send a vector; a dummy vector is −1
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
        if total in seen:  # a loop: all since then sums to 0
            for gone in sums[seen[total] + 1 :]:
                del seen[gone]
            del path[seen[total] :], sums[seen[total] + 1 :]
            continue
        path.append(arc)
        seen[total] = len(path)
        sums.append(total)
    return [arc for arc in path if arc >= 0]
