"""What neurons of the program with indicators have in common, computed once for all that see the same.

A neuron's pre-activation S is a sum over its sources. Which inputs it can tell apart, the coefficients of S,
its range, and which of its bits "S ≥ t" are open depend on its sources only, not on its own variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.domain import Domain, IntArray
from qnnt.encoders.rows import Ints
from qnnt.rowcodes import distinct_rows

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cases:
    """What neurons have in common that see the same: all but the variables.

    ``group`` (n,) numbers the m cases that they tell apart, ``seen`` (m, q) says what these are: values of
    inputs, or numbers of the sources' own cases. S has the coefficients ``coef`` (m, k), that of the bias
    last, and is in [``least``, ``most``] (m,). Of the bits "S ≥ t", (m, number of thresholds), those in
    ``free`` are variables, and those in ``always`` are 1.
    """

    group: Ints
    seen: Ints
    coef: Ints
    least: Ints
    most: Ints
    free: Flags
    always: Flags

    @classmethod
    def of(cls, seen: Ints, into: list[Shown], domain: Domain, activation: Activation) -> Cases:
        """The distinct rows of ``seen`` (n, q); ``into`` are the sources, none if these are inputs."""
        group, first = _distinct(seen)
        seen = seen[first]
        if into:
            nodes = list(zip(into, seen.T, strict=True))
            coef = np.concatenate([u.coef[case] for u, case in nodes], axis=1)
            least, most = sum(u.ends[case] for u, case in nodes).T
        else:
            coef = seen
            least, most = (
                f(coef * domain.lo, coef * domain.hi).sum(axis=1) for f in (np.minimum, np.maximum)
            )
        coef = np.concatenate([coef, np.full((len(seen), 1), -1)], axis=1)
        least, most = least - domain.hi, most - domain.lo
        thresholds = np.array(activation.thresholds, dtype=np.int64)
        always = thresholds <= least[:, None]
        return cls(group, seen, coef, least, most, ~always & (thresholds <= most[:, None]), always)


@dataclass(frozen=True)
class Shown:
    """A weight times the value of a hidden neuron, for neurons of the same ``cases``: all but the variables.

    It is Σ ``coef``·var (m, k or k + 1) in each case: the products of the bits with the weight, and after
    them, unless 0 is shown at the least, the weight. ``ends`` (m, 2) are its least and greatest value.
    """

    cases: Cases
    coef: Ints
    ends: Ints

    @classmethod
    def of(cls, cases: Cases, activation: Activation, domain: Domain) -> Shown:
        """For weights in the domain."""
        values = activation.show(np.arange(activation.top + 1))
        lowest = values[cases.always.sum(axis=1)]
        highest = values[(cases.always | cases.free).sum(axis=1)]
        least = np.minimum(domain.lo * highest, domain.hi * lowest)
        most = np.maximum(domain.hi * highest, domain.lo * lowest)
        coef = np.broadcast_to(np.diff(values), cases.free.shape)
        if lowest.any():
            coef = np.concatenate([coef, lowest[:, None]], axis=1)
        return cls(cases, coef, np.stack([least, most], axis=1))


@dataclass(frozen=True)
class Node:
    """A hidden neuron on all inputs: ``active`` (m, k) are its bits in each case."""

    shown: Shown
    active: Ints


@dataclass(frozen=True)
class Fixed:
    """Outputs that have to show known levels, in each case ``seen`` (m, q): all but the variables.

    S reaches a threshold where ``up`` (m,), and misses one where ``down``; ``reached`` and ``missed`` are
    the coefficients and right-hand sides of these rows.
    """

    seen: Ints
    up: Flags
    down: Flags
    reached: tuple[Ints, Ints]
    missed: tuple[Ints, Ints]

    @classmethod
    def of(cls, cases: Cases, levels: Ints, activation: Activation) -> Fixed:
        """For the ``levels`` (n,) on n inputs and an activation with thresholds."""
        _, first = _distinct(np.column_stack([cases.group, levels]))
        case, level = cases.group[first], levels[first]
        coef, up, down = cases.coef[case], level > 0, level < activation.top
        thresholds = np.array(activation.thresholds, dtype=np.int64)
        # A threshold beyond the range of S counts as one just outside of it, so that no number is large.
        ends = cases.least[case], cases.most[case] + 1
        reached = np.clip(thresholds[np.maximum(level - 1, 0)], *ends)
        missed = np.clip(thresholds[np.minimum(level, activation.top - 1)], *ends)
        return cls(cases.seen[case], up, down, (coef[up], reached[up]), (-coef[down], 1 - missed[down]))


def _distinct(rows: IntArray) -> tuple[Ints, Ints]:
    """For each row the number of its own among the distinct ones, and for each of these where it first is."""
    _, group = distinct_rows(rows)
    _, first = np.unique(group, return_index=True)
    return group, first
