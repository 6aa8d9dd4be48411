"""The paper's dynamic program, Lemma 3, recurrence by recurrence: an oracle, slow and free of tricks.

Names are the paper's: 𝒳 are the distinct inputs, χ(t) is the bag of node t, V_t the union of the bags at and
below t. A state at t is (bias, weight, seen, future) and D[t] is the set of states whose entry is 1:

* bias(v) of each neuron v of the bag, weight(u, v) of each arc inside the bag,
* seen(x, v), what v receives on x from V_t, and future(x, v), what it receives from outside V_t.

v's whole pre-activation seen + future never changes along the tree, so neither does its activation
a_v(x) = ReLU_d(seen(x, v) + future(x, v) − bias(v)). In place of ReLU_d, v may have any step function, which
is evaluated here from its thresholds and values. Where the paper lets seen and future range over Z_{d²Δ},
here they take only values that some network reaches, which needs no bound Δ on the in-degree.

Three recurrences are wrong as printed (docs/errata.md). :class:`Printed` names them, and every function here
takes the ones to be used as the paper has them instead of repaired.

Neurons are numbered as in the architecture; ``nice`` decomposes its graph, inputs included.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from qnnt.architecture import Architecture
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.nice import Kind, NiceDecomposition, nice
from qnnt.decompositions.search import decompose
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.instance import Instance
from qnnt.network import Network

Vector = tuple[int, ...]
"""One integer for each input of 𝒳."""

Arc = tuple[int, int]


class Printed(StrEnum):
    """A recurrence that is wrong as the paper prints it."""

    INTRODUCE = "introduce"
    JOIN = "join"
    INPUTS = "inputs"


class State(NamedTuple):
    """One index of the table D[t, ·]: four functions as sorted (argument, value) pairs."""

    bias: tuple[tuple[int, int], ...]
    weight: tuple[tuple[Arc, int], ...]
    seen: tuple[tuple[int, Vector], ...]
    future: tuple[tuple[int, Vector], ...]

    @classmethod
    def of(
        cls,
        bias: Mapping[int, int],
        weight: Mapping[Arc, int],
        seen: Mapping[int, Vector],
        future: Mapping[int, Vector],
    ) -> State:
        """The state of four functions."""
        return cls(*(tuple(sorted(f.items())) for f in (bias, weight, seen, future)))  # type: ignore[arg-type]

    def extended(
        self,
        bias: Mapping[int, int],
        weight: Mapping[Arc, int],
        seen: Mapping[int, Vector],
        future: Mapping[int, Vector],
    ) -> State:
        """The state with more arguments."""
        more = bias, weight, seen, future
        return State.of(*(dict(old) | new for old, new in zip(self, more, strict=True)))  # type: ignore

    def moved(self, shares: Mapping[int, Vector]) -> State:
        """The state with these shares moved from future to seen."""
        seen = {u: _sum(s, shares[u]) for u, s in self.seen if u in shares}
        future = {u: _minus(f, shares[u]) for u, f in self.future if u in shares}
        return self.extended({}, {}, seen, future)

    def without(self, v: int) -> State:
        """The state without neuron v and its arcs."""
        bias = tuple(pair for pair in self.bias if pair[0] != v)
        seen, future = (tuple(pair for pair in f if pair[0] != v) for f in (self.seen, self.future))
        return State(bias, tuple(pair for pair in self.weight if v not in pair[0]), seen, future)


Table = dict[State, tuple[State, ...]]
"""The states at a node whose entry is 1, each with states of the children that make it so."""

Allowed = Sequence[Sequence[Collection[int]]]
"""allowed[j][i]: which values output j may show on input i of 𝒳."""


@dataclass(frozen=True)
class Verdict:
    """Whether a network meets the goal; if so the fewest (or exact) errors and a network with them."""

    possible: bool
    errors: int | None = None
    network: Network | None = None


def train(
    instance: Instance, decomposition: NiceDecomposition | None = None, printed: Collection[Printed] = ()
) -> Verdict:
    """Theorems 5 and 6: guess which input-output pairs are learned, by brute force, and train on those.

    Guesses are tried by rising error. For ``Exactly`` the other pairs must be wrong, so for each of them an
    output that shows something else is guessed as well. The time is exponential in the number of pairs:
    tiny instances only.
    """
    architecture, choices, values = instance.architecture, instance.choices, instance.activations[-1].values
    decomposition = decomposition or nice(towards_outputs(architecture))
    labels = choices.labels.tolist()
    pairs = list(zip(choices.of.tolist(), labels, choices.counts.tolist(), strict=True))
    # Pairs with a label that no output shows are wrong in every network: the choices leave them out.
    hopeless = choices.total - sum(count for _, _, count in pairs)
    goal, exactly = instance.goal, instance.goal.exact
    learned, others = -1, range(architecture.omega) if exactly else (0,)
    guesses = [
        (hopeless + sum(count for g, (_, _, count) in zip(guess, pairs, strict=True) if g != learned), guess)
        for guess in product((learned, *others), repeat=len(pairs))
    ]
    for errors, guess in sorted(guesses):
        right = [x for g, (x, _, _) in zip(guess, pairs, strict=True) if g == learned]
        if not goal.accepts(errors) or len(set(right)) < len(right):
            continue  # too many errors, or one input learned with two labels
        wanted = [[set(values) for _ in choices.inputs] for _ in range(architecture.omega)]
        for g, (x, y, _) in zip(guess, pairs, strict=True):
            if g == learned:
                for j, value in enumerate(y):
                    wanted[j][x] &= {value}
            elif exactly:
                wanted[g][x] -= {y[g]}
        asked = [x for x in range(len(choices.inputs)) if any(len(w[x]) < len(values) for w in wanted)]
        inputs = [tuple(row) for row in choices.inputs[asked].tolist()]
        allowed = [[w[x] for x in asked] for w in wanted]
        network = lemma_3(instance, inputs, allowed, decomposition, printed)
        if network is not None:
            return Verdict(True, errors, network)
    return Verdict(False)


def towards_outputs(architecture: Architecture) -> TreeDecomposition:
    """A tree decomposition of the architecture's graph, its root a bag with an output."""
    found = decompose(Graph.of(architecture), seconds=0.01)
    last = architecture.n_neurons - 1
    return found.rooted_at(next(t for t, bag in enumerate(found.bags) if last in bag))


