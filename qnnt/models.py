"""What encoders make and backends accept.

Every model of an instance bounds or minimises its *error*; a quadratic model is a neuron's rounding problem.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from qnnt.box import Box
from qnnt.domain import IntArray
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.symmetry import Interchange, arranged, interchanges

if TYPE_CHECKING:
    import dimod
    from ortools.sat.python import cp_model


class Model(Protocol):
    """What every model of an instance can tell; the instance itself is none, and answers for itself."""

    @property
    def minimize(self) -> bool:
        """Whether the error is to be minimised; otherwise the model bounds it."""

    def cost(self, assignment: IntArray) -> int:
        """The error that an assignment stands for."""

    def sizes(self) -> dict[str, int]:
        """Counts for the statistics."""


@runtime_checkable
class Bounded(Protocol):
    """A model some of whose variables can be given smaller ranges."""

    def within(self, variables: IntArray, lower: IntArray, upper: IntArray) -> Self:
        """A copy of the model in which each of the variables (m,) is between ``lower`` and ``upper`` (m,)."""


_MARKS = set(',[]"')


@dataclass(frozen=True)
class ParameterLift:
    """Carries an assignment of a model of an instance back to a network.

    Parameter p (weights in the order of ``architecture.arcs``, then biases) is ``base`` plus the sum of the
    variables ``index[p]`` (P, k): one integer variable, or the d-1 literals of an order encoding.
    """

    instance: Instance
    index: npt.NDArray[np.int64]
    base: int

    @classmethod
    def of_first(cls, instance: Instance) -> ParameterLift:
        """The lift of a model whose first variables are the parameters themselves."""
        return cls(instance, np.arange(instance.architecture.n_parameters).reshape(-1, 1), 0)

    def __call__(self, assignment: IntArray) -> Network:
        """The network of an assignment (one value per variable number; entry 0 of a CNF's is unused)."""
        return self.instance.network(self.base + assignment[self.index].sum(axis=1))

    def plant(self, network: Network) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(variables, values), (P·k,) each, of the parameters of a network; other variables are left open.

        Interchangeable neurons are put in the order that encoders ask for.
        """
        ordered = arranged(network, self._interchanges)
        steps = ordered.vector[:, None] - self.base
        # One integer variable, or the literals [parameter > base], [parameter > base + 1], …
        values = steps if self.index.shape[1] == 1 else steps > np.arange(self.index.shape[1])
        return self.index.ravel(), np.broadcast_to(values, self.index.shape).astype(np.int64).ravel()

    @cached_property
    def _interchanges(self) -> tuple[Interchange, ...]:
        return interchanges(self.instance)  # each network that others find is planted

    def bounds(self, box: Box) -> tuple[npt.NDArray[np.int64], ...]:
        """(variables, lower, upper), (m·k,) each: what a box says of the model's variables."""
        parameters, least, greatest = box.arrays
        index, low, high = self.index[parameters], least - self.base, greatest - self.base
        if index.shape[1] == 1:
            return index[:, 0], low, high
        place = np.arange(index.shape[1])  # of the literals [parameter > base], [parameter > base + 1], …
        lower, upper = place < low[:, None], place < high[:, None]
        return index.ravel(), lower.astype(np.int64).ravel(), upper.astype(np.int64).ravel()

    def variables(self) -> Mapping[str, Any]:
        """What ``qnnt encode`` writes beside a model: parameter = base + sum of its variables."""
        return {
            "base": self.base,
            "parameters": dict(zip(parameter_names(self.instance), self.index.tolist(), strict=True)),
        }


def parameter_names(instance: Instance) -> list[str]:
    """``weight[a,b]`` of each arc, then ``bias[v]`` of each neuron, in the order of a network's vector.

    A neuron whose name has a comma, a bracket or a quote stands in quotes, as a JSON string, so that no two
    parameters have one name.
    """
    architecture = instance.architecture
    names = [f"weight[{_quoted(a)},{_quoted(b)}]" for a, b in architecture.arcs]
    return names + [f"bias[{_quoted(v)}]" for layer in architecture.layers[1:] for v in layer]


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if _MARKS & set(name) else name


class Priced:
    """A model whose objective is an integer and stands for an error: ``offset`` + ``unit`` · objective.

    The unit is what divides the cost of every choice, so that the numbers of a model are small.
    """

    offset: int
    unit: int

    def error(self, objective: int) -> int:
        """The error that a value of the objective, or a bound on it, stands for."""
        return self.offset + self.unit * objective


@dataclass(frozen=True)
class Formula(Priced):
    """Hard and soft clauses. Variable 1 is true.

    ``hard`` holds blocks (m, k) of m clauses with k distinct literals each. ``soft`` (s,) are literals; the
    objective of a model is the sum of the ``weights`` (s,) of the soft literals that it makes false.
    ``minimize`` says whether it is to be minimised (otherwise ``hard`` already bounds it).
    """

    n_variables: int
    hard: tuple[npt.NDArray[np.int32], ...]
    soft: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int64]
    offset: int
    minimize: bool
    unit: int = 1

    @property
    def n_clauses(self) -> int:
        """Number of hard clauses."""
        return sum(len(block) for block in self.hard)

    def cost(self, assignment: IntArray) -> int:
        """The error that an assignment (n_variables + 1,) of 0/1 stands for."""
        true = (assignment[np.abs(self.soft)] == 1) == (self.soft > 0)
        return self.error(int(self.weights[~true].sum()))

    def within(self, variables: IntArray, lower: IntArray, upper: IntArray) -> Self:
        """See :class:`Bounded`: a clause of one literal for each variable that has but one value left."""
        fixed = np.where(lower == 1, variables, -variables)[lower == upper]
        return replace(self, hard=(*self.hard, fixed.astype(np.int32)[:, None]))

    def sizes(self) -> dict[str, int]:
        """Counts for the statistics."""
        literals = sum(block.size for block in self.hard)
        return {"variables": self.n_variables, "clauses": self.n_clauses, "literals": literals}


