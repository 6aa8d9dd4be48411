"""One integer program with indicators, from which the CP-SAT, MILP and pseudo-Boolean models are made.

Variables are integers: the parameters w in Z_d; for each neuron and each distinct restriction of an input to
what the neuron can see, 0/1 activations a_k (k = 1..max Z_d), "the activation is at least k"; products
z = a_k · w; 0/1 matches m, "the network outputs this label on this input"; 0/1 prefix equalities e that order
interchangeable neurons. With S = Σ w·a − bias, the value of a neuron is fixed by a_k = 1 ⇔ S ≥ k. Inputs are
constants, so S needs no products in the first layer; an a_k that interval arithmetic excludes is no variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from qnnt.architecture import Architecture
from qnnt.dataset import distinct_rows
from qnnt.domain import Domain, IntArray
from qnnt.encoders.targets import Targets, targets
from qnnt.goals import Minimize
from qnnt.instance import Instance
from qnnt.models import Lift, Rows

Ints = npt.NDArray[np.int64]
NONE = -1  # in place of a variable number: the constant 0


@dataclass(frozen=True)
class Program:
    """Variables 0, 1, … (parameters first), plain ``rows``, and what each kind of model states its own way.

    Row r of ``sums`` is the S of some neuron, between ``sums.lower[r]`` and ``most[r]``; ``active[r, k-1]``
    is its a_k, or ``NONE`` if S < k always. Rows (z, a, w) of ``products`` (q, 3) are variables with z = a·w.
    """

    lower: Ints
    upper: Ints
    names: tuple[str, ...]
    rows: Rows
    sums: Rows
    most: Ints
    active: Ints
    products: Ints
    objective: Ints
    offset: int
    unit: int
    minimize: bool
    lift: Lift


class RowBank:
    """Collects rows in dense blocks and lays them out as :class:`Rows`."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Ints, Ints, Ints]] = []

    def add(self, index: IntArray, coef: npt.ArrayLike, lower: npt.ArrayLike) -> None:
        """Add m rows Σ coef·var ≥ lower: ``index`` (m, k), ``NONE`` for no entry; the others broadcast."""
        self._blocks.append(
            (
                np.asarray(index, dtype=np.int64),
                np.broadcast_to(np.asarray(coef, dtype=np.int64), index.shape),
                np.broadcast_to(np.asarray(lower, dtype=np.int64), len(index)),
            )
        )

    def rows(self) -> Rows:
        """All rows; some may have no entry."""
        parts = []
        for index, coef, lower in self._blocks:
            mask = (index != NONE) & (coef != 0)
            parts.append((mask.sum(axis=1), index[mask], coef[mask], lower))
        sizes, index, coef, lower = (_joined([part[i] for part in parts]) for i in range(4))
        return Rows(np.concatenate([[0], np.cumsum(sizes)]), index, coef, lower)


def _joined(arrays: list[Ints]) -> Ints:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)


def joined(parts: list[Rows]) -> Rows:
    """One block of rows out of several."""
    sizes = _joined([np.diff(p.starts) for p in parts])
    return Rows(
        np.concatenate([[0], np.cumsum(sizes)]),
        _joined([p.index for p in parts]),
        _joined([p.coef for p in parts]),
        _joined([p.lower for p in parts]),
    )


def extended(rows: Rows, factor: int, index: IntArray, coef: IntArray, lower: IntArray) -> Rows:
    """Rows ``factor`` · row + Σ coef·var ≥ lower, with k more entries each: ``index`` and ``coef`` (m, k)."""
    m, k = index.shape
    row = np.concatenate([np.repeat(np.arange(m), np.diff(rows.starts)), np.repeat(np.arange(m), k)])
    columns = np.concatenate([rows.index, index.ravel()])
    values = np.concatenate([factor * rows.coef, np.broadcast_to(coef, index.shape).ravel()])
    kept = np.flatnonzero((columns != NONE) & (values != 0))
    order = kept[np.argsort(row[kept], kind="stable")]
    starts = np.searchsorted(row[order], np.arange(m + 1))
    return Rows(starts, columns[order], values[order], np.broadcast_to(lower, m).astype(np.int64))


