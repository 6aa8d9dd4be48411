"""Rounding as quadratic models over v = code − base: one per neuron, or the undivided one.

The base of a code is the floor of the real weight, or the code allowed that is nearest to the floor. Neuron i
costs (u²/N) Σ_k (a_k·(v − r))², u = s_W·s_X, r = the real weights minus their bases, and a_k the integer
inputs, 1 last. Expanded this is the paper's d_i·v + vᵀS_i v + const with S_i = (u²/N) Σ_k a_k a_kᵀ
and d_i = −2 S_i r: the distance itself, constant included. No term has codes of two neurons, hence the split
into n problems; :meth:`QuboEncoder.undivided` builds the one problem of all n(f+1) bits without using that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qnnt.domain import IntArray
from qnnt.models import QuadraticModel
from qnnt.rounders.base import UNIT, noise
from qnnt.rounding.problem import GramProblem, LayerProblem, RowProblem
from qnnt.rounding.scheme import Ints


@dataclass(frozen=True)
class CodeLift:
    """Carries assignments and bounds of a neuron's model back to its codes and its cost.

    The code is ``base`` + v. Target and constant of the model are doubles, so that its objective is not quite
    the neuron's cost: with m the objective, the cost is at least (√(m − ``loss``) − ``error``)².
    """

    base: Ints
    loss: float = 0.0
    error: float = 0.0

    def __call__(self, assignment: IntArray) -> IntArray:
        """The codes of an assignment (m,); the bias's is last."""
        return self.base + assignment

    def bound(self, value: float) -> float:
        """A lower bound on the neuron's cost, from a lower bound on the model's objective."""
        least = max(value * (1 - 8 * UNIT) - self.loss, 0.0)
        return max(math.sqrt(least) - self.error, 0.0) ** 2


@dataclass(frozen=True)
class QuboEncoder:
    """The quadratic model of one ``neuron``; the Gram matrix is shared by all neurons of a layer.

    The code of an input that is 0 on all calibration points is fixed at the nearest one.
    """

    neuron: int
    name = "qubo"
    makes = QuadraticModel

    def apply(self, problem: LayerProblem) -> tuple[QuadraticModel, CodeLift]:
        """The model of the neuron's f+1 codes, and its lift."""
        i = self.neuron
        base, unit, (N, m) = problem.base[i], problem.unit[i], problem.design.shape
        target, left = problem.part[i], np.zeros(N)
        # Rounding errors of an output: those of the target, a number up to 1 less an integer, and the rest.
        errors = 2 * UNIT * (problem.sizes @ (np.abs(target) + 1))
        if problem.goal is not None:
            # The nearest point of the columns' span moves the target; what is left no choice can change.
            goal = problem.goal[:, i]
            target = target + np.linalg.lstsq(problem.design, goal - problem.design @ target, rcond=None)[0]
            left = goal - problem.design @ target
            errors = (m + 4) * UNIT * (problem.sizes @ (np.abs(target) + 1) + np.abs(goal))
        lower, upper = _box(problem, i)
        reach = np.maximum(np.abs(lower - target), np.abs(upper - target))
        # A sum of N or m products is wrong by at most this share of their sizes (Higham 2002, section 3.1).
        size, wrong = float(left @ left), 1.01 * (N + m + 8) * UNIT / 2
        # What is left is orthogonal to all columns, but for rounding errors.
        slope = np.abs(left @ problem.design) + wrong * (np.abs(left) @ problem.sizes)
        loss = 2 * float(slope @ reach) + wrong * size
        model = QuadraticModel(
            gram=problem.gram,
            target=target,
            lower=lower,
            upper=upper,
            scale=float(unit**2 / N),
            constant=float(unit**2 / N) * size,
        )
        error = float(unit) * float(np.sqrt((errors**2).mean()))
        return model, CodeLift(base, float(unit**2 / N) * loss, error)

    @staticmethod
    def undivided(problem: LayerProblem) -> tuple[QuadraticModel, CodeLift]:
        """All n(f+1) codes at once, row after row, from the outputs as one linear map of all of them."""
        n, N = problem.n, len(problem.design)
        outputs = np.kron(np.diag(problem.unit), problem.design)  # (n·N, n·(f+1))
        target, left = problem.part.ravel(), np.zeros(n * N)
        if problem.goal is not None:
            goal = (problem.goal * problem.unit).T.ravel()
            target = target + np.linalg.lstsq(outputs, goal - outputs @ target, rcond=None)[0]
            left = goal - outputs @ target
        model = QuadraticModel(
            gram=outputs.T @ outputs,
            target=target,
            lower=(problem.lower - problem.base).ravel(),
            upper=(problem.upper - problem.base).ravel(),
            scale=1 / N,
            constant=float(left @ left) / N,
        )
        return model, CodeLift(problem.base.ravel())


@dataclass(frozen=True)
class GramEncoder:
    """The quadratic model of one ``row`` whose inputs are known by their Gram matrix only."""

    row: int
    name = "gram"
    makes = QuadraticModel

    def apply(self, problem: GramProblem) -> tuple[QuadraticModel, CodeLift]:
        """The model of the row's m codes, and its lift."""
        i = self.row
        lower, upper = _box(problem, i)
        scale = float(problem.unit[i] ** 2 / problem.points)
        model = QuadraticModel(problem.gram, problem.part[i], lower, upper, scale)
        return model, CodeLift(problem.base[i], scale * noise(model))


def row_model(problem: RowProblem, row: int) -> tuple[QuadraticModel, CodeLift]:
    """The quadratic model of a row of any problem, and its lift."""
    if isinstance(problem, GramProblem):
        return GramEncoder(row).apply(problem)
    assert isinstance(problem, LayerProblem)
    return QuboEncoder(row).apply(problem)


def _box(problem: RowProblem, row: int) -> tuple[Ints, Ints]:
    """(m,) the least and the greatest v = code − base; the same where nothing depends on the code."""
    lower, upper = problem.lower[row] - problem.base[row], problem.upper[row] - problem.base[row]
    dead = np.diagonal(problem.gram) == 0  # an input that is always 0
    lower[dead] = upper[dead] = (problem.nearest(row) - problem.base[row])[dead]
    return lower, upper
