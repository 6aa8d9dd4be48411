"""Rounding as quadratic models over v = code − floor: one per neuron, or the undivided one.

Neuron i costs (u²/N) Σ_k (a_k·(v − r))², u = s_W·s_X, r = the real weights minus their floors, and a_k the
integer inputs, 1 last. Expanded this is the paper's d_i·v + vᵀS_i v + const with S_i = (u²/N) Σ_k a_k a_kᵀ
and d_i = −2 S_i r: the distance itself, constant included. No term has codes of two neurons, hence the split
into n problems; :meth:`QuboEncoder.undivided` builds the one problem of all n(f+1) bits without using that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.domain import IntArray
from qnnt.models import QuadraticModel
from qnnt.rounding.problem import LayerProblem
from qnnt.rounding.scheme import Ints


@dataclass(frozen=True)
class CodeLift:
    """Carries an assignment (m,) of a model back to integer codes (m,): code = ``base`` + v."""

    base: Ints

    def __call__(self, assignment: IntArray) -> IntArray:
        """The codes of an assignment; the bias's is last."""
        return self.base + assignment


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
        base, unit, N = problem.base[i], problem.unit[i], len(problem.design)
        target, constant = problem.real[i] - base, 0.0
        if problem.residual is not None:
            # The nearest point of the columns' span moves the target; what is left no choice can change.
            e = problem.residual[:, i] / unit
            shift = np.linalg.lstsq(problem.design, e, rcond=None)[0]
            target = target + shift
            constant = unit**2 * float(((e - problem.design @ shift) ** 2).mean())
        lower, upper = problem.lower[i] - base, problem.upper[i] - base
        dead = np.diagonal(problem.gram) == 0  # an input that is always 0: nothing depends on its code
        lower[dead] = upper[dead] = np.clip(np.rint(target), lower, upper)[dead]
        model = QuadraticModel(
            gram=problem.gram,
            target=target,
            lower=lower,
            upper=upper,
            scale=float(unit**2 / N),
            constant=constant,
        )
        return model, CodeLift(base)

    @staticmethod
    def undivided(problem: LayerProblem) -> tuple[QuadraticModel, CodeLift]:
        """All n(f+1) codes at once, row after row, from the outputs as one linear map of all of them."""
        n, N = problem.n, len(problem.design)
        outputs = np.kron(np.diag(problem.unit), problem.design)  # (n·N, n·(f+1))
        difference = np.zeros(n * N) if problem.residual is None else problem.residual.T.ravel()
        shift = np.linalg.lstsq(outputs, difference, rcond=None)[0]
        model = QuadraticModel(
            gram=outputs.T @ outputs,
            target=(problem.real - problem.base).ravel() + shift,
            lower=(problem.lower - problem.base).ravel(),
            upper=(problem.upper - problem.base).ravel(),
            scale=1 / N,
            constant=float(((difference - outputs @ shift) ** 2).sum()) / N,
        )
        return model, CodeLift(problem.base.ravel())
