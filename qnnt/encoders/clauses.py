"""Training as one CNF: order encoding of weights and activations, merged sums.

One block of neurons per distinct input. A neuron has a literal [pre-activation ≥ t] for each threshold t of
its activation, and the values that they lead to are its order encoding. Hidden neurons are functions of the
weights; an output only gets the literals, and the clause directions, that its labels make use of. See
:mod:`qnnt.encoders.sums` for the pre-activations and :mod:`qnnt.encoders.targets` for what the goal asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.architecture import Connection
from qnnt.encoders.adder import Bits, binary_product, binary_product_size, known_multiple, to_binary
from qnnt.encoders.base import require_few
from qnnt.encoders.clausebank import FALSE, TRUE, ClauseBank, Literals
from qnnt.encoders.order import Order, product, scaled, showing
from qnnt.encoders.sums import Column, Sum
from qnnt.encoders.targets import Targets, targets
from qnnt.instance import Instance
from qnnt.models import Formula, ParameterLift
from qnnt.symmetry import interchanges

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClauseEncoder:
    """Hard and soft clauses. Every network that meets the goal is a model, up to exchanges of neurons."""

    symmetry: bool = True
    name = "clauses"
    makes = Formula

    def apply(self, instance: Instance) -> tuple[Formula, ParameterLift]:
        """The formula of an instance, and the lift of its assignments (n_variables + 1,) of 0/1.

        Raises :class:`Unsupported` for a domain that is too large.
        """
        require_few("a domain of", instance.domain.d)
        goal, domain, architecture = targets(instance), instance.domain, instance.architecture
        bank = ClauseBank()
        parameters = bank.fresh(architecture.n_parameters, domain.d - 1)
        if domain.d > 2:
            bank.add(-parameters[:, 1:], parameters[:, :-1])
        weights = Order(domain.lo, parameters[: architecture.n_arcs])
        biases = Order(domain.lo, parameters[architecture.n_arcs :])
        if self.symmetry:
            order_interchangeable(bank, instance, parameters)
        if goal.infeasible:
            bank.add([FALSE])
            soft, gains = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
        else:
            layers = _Layers(bank, instance, weights, biases, goal.inputs)
            while layers.depth < architecture.depth:
                layers.next_hidden()
            soft, gains = match_labels(bank, goal, layers)
            if goal.budget is not None:
                count_errors(bank, soft, gains, goal.budget, exact=goal.exact)
        formula = Formula(
            bank.n_variables,
            bank.clauses,
            soft,
            gains,
            goal.offset,
            minimize=goal.budget is None,
            unit=goal.unit,
        )
        index = parameters.astype(np.int64).reshape(architecture.n_parameters, domain.d - 1)
        return formula, ParameterLift(instance, index, domain.lo)


class _Layers:
    """Builds the activations of all distinct inputs, layer by layer."""

    def __init__(
        self,
        bank: ClauseBank,
        instance: Instance,
        weights: Order,
        biases: Order,
        inputs: Ints,
    ) -> None:
        self.bank, self.instance, self.weights, self.biases = bank, instance, weights, biases
        self.inputs = inputs
        self.acts: Order | None = None  # (n·neurons,) by input; None while the previous layer are the inputs
        self.depth = 0
        self._bits: dict[str | int, Bits] = {}

    def next_hidden(self) -> None:
        """Go one hidden layer deeper."""
        connection = self.instance.architecture.connections[self.depth]
        activation = self.instance.activations[self.depth]
        n, thresholds = len(self.inputs), np.array(activation.thresholds, dtype=np.int64)
        reached = np.empty((n, connection.n_target, activation.top), dtype=np.int32)
        neurons, rows = (
            np.repeat(np.arange(connection.n_target), n),
            np.tile(np.arange(n), connection.n_target),
        )
        for part, which in self.sums(connection, neurons, rows):
            reached[rows[which], neurons[which]] = part.reaching(thresholds)
        self.acts = showing(reached.reshape(n * connection.n_target, activation.top), activation.values)
        self.depth += 1

    def sums(self, connection: Connection, neurons: Ints, rows: Ints) -> Iterator[tuple[Sum, Ints]]:
        """The pre-activations Σ w·a - bias of items: neurons (R,) on inputs (R,).

        Items whose neurons have the same in-degree are built together: a sum, and which items it is of.
        """
        degrees = np.diff(connection.starts)[neurons]
        for degree in np.unique(degrees):
            which = np.flatnonzero(degrees == degree)
            yield self._sum(connection, int(degree), neurons[which], rows[which]), which

    def _sum(self, connection: Connection, degree: int, neurons: Ints, rows: Ints) -> Sum:
        arcs = connection.starts[:-1, None] + np.arange(degree)  # (neurons, degree), for those of this degree
        columns = range(degree)
        if self.acts is None:
            values = self.inputs[rows[:, None], connection.source[arcs[neurons]]]
            known = [self._known_input(connection.first + arcs[:, c], values[:, c]) for c in columns]
            keys = np.column_stack([values, np.zeros(len(rows), dtype=np.int64)])
            return Sum(self.bank, (*known, self._bias(connection)), neurons, keys)
        products = [self._product(connection, arcs[:, c]) for c in columns]
        return Sum(self.bank, (*products, self._bias(connection)), neurons, rows[:, None])

    def _bias(self, connection: Connection) -> Column:
        """The summand -bias of each neuron that the connection enters; keys do not matter."""
        first, biases = connection.first_bias, self.biases
        return Column(
            -biases.hi,
            -biases.lo,
            n_values=biases.hi - biases.lo + 1,
            n_bits=(biases.hi - biases.lo).bit_length(),
            leaf=lambda neurons, keys, up, down: biases.take(first + neurons).negated(),  # noqa: ARG005
            binary=lambda neurons, keys: known_multiple(
                self._parameter_bits("biases").take(first + neurons), np.full_like(keys, -1)
            ),
        )

    def _known_input(self, arcs: Ints, values: Ints) -> Column:
        """The summand of each neuron j's weight ``arcs[j]`` times an input's value, which is the key."""
        weights = self.weights
        ends = np.outer([values.min(initial=0), values.max(initial=0)], [weights.lo, weights.hi])
        lo, hi = int(ends.min()), int(ends.max())
        width = (weights.hi - weights.lo).bit_length()
        return Column(
            lo,
            hi,
            n_values=weights.hi - weights.lo + 1,
            n_bits=width * int(np.abs(values).max(initial=0)).bit_length(),
            leaf=lambda neurons, keys, up, down: scaled(weights.take(arcs[neurons]), keys, lo, hi),  # noqa: ARG005
            binary=lambda neurons, keys: known_multiple(
                self._parameter_bits("weights").take(arcs[neurons]), keys
            ),
        )

    def _product(self, connection: Connection, arcs: Ints) -> Column:
        """The summand of each neuron j's arc ``arcs[j]``: weight times hidden activation; keys are inputs."""
        assert self.acts is not None
        acts, which, weights = self.acts, connection.first + arcs, self.weights
        values = self.instance.activations[self.depth - 1].values
        choices = range(weights.lo, weights.hi + 1)
        possible = np.unique(np.multiply.outer(values, choices))

        def act_rows(neurons: Ints, inputs: Ints) -> Ints:
            return inputs * connection.n_source + connection.source[arcs[neurons]]

        def leaf(neurons: Ints, inputs: Ints, up: bool, down: bool) -> Order:
            act = acts.take(act_rows(neurons, inputs))
            return product(self.bank, weights.take(which[neurons]), act, values, up=up, down=down)

        def binary(neurons: Ints, inputs: Ints) -> Bits:
            act = self._activation_bits().take(act_rows(neurons, inputs))
            return binary_product(self.bank, self._parameter_bits("weights").take(which[neurons]), act)

        return Column(
            int(possible[0]),
            int(possible[-1]),
            n_values=len(possible),
            n_bits=binary_product_size(choices, values),
            leaf=leaf,
            binary=binary,
        )

    def _parameter_bits(self, kind: str) -> Bits:
        """The bits of all A weights or H biases, made when first asked for."""
        if kind not in self._bits:
            order = self.weights if kind == "weights" else self.biases
            self._bits[kind] = to_binary(self.bank, order, range(order.lo, order.hi + 1))
        return self._bits[kind]

    def _activation_bits(self) -> Bits:
        """The bits of the last layer built, in the order of ``acts``."""
        if self.depth not in self._bits:
            assert self.acts is not None
            values = self.instance.activations[self.depth - 1].values
            self._bits[self.depth] = to_binary(self.bank, self.acts, values)
        return self._bits[self.depth]


