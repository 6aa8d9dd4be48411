"""Training as one CNF, written down from the definition: an independent second opinion on the other encoders.

Every data point has neurons of its own. A sum is taken arc by arc, and each partial sum, each value that a
neuron shows and each number of errors so far is a set of variables, one for each possible value, of which
exactly one is true. Nothing is shared, merged, left out or ordered, and nothing is imported that the other
encoders are made of. So an assignment that satisfies the clauses is one network and what it computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, product

import numpy as np

from qnnt.activation import Activation
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import Formula, ParameterLift

_TRUE = 1
_MOST = 5_000_000  # clauses

Choice = dict[int, int]
"""The literal of each possible value; exactly one is true."""


@dataclass(frozen=True)
class PlainEncoder:
    """Clauses from the definition, for small instances: one model for each network that meets the goal.

    Interchangeable neurons are not ordered, whatever ``symmetry`` says.
    """

    symmetry: bool = True
    name = "plain"
    makes = Formula

    def apply(self, instance: Instance) -> tuple[Formula, ParameterLift]:
        """The formula of an instance, and the lift of its assignments (n_variables + 1,) of 0/1.

        Raises :class:`Unsupported` beyond 5 million clauses.
        """
        clauses, domain, architecture = _Clauses(), instance.domain, instance.architecture
        index = [[clauses.fresh() for _ in range(domain.d - 1)] for _ in range(architecture.n_parameters)]
        parameters = [_parameter(clauses, literals, domain.lo) for literals in index]
        wrong = [
            _is_wrong(clauses, instance, parameters, x, y)
            for x, y in zip(instance.dataset.inputs.tolist(), instance.dataset.labels.tolist(), strict=True)
        ]
        counts, goal = instance.dataset.counts.tolist(), instance.goal
        if goal.budget is not None:
            for errors, literal in _total(clauses, wrong, counts, goal.budget).items():
                if not goal.accepts(errors):
                    clauses.add(-literal)
        formula = Formula(
            clauses.n_variables,
            clauses.blocks(),
            -np.array(wrong, dtype=np.int32),
            np.array(counts, dtype=np.int64),
            offset=0,
            minimize=goal.minimizes,
        )
        shape = architecture.n_parameters, domain.d - 1
        return formula, ParameterLift(instance, np.array(index, dtype=np.int64).reshape(shape), domain.lo)


@dataclass
class _Clauses:
    """Variables and clauses so far; variable 1 is true."""

    n_variables: int = _TRUE
    rows: list[list[int]] = field(default_factory=lambda: [[_TRUE]])

    def fresh(self) -> int:
        self.n_variables += 1
        return self.n_variables

    def add(self, *literals: int) -> None:
        if _TRUE in literals:
            return
        self.rows.append([literal for literal in literals if literal != -_TRUE] or [-_TRUE])
        if len(self.rows) > _MOST:
            raise Unsupported(f"the plain encoding takes more than {_MOST:,} clauses; try encoder clauses")

    def one_of(self, values: Iterable[int]) -> Choice:
        """New variables for these values, exactly one of which is true."""
        choice = {value: self.fresh() for value in sorted(set(values))}
        self.add(*choice.values())
        for one, other in combinations(choice.values(), 2):
            self.add(-one, -other)
        return choice

    def blocks(self) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int32]], ...]:
        """The clauses by width, those of a width in order."""
        by_width: dict[int, list[list[int]]] = {}
        for row in self.rows:
            by_width.setdefault(len(row), []).append(row)
        return tuple(np.array(rows, dtype=np.int32) for rows in by_width.values())


def _parameter(clauses: _Clauses, literals: Sequence[int], lo: int) -> Choice:
    """The values of a parameter whose ``literals`` say that it is above lo, above lo + 1 and so on."""
    for below, above in pairwise(literals):
        clauses.add(-above, below)
    ladder = [_TRUE, *literals, -_TRUE]
    choice = clauses.one_of(range(lo, lo + len(literals) + 1))
    for value, literal in choice.items():
        clauses.add(-literal, ladder[value - lo])
        clauses.add(-literal, -ladder[value - lo + 1])
    return choice


def _is_wrong(
    clauses: _Clauses, instance: Instance, parameters: Sequence[Choice], x: Sequence[int], y: Sequence[int]
) -> int:
    """A literal that is true if and only if the network's outputs on x are not y."""
    architecture = instance.architecture
    layers, n_arcs = architecture.layers, architecture.n_arcs
    shown: dict[str, Choice] = {name: {value: _TRUE} for name, value in zip(layers[0], x, strict=True)}
    entering: dict[str, list[tuple[str, Choice]]] = {}
    for (source, target), weight in zip(architecture.arcs, parameters[:n_arcs], strict=True):
        entering.setdefault(target, []).append((source, weight))
    biases = iter(parameters[n_arcs:])
    for layer, names in enumerate(layers[1:], start=1):
        last = layer == len(layers) - 1
        activation = instance.activation.output if last else instance.activation.hidden
        for name in names:
            total = {-value: literal for value, literal in next(biases).items()}
            for source, weight in entering[name]:
                total = _plus_product(clauses, total, weight, shown[source])
            shown[name] = _activated(clauses, total, activation)
    wrong = clauses.fresh()
    right = [shown[name].get(label, -_TRUE) for name, label in zip(layers[-1], y, strict=True)]
    for literal in right:
        clauses.add(literal, wrong)
    clauses.add(*(-literal for literal in right), -wrong)
    return wrong


def _plus_product(clauses: _Clauses, total: Choice, weight: Choice, value: Choice) -> Choice:
    """The sum of ``total`` and weight · value."""
    terms = list(product(total.items(), weight.items(), value.items()))
    result = clauses.one_of(t + w * v for (t, _), (w, _), (v, _) in terms)
    for (t, has_t), (w, has_w), (v, has_v) in terms:
        clauses.add(-has_t, -has_w, -has_v, result[t + w * v])
    return result


def _activated(clauses: _Clauses, total: Choice, activation: Activation) -> Choice:
    """What the activation shows: the value after the last threshold that is reached."""
    levels = {t: sum(t >= threshold for threshold in activation.thresholds) for t in total}
    result = clauses.one_of(activation.values[level] for level in levels.values())
    for t, literal in total.items():
        clauses.add(-literal, result[activation.values[levels[t]]])
    return result


def _total(clauses: _Clauses, wrong: Sequence[int], counts: Sequence[int], budget: int) -> Choice:
    """How many data points are wrong in all; budget + 1 stands for all numbers above the budget."""
    total: Choice = {0: _TRUE}
    for literal, count in zip(wrong, counts, strict=True):
        after = {errors: min(errors + count, budget + 1) for errors in total}
        result = clauses.one_of([*total, *after.values()])
        for errors, has in total.items():
            clauses.add(-has, -literal, result[after[errors]])
            clauses.add(-has, literal, result[errors])
        total = result
    return total