def lemma_3(
    instance: Instance,
    inputs: Sequence[Vector],
    allowed: Allowed,
    decomposition: NiceDecomposition,
    printed: Collection[Printed] = (),
) -> Network | None:
    """A network that shows only allowed outputs on every input, or None if there is none.

    Architecture, domain and activations are the instance's; its data and goal play no part. ``inputs`` are
    the p distinct inputs 𝒳, each of α values. With a printed recurrence the answer may be wrong, and the
    network may show other outputs.
    """
    program = _Lemma3(instance, inputs, allowed, frozenset(printed))
    tables: list[Table] = []
    below: list[frozenset[int]] = []  # V_t
    for node in decomposition.nodes:
        v, children = node.vertex, [tables[child] for child in node.children]
        v_t = frozenset(node.bag).union(*(below[child] for child in node.children))
        match node.kind:
            case Kind.LEAF:
                table = program.leaf(v, v_t)
            case Kind.INTRODUCE:
                table = program.introduce(v, node.bag, v_t, children[0])
            case Kind.FORGET:
                table = program.forget(v, children[0])
            case Kind.JOIN:
                table = program.join(node.bag, v_t, *children)
            case _:
                table = {state: (state,) for state in children[0]}
        tables.append(table)
        below.append(v_t)
    root = State((), (), (), ())  # D[r, ∅, ∅, ∅, ∅]
    if root not in tables[-1]:
        return None
    bias: dict[int, int] = {}
    weight: dict[Arc, int] = {}
    stack = [(len(tables) - 1, root)]
    while stack:
        t, state = stack.pop()
        bias.update(state.bias)
        weight.update(state.weight)
        stack += zip(decomposition.nodes[t].children, tables[t][state], strict=True)
    architecture = instance.architecture
    weights = [weight[u, v] for u, v in architecture.arc_index.tolist()]
    biases = [bias[v] for v in range(architecture.alpha, architecture.n_neurons)]
    return instance.network(np.array(weights + biases, dtype=np.int64))