def match_labels(bank: ClauseBank, goal: Targets, layers: _Layers) -> tuple[Literals, Ints]:
    """Soft literals and what it costs to make each false: the avoidable errors.

    A forced label is pinned onto the outputs. For the others a match literal implies (and under ``exact``
    equals) the outputs' reading the label; the soft literal of a label is that it or one before it matches.
    """
    connection = layers.instance.architecture.connections[-1]
    activation = layers.instance.activations[-1]
    top, thresholds = activation.top, np.array(activation.thresholds, dtype=np.int64)
    n, omega = len(goal.inputs), connection.n_target
    several = np.bincount(goal.of, minlength=n) > 1
    forced = goal.forced
    label = np.zeros((n, omega), dtype=np.int64)
    label[goal.of[goal.first]] = goal.levels[goal.first]
    outputs = np.full((n, omega, top + 2), FALSE, dtype=np.int32)  # [level ≥ t] for t = 0 … top + 1
    outputs[:, :, 0] = TRUE
    for y in (-1, *range(top + 1)):
        first, last = (1, top) if y < 0 else (max(1, y), min(top, y + 1))
        t = np.arange(first, last + 1)
        # A literal above the label is used false, so it must be able to be forced true.
        up = goal.exact | (t != y)
        down = goal.exact | (t != y + 1)
        for pinned in (False, True):
            here = (forced == pinned)[:, None] & (
                several[:, None] if y < 0 else ~several[:, None] & (label == y)
            )
            neurons, rows = np.nonzero(np.broadcast_to(here, label.shape).T)
            if not len(rows) or not len(t):
                continue
            if pinned:
                out = np.broadcast_to(np.where(t <= y, TRUE, FALSE).astype(np.int32), (len(rows), len(t)))
            else:
                out = bank.fresh(len(rows), len(t))
                outputs[rows[:, None], neurons[:, None], t] = out
            for part, which in layers.sums(connection, neurons, rows):
                part.pin(thresholds[t - 1], out[which], up=up, down=down)
    free = ~forced[goal.of]
    of, labels = goal.of[free], goal.levels[free]
    neuron = np.arange(omega)
    conditions = np.concatenate(
        [outputs[of[:, None], neuron, labels], -outputs[of[:, None], neuron, labels + 1]], axis=1
    )
    match = bank.fresh(len(of))
    bank.add(-match[:, None], conditions)
    if goal.exact:
        bank.add_block(np.concatenate([match[:, None], -conditions], axis=1))
    prefix = match.copy()
    first = goal.first[free]
    later = np.flatnonzero(~first)
    prefix[later] = bank.fresh(len(later))
    bank.add(-prefix[later], prefix[later - 1], match[later])
    bank.add(prefix[later], -prefix[later - 1])
    bank.add(prefix[later], -match[later])
    last_label = np.append(first[1:], True)[: len(first)]
    bank.add(prefix[last_label & goal.must[of]])
    gains = goal.gains[free]
    return prefix[gains > 0], gains[gains > 0]