def selected(rows: Rows, which: IntArray) -> Rows:
    """The rows of the numbers in ``which``, in that order."""
    sizes = np.diff(rows.starts)[which]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    entry = np.repeat(rows.starts[which] - starts[:-1], sizes) + np.arange(starts[-1])
    return Rows(starts, rows.index[entry], rows.coef[entry], rows.lower[which])


@dataclass(frozen=True)
class _Node:
    """A neuron on all inputs: ``group`` (n,) numbers its distinct cases, ``active`` (cases, hi) their a_k."""

    group: Ints
    active: Ints


class _Builder:
    def __init__(self, architecture: Architecture, domain: Domain) -> None:
        self.architecture, self.domain = architecture, domain
        self.lower: list[Ints] = []
        self.upper: list[Ints] = []
        self.names: list[str] = []
        self.plain, self.sums = RowBank(), RowBank()
        self.most: list[Ints] = []
        self.active: list[Ints] = []
        self.products: list[Ints] = []
        self.variables("w", np.ones(architecture.n_arcs, dtype=bool), domain.lo, domain.hi)
        self.variables("b", np.ones(architecture.n_biases, dtype=bool), domain.lo, domain.hi)

    def variables(self, letter: str, where: npt.NDArray[np.bool_], lower: int = 0, upper: int = 1) -> Ints:
        """New variables at the true places of ``where``, ``NONE`` elsewhere."""
        first, count = len(self.names), int(where.sum())
        self.names += [f"{letter}{i}" for i in range(first, first + count)]
        self.lower.append(np.full(count, lower, dtype=np.int64))
        self.upper.append(np.full(count, upper, dtype=np.int64))
        result = np.full(where.shape, NONE, dtype=np.int64)
        result[where] = np.arange(first, first + count)
        return result

    def network(self, goal: Targets) -> Ints:
        """All neurons on all inputs; the output activations (free inputs, ω, hi)."""
        nodes: list[_Node] = []
        bias = self.architecture.n_arcs
        free, forced = np.flatnonzero(~goal.forced), np.flatnonzero(goal.forced)
        label = goal.labels[np.searchsorted(goal.of, forced)]
        for depth, connection in enumerate(self.architecture.connections):
            layer: list[_Node] = []
            for v in range(connection.n_target):
                sources, arcs = connection.sources(v), connection.arcs(v)
                weights = np.arange(arcs.start, arcs.stop)
                into = [nodes[u] for u in sources] if depth else []
                seen = np.stack([u.group for u in into], axis=1) if depth else goal.inputs[:, sources]
                terms = [self.times(u, int(w)) for u, w in zip(into, weights, strict=depth > 0)]
                last = depth == self.architecture.depth
                group, first = _distinct(seen[free] if last else seen)
                layer.append(
                    _Node(
                        group,
                        self.thresholds(seen[free[first] if last else first], weights, into, terms, bias),
                    )
                )
                if last:
                    y = label[:, v]
                    _, first = _distinct(np.column_stack([seen[forced], y]))
                    self.fixed(seen[forced[first]], y[first], weights, into, terms, bias)
                bias += 1
            nodes = layer
        return np.stack([node.active[node.group] for node in nodes], axis=1)

    def times(self, node: _Node, weight: int) -> Ints:
        """The products (cases, hi) of a node's activations with a weight."""
        z = self.variables("z", node.active != NONE, self.domain.lo, self.domain.hi)
        made = z != NONE
        self.products.append(np.stack([z[made], node.active[made], np.full(made.sum(), weight)], axis=1))
        return z

    def sum(
        self, seen: IntArray, weights: Ints, into: list[_Node], terms: list[Ints], bias: int
    ) -> tuple[Ints, Ints, Ints, Ints]:
        """Index and coefficients (m, k) of S in m cases, its least and its greatest value (m,)."""
        m, lo, hi = len(seen), self.domain.lo, self.domain.hi
        if into:
            index = np.concatenate([z[seen[:, i]] for i, z in enumerate(terms)], axis=1)
            coef = np.ones_like(index)
            largest = (index != NONE).sum(axis=1)
            least, most = lo * largest, hi * largest
        else:
            index, coef = np.broadcast_to(weights, seen.shape), seen.astype(np.int64)
            least, most = (f(coef * lo, coef * hi).sum(axis=1) for f in (np.minimum, np.maximum))
        index = np.concatenate([index, np.full((m, 1), bias)], axis=1)
        coef = np.concatenate([coef, np.full((m, 1), -1)], axis=1)
        return index, coef, least - hi, most - lo

    def thresholds(
        self, seen: IntArray, weights: Ints, into: list[_Node], terms: list[Ints], bias: int
    ) -> Ints:
        """New activations (m, hi) of a neuron in m cases."""
        index, coef, least, most = self.sum(seen, weights, into, terms, bias)
        levels = np.arange(1, self.domain.hi + 1)
        active = self.variables("a", levels <= most[:, None])
        self.sums.add(index, coef, least)
        self.most.append(most)
        self.active.append(active)
        below, above = active[:, :-1].ravel(), active[:, 1:].ravel()
        chain = np.stack([below, above], axis=1)[above != NONE]
        self.plain.add(chain, [1, -1], 0)
        return active

    def fixed(
        self, seen: IntArray, y: IntArray, weights: Ints, into: list[_Node], terms: list[Ints], bias: int
    ) -> None:
        """Force an output neuron to the value y in m cases, without activations."""
        index, coef, _, _ = self.sum(seen, weights, into, terms, bias)
        up, down = y > 0, y < self.domain.hi
        self.plain.add(index[up], coef[up], y[up])
        self.plain.add(index[down], -coef[down], -y[down])

    def matches(self, goal: Targets, outputs: Ints) -> tuple[Ints, Ints]:
        """Match variables of all labels of free inputs, tied to the outputs, and what each is worth."""
        hi = self.domain.hi
        mine = ~goal.forced[goal.of]
        renumber = np.cumsum(~goal.forced) - 1
        of, labels = renumber[goal.of[mine]], goal.labels[mine].astype(np.int64)
        must, n = goal.must[~goal.forced], len(outputs)
        match = self.variables("m", np.ones(len(of), dtype=bool))
        place = np.arange(len(of)) - np.searchsorted(of, of)
        most = int(place.max(initial=0)) + 1
        of_input, values = np.full((n, most), NONE), np.zeros((n, most, labels.shape[1]), dtype=np.int64)
        of_input[of, place], values[of, place] = match, labels

        levels = np.arange(1, hi + 1)
        reaches = values.transpose(0, 2, 1)[:, :, None, :] >= levels[:, None]  # (n, ω, hi, most)
        label = of_input[:, None, None, :]
        for sign, which, constant in ((1, reaches, 0), (-1, ~reaches, -1)):
            # At most one label of an input matches, so that their sum may stand where each one could.
            chosen = np.where(which, label, NONE).reshape(-1, most)
            some = (chosen != NONE).any(axis=1)
            index = np.concatenate([outputs.reshape(-1, 1), chosen], axis=1)[some]
            self.plain.add(index, [sign] + [-1] * most, constant)
        several = (of_input != NONE).sum(axis=1) > 1
        self.plain.add(of_input[several], -1, -1)
        self.plain.add(of_input[must], 1, 1)
        if goal.exact:
            padded = np.pad(outputs, ((0, 0), (0, 0), (1, 1)), constant_values=NONE)
            at, above = (
                np.take_along_axis(padded[of], (labels + i)[:, :, None], axis=2)[:, :, 0] for i in (0, 1)
            )
            index = np.concatenate([match[:, None], at, above], axis=1)
            omega = labels.shape[1]
            self.plain.add(index, [1] + [-1] * omega + [1] * omega, 1 - (labels > 0).sum(axis=1))
        tail = np.cumsum(goal.gains[::-1])[::-1]
        after = np.append(tail, 0)[np.searchsorted(goal.of, goal.of, side="right")]
        return match, (tail - after)[mine]

    def order(self) -> None:
        """Sort each class of interchangeable neurons by (bias, in-weights), lexicographically."""
        span = self.domain.d - 1
        first_bias = self.architecture.n_arcs + np.cumsum(
            [0, *(len(la) for la in self.architecture.layers[1:])]
        )
        for layer, members in self.architecture.twins:
            connection = self.architecture.connections[layer - 1]
            vectors = [
                np.concatenate([[first_bias[layer - 1] + j], np.arange(len(self.names))[connection.arcs(j)]])
                for j in members
            ]
            for one, two in pairwise(vectors):
                equal = self.variables("e", np.ones(len(one) - 1, dtype=bool))
                before, after = np.append(NONE, equal), np.append(equal, NONE)
                coef = np.tile([1, -1, -span - 1, 1], (len(one), 1))
                coef[-1, 2] = -span
                lower = np.full(len(one), -span)
                lower[0] = 1
                # e_i e_(i+1): 11 difference >= 0; 10 difference >= 1; 00 anything. e_0 = 1.
                self.plain.add(np.stack([two, one, before, after], axis=1), coef, lower)
                self.plain.add(np.stack([equal[:-1], equal[1:]], axis=1), [1, -1], 0)