@dataclass(frozen=True)
class Rows:
    """Sparse linear rows Σ coef·var ≥ lower: row r owns entries ``starts[r]`` to ``starts[r+1]``."""

    starts: npt.NDArray[np.int64]
    index: npt.NDArray[np.int64]
    coef: npt.NDArray[np.int64]
    lower: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lower)


@dataclass(frozen=True)
class LinearModel(Priced):
    """An integer program: all variables integer in [``lower``, ``upper``], ``rows`` to be satisfied.

    ``objective`` · x is to be minimised if ``minimize``, else the rows bound it.
    """

    lower: npt.NDArray[np.int64]
    upper: npt.NDArray[np.int64]
    names: tuple[str, ...]
    rows: Rows
    objective: npt.NDArray[np.int64]
    offset: int
    minimize: bool
    unit: int = 1

    def cost(self, assignment: IntArray) -> int:
        """The error that an assignment (n,) stands for."""
        return self.error(int(self.objective @ assignment))

    def within(self, variables: IntArray, lower: IntArray, upper: IntArray) -> Self:
        """See :class:`Bounded`."""
        ends = self.lower.copy(), self.upper.copy()
        ends[0][variables], ends[1][variables] = lower, upper
        return replace(self, lower=ends[0], upper=ends[1])

    def largest_sum(self) -> float:
        """How far from 0 a row's bound, or the terms of a row or of the objective, can get."""
        rows, reach = self.rows, np.maximum(np.abs(self.lower), np.abs(self.upper)).astype(np.float64)
        row = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
        sums = np.bincount(row, np.abs(rows.coef) * reach[rows.index], minlength=len(rows))
        bounds = np.abs(rows.lower).max(initial=0)
        return float(max(sums.max(initial=0), bounds, self.minimize * (np.abs(self.objective) @ reach)))

    def sizes(self) -> dict[str, int]:
        """Counts for the statistics."""
        return {"variables": len(self.lower), "constraints": len(self.rows), "nonzeros": len(self.rows.index)}


@dataclass(frozen=True)
class PseudoBooleanModel(LinearModel):
    """A linear model all of whose variables are 0/1."""


