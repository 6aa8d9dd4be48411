"""Hypothesis strategies shared by the tests. All draw within a budget: hardly a draw is thrown away."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from qnnt.activation import Activation, ActivationLike, Activations, relu
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.goals import AtMost, Exactly, Goal, Minimize
from qnnt.instance import Instance
from qnnt.network import Network

LEAST_D = {"relu": 1, "step": 2, "sign": 3}
"""The least d whose domain holds the values of a named activation."""


def domains(max_d: int = 5, min_d: int = 1) -> st.SearchStrategy[Domain]:
    return st.sampled_from([d for d in [*range(2, max_d + 1), 1] if d >= min_d]).map(Domain)


@st.composite
def architectures(
    draw: st.DrawFn,
    max_parameters: int = 30,
    max_hidden: int = 3,
    names: st.SearchStrategy[str] | None = None,
) -> Architecture:
    """Sparse or dense, up to ``max_hidden`` hidden layers and ``max_parameters`` (≥ 2) weights and biases."""
    n_hidden = draw(st.integers(0, min(max_hidden, max_parameters // 2 - 1)))
    sizes, left = [], max_parameters
    for later in range(n_hidden + 1, -1, -1):
        # A layer of size s after one of size p costs s biases and at least max(s, p) arcs; the next one, if
        # of size 1, costs s + 1, and each that follows 2.
        def cost(s: int, later: int = later) -> int:
            here = s + max(s, sizes[-1]) if sizes else 0
            return here + (s + 1 + 2 * (later - 1) if later else 0)

        most = max(s for s in range(1, max_parameters + 1) if s == 1 or cost(s) <= left)
        size = draw(st.integers(1, most))
        left -= size + max(size, sizes[-1]) if sizes else 0
        sizes.append(size)
    if names is None:
        layers = [list(layer) for layer in Architecture.dense(sizes).layers]
    else:
        flat = iter(draw(st.lists(names, min_size=sum(sizes), max_size=sum(sizes), unique=True)))
        layers = [[next(flat) for _ in range(size)] for size in sizes]
    dense = Architecture.full(layers).arcs
    if len(dense) + sum(sizes[1:]) <= max_parameters and draw(st.booleans()):
        return Architecture(layers, dense)
    arcs = []
    for before, after in pairwise(layers):
        sources = draw(st.permutations(before))
        arcs += [
            (sources[i % len(before)], after[i % len(after)]) for i in range(max(len(before), len(after)))
        ]
    more = sorted(set(dense) - set(arcs))
    if more and left:
        arcs += draw(st.lists(st.sampled_from(more), unique=True, max_size=left))
    return Architecture(layers, arcs)


def named_activations(domain: Domain) -> st.SearchStrategy[str]:
    """The names of the activations whose values lie in the domain."""
    return st.sampled_from(
        ["relu", *(["step"] if domain.hi else []), *(["sign"] if domain.lo and domain.hi else [])]
    )


@st.composite
def step_functions(draw: st.DrawFn, domain: Domain) -> Activation:
    """Any activation into the domain, thresholds between −2·d and 2·d."""
    values = sorted(draw(st.sets(st.integers(domain.lo, domain.hi), min_size=1, max_size=4)))
    k = len(values) - 1
    span = st.integers(-2 * domain.d, 2 * domain.d)
    return Activation(sorted(draw(st.sets(span, min_size=k, max_size=k))), values)


@st.composite
def activations(draw: st.DrawFn, domain: Domain) -> Activations:
    """Named ones and others, often different for hidden and output neurons."""
    one = st.one_of(named_activations(domain), step_functions(domain))
    hidden = draw(one)
    return Activations.of((hidden, draw(st.one_of(st.just(hidden), one))), domain)


@st.composite
def datasets(
    draw: st.DrawFn,
    domain: Domain,
    alpha: int,
    omega: int,
    min_points: int = 0,
    max_points: int = 8,
    output: Activation | None = None,
) -> Dataset:
    """Points over few distinct inputs: repeated, with contradicting and at times unreachable labels."""
    value = st.integers(domain.lo, domain.hi)
    inputs = draw(st.lists(st.lists(value, min_size=alpha, max_size=alpha), min_size=1, max_size=4))
    label = st.one_of(st.sampled_from((output or relu(domain)).values), value)
    point = st.tuples(
        st.sampled_from(inputs),
        st.lists(label, min_size=omega, max_size=omega),
        st.sampled_from([1, 1, 2, 3]),
    )
    points = draw(st.lists(point, min_size=min_points, max_size=max_points))
    return Dataset(
        np.array([x for x, _, _ in points], dtype=np.int64).reshape(len(points), alpha),
        np.array([y for _, y, _ in points], dtype=np.int64).reshape(len(points), omega),
        np.array([n for _, _, n in points], dtype=np.int64),
    )


def goals(total: int) -> st.SearchStrategy[Goal]:
    errors = st.integers(0, total + 1)
    return st.one_of(errors.map(AtMost), st.just(Minimize()), errors.map(Exactly))


@st.composite
def instances(
    draw: st.DrawFn,
    max_networks: int = 10**6,
    max_parameters: int = 12,
    min_points: int = 0,
    max_points: int = 8,
    names: st.SearchStrategy[str] | None = None,
    activation: Callable[[Domain], st.SearchStrategy[ActivationLike]] = lambda _: st.just("relu"),
    min_d: int = 1,
    max_hidden: int = 3,
) -> Instance:
    """Instances with at most ``max_networks`` (≥ 25) networks and ``max_parameters`` (≥ 2) parameters."""
    domain = draw(domains(min_d=min_d))
    while max_parameters > 2 and domain.d**max_parameters > max_networks:
        max_parameters -= 1
    architecture = draw(architectures(max_parameters, max_hidden, names))
    shown = Activations.of(draw(activation(domain)), domain)
    sizes = architecture.alpha, architecture.omega
    dataset = draw(datasets(domain, *sizes, min_points, max_points, shown.output))
    return Instance(domain, architecture, dataset, draw(goals(dataset.total)), activation=shown)


@st.composite
def networks(draw: st.DrawFn, domain: Domain, architecture: Architecture) -> Network:
    n = architecture.n_parameters
    values = draw(st.lists(st.integers(domain.lo, domain.hi), min_size=n, max_size=n))
    return Network.from_vector(architecture, domain, np.array(values, dtype=np.int64))
