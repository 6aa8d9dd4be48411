"""What a proof has to show for an answer, and the encoder and solver that it is made by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from qnnt import registry
from qnnt.backends.base import Backend
from qnnt.backends.proving import ProvingBackend, leaves_proofs
from qnnt.backends.proving_pseudo_boolean import ProvingPseudoBoolean
from qnnt.backends.pseudo_boolean import PseudoBooleanBackend
from qnnt.backends.sat import SatBackend
from qnnt.encoders.base import Encoder
from qnnt.encoders.boxed import AroundEncoder
from qnnt.encoders.fewest import AtMostWeights
from qnnt.exceptions import Unsupported
from qnnt.files.models import write_model
from qnnt.files.proofs import Form, ProofFolder
from qnnt.goals import AtMost, Goal
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.models import Formula, ParameterLift, PseudoBooleanModel
from qnnt.result import Result


def claim_of(instance: Instance, result: Result) -> Goal | None:
    """The goal that no network meets if the result is right; None if that needs no proof.

    For UNSATISFIABLE it is the instance's own. A lower bound of m, as of OPTIMAL, says that none has at most
    m - 1 errors. That no network has fewer than 0 needs no proof, nor does a network that was replayed.
    """
    if result.status is Status.UNSATISFIABLE:
        return instance.goal
    bound = result.lower_bound or 0
    if result.status is Status.OPTIMAL or (
        result.status is Status.UNKNOWN and bound > instance.choices.unavoidable
    ):
        return AtMost(bound - 1) if bound else None
    return None


@dataclass(frozen=True)
class RecordedEncoder(AroundEncoder):
    """Makes the formula of ``encoder``, and writes it and the map of its variables."""

    folder: ProofFolder

    def apply(self, instance: Instance) -> tuple[Any, ParameterLift]:
        """The formula; raises :class:`InputError` if it cannot be written."""
        model, lift = self.encoder.apply(instance)
        write_model(model, lift, self.folder.formula, self.folder.form.model)
        return model, lift


@dataclass(frozen=True)
class Prover:
    """An encoder, and a solver that leaves proofs about what it makes."""

    encoder: Encoder
    solver: Any

    @property
    def weights(self) -> int | None:
        """How many weights the encoder leaves at most, if it counts them."""
        return self.encoder.most if isinstance(self.encoder, AtMostWeights) else None

    @classmethod
    def of(cls, backend: object, encoder: str | Encoder | None, *, symmetry: bool) -> Prover:
        """With this backend and this encoder as far as they suit a proof, else with the usual ones."""
        named = _single(backend)
        chosen = registry.encoder(encoder, symmetry=symmetry) if isinstance(encoder, str) else encoder
        if _pseudo_boolean(named, chosen):
            made = chosen or registry.encoder("pseudo-boolean", symmetry=symmetry)
            return cls(made, PseudoBooleanBackend())
        if chosen is None or not issubclass(chosen.makes, Formula):
            chosen = registry.default_encoder(Formula, symmetry=symmetry)
            if chosen is None:
                raise Unsupported("no encoder makes clauses, so there can be no proof")
        return cls(chosen, named if named is not None and leaves_proofs(named) else SatBackend())

    @property
    def form(self) -> Form:
        """What the formula and the proof are written in."""
        return Form.VERIPB if isinstance(self.solver, PseudoBooleanBackend) else Form.DRAT

    def job(self, folder: ProofFolder) -> dict[str, Any]:
        """What :func:`qnnt.solve` is to be asked, so that the formula and the proof are in the folder."""
        folder = replace(folder, form=self.form)
        solver = ProvingPseudoBoolean if self.form is Form.VERIPB else ProvingBackend
        return {
            "backend": solver(self.solver, folder.proof),
            "encoder": RecordedEncoder(self.encoder, folder),
            "presolve": (),
            "cubes": None,
        }


def decides_itself(instance: Instance, backend: object, encoder: str | Encoder | None) -> bool:
    """Whether the run that answers can be the one that leaves the proof: a decision, by such a solver.

    ``auto`` then means a solver that leaves proofs.
    """
    single = _single(backend)
    chosen = registry.encoder(encoder) if isinstance(encoder, str) else encoder
    if _pseudo_boolean(single, chosen):
        return not instance.goal.minimizes
    leaves = backend == "auto" or (single is not None and leaves_proofs(single))
    return leaves and not instance.goal.minimizes and (chosen is None or issubclass(chosen.makes, Formula))


def _pseudo_boolean(backend: Backend | None, encoder: Encoder | None) -> bool:
    """Whether the proof is to be one about 0/1 inequalities: if their solver is named and takes the model."""
    fits = encoder is None or issubclass(encoder.makes, PseudoBooleanModel)
    return isinstance(backend, PseudoBooleanBackend) and fits


def _single(backend: object) -> Backend | None:
    """The one backend that is meant; None for a choice or a race."""
    if isinstance(backend, str):
        return None if backend.partition(":")[0] in ("auto", "portfolio") else registry.backend(backend)
    if isinstance(backend, list | tuple):
        return _single(backend[0]) if len(backend) == 1 else None
    return cast(Backend, backend)