@dataclass(frozen=True)
class CpSatModel(Priced):
    """An ortools model, whose objective is ``weights`` (k,) · the variables numbered ``objective`` (k,)."""

    model: cp_model.CpModel
    objective: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]
    offset: int
    minimize: bool
    counts: dict[str, int] = field(default_factory=dict)
    unit: int = 1

    def cost(self, assignment: IntArray) -> int:
        """The error that an assignment (n,) stands for."""
        return self.error(int(self.weights @ assignment[self.objective]))

    def within(self, variables: IntArray, lower: IntArray, upper: IntArray) -> Self:
        """See :class:`Bounded`."""
        model = self.model.clone()
        for variable, *ends in zip(variables.tolist(), lower.tolist(), upper.tolist(), strict=True):
            domain = model.proto.variables[variable].domain
            domain.clear()
            domain.extend(ends)
        return replace(self, model=model)

    def sizes(self) -> dict[str, int]:
        """Counts for the statistics."""
        return dict(self.counts)


@dataclass(frozen=True)
class QuadraticModel:
    """Minimise ``scale``·(v − target)ᵀ·gram·(v − target) + ``constant`` over integers lower ≤ v ≤ upper.

    ``gram`` (m, m) is symmetric and positive semidefinite, ``target``, ``lower`` and ``upper`` are (m,). As a
    closest-vector problem: gram = AᵀA, and A·v is to be near A·target. With 0 ≤ v ≤ 1 it is a QUBO.
    """

    gram: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]
    lower: npt.NDArray[np.int64]
    upper: npt.NDArray[np.int64]
    scale: float = 1.0
    constant: float = 0.0

    def cost(self, assignment: IntArray) -> float:
        """The objective of an assignment (m,)."""
        difference = assignment - self.target
        return self.constant + self.scale * float(difference @ self.gram @ difference)

    @property
    def free(self) -> npt.NDArray[np.int64]:
        """Numbers of the variables that have a choice."""
        return np.flatnonzero(self.lower < self.upper)

    @property
    def binary(self) -> bool:
        """Whether no variable has more than two values."""
        return bool((self.upper - self.lower <= 1).all())

    def qubo(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
        """(d, S, c) with cost = d·v + vᵀSv + c: the paper's d_i (m,) and S_i (m, m), S symmetric.

        Both S[i, j] and S[j, i] count, so a pair's coefficient is 2·S[i, j]; for bits, S[i, i] adds to d[i].
        """
        pull = self.gram @ self.target
        constant = self.constant + self.scale * float(self.target @ pull)
        return -2 * self.scale * pull, self.scale * self.gram, constant

    def bits(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
        """(linear, pairs, offset) over the bits z of the free variables, v = lower + z.

        cost = linear·z + Σ_{i<j} pairs[i, j]·z_i·z_j + offset; pairs (k, k) has zeros on and below its
        diagonal. Raises ValueError if a variable has more than two values.
        """
        if not self.binary:
            raise ValueError("a variable has more than two values: no QUBO")
        free, difference = self.free, self.lower - self.target
        gram = self.gram[np.ix_(free, free)]
        linear = self.scale * (2 * (self.gram @ difference)[free] + np.diagonal(gram))
        return linear, np.triu(2 * self.scale * gram, 1), self.cost(self.lower)

    def bqm(self) -> dimod.BinaryQuadraticModel:
        """The free bits as a dimod model, labelled by variable number; its energy is the cost."""
        import dimod

        linear, pairs, offset = self.bits()
        heads, tails = np.nonzero(pairs)
        return dimod.BinaryQuadraticModel.from_numpy_vectors(
            linear, (heads, tails, pairs[heads, tails]), offset, "BINARY", variable_order=self.free.tolist()
        )

    def sizes(self) -> dict[str, int]:
        """Counts for the statistics."""
        return {"variables": len(self.target), "free": len(self.free)}


@dataclass(frozen=True, eq=False)
class Multipliers:
    """What a lower ``bound`` on the cost of a quadratic model of m variables rests on: a matrix S, a point.

    S (m, m) is symmetric, with S[rows[k], columns[k]] = values[k] on and below its diagonal, and 0
    elsewhere. It has entries for variables that have a choice only, and on these gram − S is positive
    semidefinite. If S is diagonal, it holds the multipliers λ of Shor's relaxation. ``point`` (m,) is a real
    assignment, near the least of the convex part of the cost.
    :func:`qnnt.verify.dual.confirmed_bound` says how a bound follows.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    point: npt.NDArray[np.float64]
    bound: float

    @classmethod
    def diagonal(
        cls,
        columns: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        point: npt.NDArray[np.float64],
        bound: float,
    ) -> Self:
        """λ: a value (k,) for each of the columns (k,)."""
        return cls(columns, columns, values, point, bound)
