"""One integer program with indicators, from which the CP-SAT, MILP and pseudo-Boolean models are made.

A neuron with pre-activation S, thresholds t_1 < … < t_k and values v_0 < … < v_k (see
:mod:`qnnt.activation`) is described by k bits: a_j = 1 ⇔ S ≥ t_j. It shows v_0 + Σ (v_j − v_(j−1))·a_j. So a
weight w times what the neuron shows is v_0·w + Σ (v_j − v_(j−1))·z_j with the products z_j = a_j·w. The S of
the next layer are sums of such terms, less the bias.

Variables are integers: the parameters w in Z_d; for each neuron and each distinct restriction of an input to
what the neuron can see, the bits a_j; the products z; 0/1 matches m, "the network outputs this label on this
input"; 0/1 prefix equalities e that order interchangeable neurons. Inputs are constants, so S needs no
products in the first layer. A bit that interval arithmetic settles is no variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.encoders.base import require_few
from qnnt.encoders.cases import Cases, Fixed, Node, Shown
from qnnt.encoders.rows import ALWAYS, NONE, Ints, RowBank, concatenated, selected
from qnnt.encoders.targets import Targets, targets
from qnnt.instance import Instance
from qnnt.models import ParameterLift, Rows
from qnnt.rowcodes import distinct_rows
from qnnt.symmetry import interchanges


@dataclass(frozen=True)
class Neurons:
    """All S that are compared with the same ``thresholds`` (k,).

    Row r of ``sums`` is the S of some neuron, between ``sums.lower[r]`` and ``most[r]``; ``active[r, j]`` is
    the bit "S ≥ ``thresholds[j]``", ``ALWAYS`` where even the least S is, ``NONE`` where no S is.
    """

    thresholds: Ints
    sums: Rows
    most: Ints
    active: Ints

    def each(self) -> tuple[Rows, Ints, Ints]:
        """S, bit and threshold (m,) of every bit that is a variable."""
        row, j = np.nonzero(self.active >= 0)
        return selected(self.sums, row), self.active[row, j], self.thresholds[j]


@dataclass(frozen=True)
class Program:
    """Variables 0, 1, … (parameters first), plain ``rows``, and what each kind of model states its own way.

    Those are the bits of all ``neurons``, and z = a·w for the variables of each row (z, a, w) of ``products``
    (q, 3).
    """

    lower: Ints
    upper: Ints
    names: tuple[str, ...]
    rows: Rows
    neurons: tuple[Neurons, ...]
    products: Ints
    objective: Ints
    offset: int
    unit: int
    minimize: bool
    lift: ParameterLift


@dataclass(frozen=True)
class _Sum:
    """The variables of one neuron's S: ``weights`` (q,) of inputs or ``terms`` of nodes, and its ``bias``."""

    weights: Ints
    terms: list[Ints]
    bias: int

    def index(self, seen: Ints) -> Ints:
        """Variables (m, k) in m cases, in the order of their coefficients."""
        if self.terms:
            parts = [term[case] for term, case in zip(self.terms, seen.T, strict=True)]
        else:
            parts = [np.broadcast_to(self.weights, seen.shape)]
        return np.concatenate([*parts, np.full((len(seen), 1), self.bias)], axis=1)


class _Collected:
    """The parts of one :class:`Neurons`, as they come."""

    def __init__(self, t: Sequence[int]) -> None:
        self.thresholds = np.array(t, dtype=np.int64)
        self.sums = RowBank()
        self.most: list[Ints] = []
        self.active: list[Ints] = []

    def neurons(self) -> Neurons:
        """All of them."""
        return Neurons(
            self.thresholds, self.sums.rows(), concatenated(self.most), np.concatenate(self.active)
        )