class _Lemma3:
    """The recurrences; ``bag`` is χ(t) and ``v_t`` is V_t."""

    def __init__(
        self,
        instance: Instance,
        inputs: Sequence[Vector],
        allowed: Allowed,
        printed: Collection[Printed],
    ) -> None:
        architecture, domain = instance.architecture, instance.domain
        self.z_d, self.printed = range(domain.lo, domain.hi + 1), printed
        self.arcs = {(u, v) for u, v in architecture.arc_index.tolist()}
        # Input neuron v has activation x[v] on x ∈ 𝒳.
        self.x = {v: tuple(x[v] for x in inputs) for v in range(architecture.alpha)}
        first_output = architecture.n_neurons - architecture.omega
        self.y = {first_output + j: values for j, values in enumerate(allowed)}
        # As printed, inputs are computed too, like neurons of the first layer after them.
        layers = (instance.activations[0], *instance.activations)
        sizes = map(len, architecture.layers)
        self.activation = [shown for size, shown in zip(sizes, layers, strict=True) for _ in range(size)]
        self.zero = (0,) * len(inputs)
        self._sums: dict[tuple[int, ...], set[Vector]] = {}

    def leaf(self, v: int, v_t: frozenset[int]) -> Table:
        """χ(t) = {v}: seen(x, v) = 0; bias(v) and future(x, v) are any."""
        return {
            State.of(bias, {}, dict.fromkeys(future, self.zero), future): ()
            for bias, future in self.guesses(v, v_t)
        }

    def introduce(self, v: int, bag: Sequence[int], v_t: frozenset[int], child: Table) -> Table:
        """χ(t) = χ(t') ∪ {v}: bias(v), future(x, v) and the weights of v's arcs inside the bag are any.

        seen(x, v) = Σ weight(u, v)·a_u(x) over the in-neighbours u of v in the bag.

        Printed for the old neurons u: seen(x, u) = seen'(x, u), future(x, u) = future'(x, u). But v is in
        V_t now, so what it sends to u has been seen. Repaired: with share = weight(v, u)·a_v(x),
        seen(x, u) = seen'(x, u) + share and future(x, u) = future'(x, u) − share.
        """
        table: Table = {}
        into = [(u, v) for u in bag if (u, v) in self.arcs]
        out = [(v, u) for u in bag if (v, u) in self.arcs]
        for old in child:
            received = {
                weights: _sum(
                    self.zero, *(_times(w, self.a(arc[0], old)) for arc, w in zip(into, weights, strict=True))
                )
                for weights in product(self.z_d, repeat=len(into))
            }
            for (bias, future), (weights, value) in product(self.guesses(v, v_t), received.items()):
                seen = dict.fromkeys(future, value)
                state = old.extended(bias, dict(zip(into, weights, strict=True)), seen, future)
                a_v = self.a(v, state)
                for sent in product(self.z_d, repeat=len(out)):
                    shares = {u: _times(w, a_v) for (_, u), w in zip(out, sent, strict=True)}
                    if Printed.INTRODUCE in self.printed:
                        shares = {}
                    new = state.extended({}, dict(zip(out, sent, strict=True)), {}, {}).moved(shares)
                    if shares == {} or self.reachable(new, shares, v_t):
                        table[new] = (old,)
        return table

    def forget(self, v: int, child: Table) -> Table:
        """χ(t) = χ(t') ∖ {v}: all that v receives has been seen, and an output shows what it must.

        Printed for an input neuron: bias'(v) = 0 and seen'(x, v) is v's value in x. But an input receives
        nothing, so seen'(x, v) = 0. Repaired: its activation is x by definition; nothing is to be ensured.
        """
        table: Table = {}
        for old in child:
            seen, future = dict(old.seen), dict(old.future)
            if v in future and future[v] != self.zero:
                continue
            if (
                v in self.x
                and Printed.INPUTS in self.printed
                and (dict(old.bias)[v], seen[v]) != (0, self.x[v])
            ):
                continue
            if v in self.y and any(a not in ok for a, ok in zip(self.a(v, old), self.y[v], strict=True)):
                continue
            table[old.without(v)] = (old,)
        return table

    def join(self, bag: Sequence[int], v_t: frozenset[int], left: Table, right: Table) -> Table:
        """χ(t) = χ(t_1) = χ(t_2): equal bias and weight, seen = seen_1 + seen_2 − (what the bag sends).

        Printed beside it: future = future_1 = future_2, and seen_1 + future_1 = seen_2 + future_2; so
        seen_1 = seen_2, and seen + future is not what the activations were computed from. Repaired:
        seen + future = seen_1 + future_1 = seen_2 + future_2, and nothing else.
        """
        table: Table = {}
        agreeing: dict[Any, list[State]] = {}
        for second in right:
            agreeing.setdefault(self.interface(second), []).append(second)
        for first in left:
            seen_1, future_1, weight = dict(first.seen), dict(first.future), dict(first.weight)
            within = {
                u: _sum(self.zero, *(_times(weight[w, u], self.a(w, first)) for w in bag if (w, u) in weight))
                for u in seen_1
            }
            for second in agreeing.get(self.interface(first), ()):
                seen = {u: _sum(seen_1[u], _minus(s, within[u])) for u, s in second.seen}
                future = {u: _minus(_sum(seen_1[u], future_1[u]), seen[u]) for u in seen}
                if Printed.JOIN in self.printed:
                    future = future_1
                new = State.of(dict(first.bias), weight, seen, future)
                if Printed.JOIN in self.printed or self.reachable(new, seen, v_t):
                    table[new] = (first, second)
        return table

    def interface(self, state: State) -> Any:
        """What two states must agree on to be joined."""
        total = tuple((u, _sum(s, f)) for (u, s), (_, f) in zip(state.seen, state.future, strict=True))
        future = state.future if Printed.JOIN in self.printed else ()
        return state.bias, state.weight, total, future

    def a(self, v: int, state: State) -> Vector:
        """a_v(x) for x ∈ 𝒳, from v's bias and the total of seen and future."""
        if self.is_input(v):
            return self.x[v]
        bias, total = dict(state.bias)[v], _sum(dict(state.seen)[v], dict(state.future)[v])
        return tuple(self.shown(v, z - bias) for z in total)

    def shown(self, v: int, z: int) -> int:
        """What v shows: the value that belongs to the number of thresholds up to z (ReLU_d in the paper)."""
        return self.activation[v].values[bisect_right(self.activation[v].thresholds, z)]

    def is_input(self, v: int) -> bool:
        """Whether v's activation is given; as printed, inputs are computed like other neurons."""
        return v in self.x and Printed.INPUTS not in self.printed

    def guesses(self, v: int, v_t: frozenset[int]) -> list[tuple[dict[int, int], dict[int, Vector]]]:
        """Every bias(v) and future(·, v) that a new neuron may have; none for an input."""
        if self.is_input(v):
            return [({}, {})]
        return [({v: b}, {v: f}) for b, f in product(self.z_d, self.sums(v, v_t))]

    def reachable(self, state: State, neurons: Iterable[int], v_t: frozenset[int]) -> bool:
        """Whether what these neurons are still to receive can come from their in-neighbours outside V_t."""
        future = dict(state.future)
        return all(future[u] in self.sums(u, v_t) for u in neurons)

    def sums(self, v: int, v_t: frozenset[int]) -> set[Vector]:
        """All that v may receive from its in-neighbours outside V_t, each taken by itself."""
        outside = tuple(sorted(u for u, w in self.arcs if w == v and u not in v_t))
        if outside not in self._sums:
            sums = {self.zero}
            for u in outside:
                sent = {_times(w, a) for w in self.z_d for a in self.activations(u)}
                sums = {_sum(s, more) for s in sums for more in sent}
            self._sums[outside] = sums
        return self._sums[outside]

    def activations(self, u: int) -> set[Vector]:
        """All activations that u may have."""
        if u in self.x:
            return {self.x[u]}
        sums = self.sums(u, frozenset())
        return {tuple(self.shown(u, z - b) for z in s) for s in sums for b in self.z_d}


def _sum(*vectors: Vector) -> Vector:
    return tuple(map(sum, zip(*vectors, strict=True)))


def _minus(a: Vector, b: Vector) -> Vector:
    return tuple(i - j for i, j in zip(a, b, strict=True))


def _times(w: int, a: Vector) -> Vector:
    return tuple(w * i for i in a)