def count_errors(bank: ClauseBank, soft: Literals, gains: Ints, budget: int, *, exact: bool) -> None:
    """Let the gains of the false soft literals sum to at most, or exactly, the budget (PySAT's encodings)."""
    if budget >= int(gains.sum()):
        if exact:
            bank.add(-soft)
        return
    if budget == 0:
        bank.add(soft)
        return
    from pysat.card import CardEnc
    from pysat.card import EncType as CardType
    from pysat.pb import PBEnc

    lits = (-soft).tolist()
    if (gains == 1).all():
        encoding = CardType.seqcounter if len(lits) * budget <= 200_000 else CardType.cardnetwrk
        make = CardEnc.equals if exact else CardEnc.atmost
        counted = make(lits=lits, bound=budget, top_id=bank.n_variables, encoding=encoding)
    else:
        weighted = PBEnc.equals if exact else PBEnc.atmost
        counted = weighted(lits=lits, weights=gains.tolist(), bound=budget, top_id=bank.n_variables)
    bank.add_clauses(counted.clauses)
    bank.fresh(max(0, counted.nv - bank.n_variables))


def order_interchangeable(bank: ClauseBank, instance: Instance, parameters: Literals) -> None:
    """Let the parameters (P, d - 1) of interchangeable neurons rise from one to the next, as words.

    The literals of a parameter compare like its value, so words of values are words of literals.
    """
    for each in interchanges(instance):
        words = parameters[each.keys].reshape(len(each.members), -1)
        smaller, larger = words[:-1], words[1:]
        bits = words.shape[1]
        if not bits:
            continue
        equal = np.full((len(words) - 1, bits), TRUE, dtype=np.int32)  # all bits before this one are equal
        equal[:, 1:] = bank.fresh(len(words) - 1, bits - 1)
        bank.add(-equal, -smaller, larger)
        bank.add(-equal[:, :-1], -smaller[:, :-1], equal[:, 1:])
        bank.add(-equal[:, :-1], larger[:, :-1], equal[:, 1:])