def ordering(instance: Instance, *, symmetry: bool) -> tuple[Ints, Ints, list[str], Rows]:
    """Bounds, names and rows of the parameters and prefix equalities alone: an instance without data."""
    builder = _Builder(instance.architecture, instance.domain)
    if symmetry:
        builder.order()
    return np.concatenate(builder.lower), np.concatenate(builder.upper), builder.names, builder.plain.rows()


def _distinct(rows: IntArray) -> tuple[Ints, Ints]:
    """For each row the number of its own among the distinct ones, and for each of these where it first is."""
    _, group = distinct_rows(rows)
    _, first = np.unique(group, return_index=True)
    return group, first


def program(instance: Instance, *, symmetry: bool) -> Program:
    """The program of an instance under its goal.

    A solution x claims the error ``offset + unit · (objective · x)``. The claim is the network's error if
    every match is 1 whose label the network outputs. Under AtMost and Minimize such a match may also be 0.
    Then the claim is too high, and another solution with the same network claims its error.
    """
    goal = targets(instance)
    builder = _Builder(instance.architecture, instance.domain)
    n_parameters = instance.architecture.n_parameters
    offset, match, worth = goal.offset, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    contradiction = np.zeros((1, 1), dtype=np.int64), 1, instance.domain.hi + 1
    if goal.infeasible:
        builder.plain.add(*contradiction)
    else:
        outputs = builder.network(goal)
        match, worth = builder.matches(goal, outputs)
        avoidable = int(goal.gains.sum())  # what is paid if nothing matches
        offset += goal.unit * avoidable
        if goal.budget is not None:
            builder.plain.add(match[None], worth, avoidable - goal.budget)
            if goal.exact:
                builder.plain.add(match[None], -worth, goal.budget - avoidable)
        if symmetry:
            builder.order()
    rows = builder.plain.rows()
    empty = np.diff(rows.starts) == 0
    if (empty & (rows.lower > 0)).any():
        builder.plain.add(*contradiction)
        rows = builder.plain.rows()
        empty = np.diff(rows.starts) == 0
    objective = np.zeros(len(builder.names), dtype=np.int64)
    objective[match] = -worth
    return Program(
        lower=np.concatenate(builder.lower),
        upper=np.concatenate(builder.upper),
        names=tuple(builder.names),
        rows=selected(rows, np.flatnonzero(~empty)),
        sums=builder.sums.rows(),
        most=_joined(builder.most),
        active=np.concatenate([np.zeros((0, instance.domain.hi), dtype=np.int64), *builder.active]),
        products=np.concatenate([np.zeros((0, 3), dtype=np.int64), *builder.products]),
        objective=objective,
        offset=offset,
        unit=goal.unit,
        minimize=isinstance(instance.goal, Minimize),
        lift=Lift(instance.architecture, instance.domain, np.arange(n_parameters).reshape(-1, 1), 0),
    )