class _Builder:
    def __init__(self, instance: Instance) -> None:
        self.instance, self.activations = instance, instance.activations
        self.architecture, self.domain = instance.architecture, instance.domain
        self.lower: list[Ints] = []
        self.upper: list[Ints] = []
        self.names: list[str] = []
        self.plain = RowBank()
        self.collected: dict[Sequence[int], _Collected] = {}
        self.products: list[Ints] = []
        self.variables("w", np.ones(self.architecture.n_arcs, dtype=bool), self.domain.lo, self.domain.hi)
        self.variables("b", np.ones(self.architecture.n_biases, dtype=bool), self.domain.lo, self.domain.hi)

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
        """All neurons on all inputs; the bits (free inputs, ω, k) of the outputs."""
        architecture, domain = self.architecture, self.domain
        nodes: list[Node] = []
        outputs: list[Ints] = []
        free, forced = np.flatnonzero(~goal.forced), np.flatnonzero(goal.forced)
        label = goal.levels[np.searchsorted(goal.of, forced)]
        _, column = distinct_rows(np.ascontiguousarray(goal.inputs.T))
        for depth, connection in enumerate(architecture.connections):
            activation, last = self.activations[depth], depth == architecture.depth
            layer: list[Node] = []
            known: dict[tuple[int, ...], list[Cases]] = {}  # most neurons of a layer see the same
            shown: dict[tuple[int, ...], Shown] = {}
            fixed: dict[tuple[tuple[int, ...], bytes], Fixed] = {}
            for v in range(connection.n_target):
                sources, arcs = connection.sources(v), connection.arcs(v)
                weights = np.arange(arcs.start, arcs.stop)
                into = [nodes[u] for u in sources] if depth else []
                key = tuple(id(u.shown) for u in into) if depth else tuple(column[sources].tolist())
                if key not in known:
                    seen = (
                        np.stack([u.shown.cases.group for u in into], axis=1)
                        if depth
                        else goal.inputs[:, sources]
                    )
                    parts = [seen[free], seen[forced]] if last else [seen]
                    behind = [u.shown for u in into]
                    known[key] = [Cases.of(part, behind, domain, activation) for part in parts]
                    if not last:
                        shown[key] = Shown.of(known[key][0], activation, domain)
                terms = [self.times(u, int(w)) for u, w in zip(into, weights, strict=depth > 0)]
                total = _Sum(weights, terms, architecture.n_arcs + connection.first_bias + v)
                cases = known[key][0]
                active = self.thresholds(cases, total, activation)
                if not last:
                    layer.append(Node(shown[key], active))
                    continue
                outputs.append(active[cases.group])
                if activation.thresholds:  # otherwise one value is shown, and it is right
                    levels = label[:, v]
                    pair = key, levels.tobytes()
                    if pair not in fixed:
                        fixed[pair] = Fixed.of(known[key][1], levels, activation)
                    self.fix(fixed[pair], total)
            nodes = layer
        return np.stack(outputs, axis=1)

    def comparing(self, activation: Activation) -> _Collected:
        """Where the neurons go that compare S with the thresholds of an activation."""
        thresholds = activation.thresholds
        if thresholds not in self.collected:
            self.collected[thresholds] = _Collected(thresholds)
        return self.collected[thresholds]

    def times(self, node: Node, weight: int) -> Ints:
        """The variables (cases, k or k + 1) of a weight times a node's value, new products among them."""
        new = node.shown.cases.free
        z = self.variables("z", new, self.domain.lo, self.domain.hi)
        bits = node.active[new]
        self.products.append(np.stack([z[new], bits, np.full(len(bits), weight)], axis=1))
        alone = node.shown.coef.shape[1] - z.shape[1]
        return np.concatenate([z, np.full((len(z), 1), weight)], axis=1) if alone else z

    def thresholds(self, cases: Cases, total: _Sum, activation: Activation) -> Ints:
        """New bits (m, k) of a neuron in m cases."""
        into = self.comparing(activation)
        active = self.variables("a", cases.free)
        active[cases.always] = ALWAYS
        into.sums.add(total.index(cases.seen), cases.coef, cases.least)
        into.most.append(cases.most)
        into.active.append(active)
        below, above = active[:, :-1].ravel(), active[:, 1:].ravel()
        chain = np.stack([below, above], axis=1)[(below >= 0) & (above >= 0)]
        self.plain.add(chain, [1, -1], 0)
        return active

    def fix(self, fixed: Fixed, total: _Sum) -> None:
        """Force an output neuron to known levels, without bits."""
        index = total.index(fixed.seen)
        self.plain.add(index[fixed.up], *fixed.reached)
        self.plain.add(index[fixed.down], *fixed.missed)

    def matches(self, goal: Targets, outputs: Ints) -> tuple[Ints, Ints]:
        """Match variables of all labels of free inputs, tied to the outputs, and what each is worth."""
        mine = ~goal.forced[goal.of]
        renumber = np.cumsum(~goal.forced) - 1
        of, labels = renumber[goal.of[mine]], goal.levels[mine]
        must, n = goal.must[~goal.forced], len(outputs)
        match = self.variables("m", np.ones(len(of), dtype=bool))
        place = np.arange(len(of)) - np.searchsorted(of, of)
        most = int(place.max(initial=0)) + 1
        of_input, values = np.full((n, most), NONE), np.zeros((n, most, labels.shape[1]), dtype=np.int64)
        of_input[of, place], values[of, place] = match, labels

        levels = np.arange(1, outputs.shape[2] + 1)
        reaches = values.transpose(0, 2, 1)[:, :, None, :] >= levels[:, None]  # (n, ω, k, most)
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
            padded = np.pad(outputs, ((0, 0), (0, 0), (1, 1)), constant_values=(ALWAYS, NONE))
            at, above = (
                np.take_along_axis(padded[of], (labels + i)[:, :, None], axis=2)[:, :, 0] for i in (0, 1)
            )
            index = np.concatenate([match[:, None], at, above], axis=1)
            omega = labels.shape[1]
            self.plain.add(index, [1] + [-1] * omega + [1] * omega, 1 - omega)
        tail = np.cumsum(goal.gains[::-1])[::-1]
        after = np.append(tail, 0)[np.searchsorted(goal.of, goal.of, side="right")]
        return match, (tail - after)[mine]

    def order(self) -> None:
        """Let the parameters of interchangeable neurons rise from one to the next, as words."""
        span = self.domain.d - 1
        for each in interchanges(self.instance):
            for one, two in pairwise(each.keys):
                equal = self.variables("e", np.ones(len(one) - 1, dtype=bool))
                before, after = np.append(NONE, equal), np.append(equal, NONE)
                coef = np.tile([1, -1, -span - 1, 1], (len(one), 1))
                coef[-1, 2] = -span
                lower = np.full(len(one), -span)
                lower[0] -= coef[0, 2]
                # e_i e_(i+1): 11 difference >= 0; 10 difference >= 1; 00 anything. e_0 = 1.
                self.plain.add(np.stack([two, one, before, after], axis=1), coef, lower)
                self.plain.add(np.stack([equal[:-1], equal[1:]], axis=1), [1, -1], 0)


def ordering(instance: Instance, *, symmetry: bool) -> tuple[Ints, Ints, list[str], Rows]:
    """Bounds, names and rows of the parameters and prefix equalities alone: an instance without data."""
    builder = _Builder(instance)
    if symmetry:
        builder.order()
    return np.concatenate(builder.lower), np.concatenate(builder.upper), builder.names, builder.plain.rows()


def program(instance: Instance, *, symmetry: bool) -> Program:
    """The program of an instance under its goal.

    A solution x claims the error ``offset + unit · (objective · x)``. The claim is the network's error if
    every match is 1 whose label the network outputs. Under AtMost and Minimize such a match may also be 0.
    Then the claim is too high, and another solution with the same network claims its error. Raises
    :class:`Unsupported` for activations of too many thresholds.
    """
    require_few("activations of thresholds", max(activation.top for activation in instance.activations))
    goal = targets(instance)
    builder = _Builder(instance)
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
        neurons=tuple(each.neurons() for each in builder.collected.values()),
        products=np.concatenate([np.zeros((0, 3), dtype=np.int64), *builder.products]),
        objective=objective,
        offset=offset,
        unit=goal.unit,
        minimize=instance.goal.minimizes,
        lift=ParameterLift.of_first(instance),
    )
