"""What stands behind the fewest weights: a proof that none are fewer, a second backend that finds none."""

from __future__ import annotations

from dataclasses import replace

from qnnt import registry
from qnnt.encoders.fewest import AtMostWeights
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer
from qnnt.files.proofs import ProofFolder
from qnnt.goals import AtMost
from qnnt.limits import Limits, Status
from qnnt.proofs.backing import Asked, timed, with_proof
from qnnt.result import Fewest, Result

_LATE = "the time limit left no time"
_SECOND = (("cpsat", "cpsat"), ("sat", "plain"))  # fewest weights are sought over the formula by clauses


def backed(asked: Asked, result: Result, folder: ProofFolder | None, *, confirm: bool) -> Result:
    """The result, with a proof in the folder and a second backend's word, as far as they are asked for.

    A proof that is missing is told in the evidence of ``result.fewest``. Without the confirmation that is
    asked for, no lower bound is told. Raises :class:`WrongAnswer` if a network of fewer weights turns up.
    """
    fewest = result.fewest
    if fewest is None or not fewest.lower_bound:
        return result
    assert result.errors is not None
    goal = AtMost(result.errors) if asked.instance.goal.minimizes else asked.instance.goal
    posed = replace(asked, instance=asked.instance.with_goal(goal))
    if folder is not None:
        encoder = registry.encoder("clauses", symmetry=asked.symmetry)
        bounded = AtMostWeights(encoder, fewest.lower_bound - 1)
        how = {"symmetry": asked.symmetry, "start": None, "presolve": (), "cubes": None}
        left = _left(posed)
        if left is None:
            return _with(result, replace(fewest, evidence=replace(fewest.evidence, missing=_LATE)))
        try:
            folder.path.parent.mkdir(exist_ok=True)  # where the errors needed no proof
            proved = with_proof(replace(posed, limits=left), folder, "sat", bounded, how)
        except (OSError, InputError) as error:
            return _with(result, replace(fewest, evidence=replace(fewest.evidence, missing=str(error))))
        _hold(proved, fewest)
        evidence = replace(proved.evidence, missing=proved.evidence.missing or proved.reason)
        fewest = replace(fewest, evidence=evidence)
        result = timed(_with(result, fewest), {"prove weights": proved.statistics.seconds["total"]})
    return _confirmed(posed, result, fewest) if confirm else result


def _confirmed(posed: Asked, result: Result, fewest: Fewest) -> Result:
    """The result if a backend of another kind finds no network of fewer weights, either."""
    why = "there is no second backend to confirm it"
    for name, encoder_name in _SECOND:
        backend = registry.backend(name)
        if fewest.backend.partition(":")[0] == backend.name.partition(":")[0]:
            continue
        if not backend.availability().available:
            continue
        left = _left(posed)
        if left is None:
            why = f"it is not confirmed: {_LATE}"
            break
        encoder = registry.encoder(encoder_name, symmetry=posed.symmetry)
        bounded = AtMostWeights(encoder, fewest.lower_bound - 1)
        who = f"{backend.name} with encoder {encoder_name}"
        try:
            second = posed.ask(
                posed.instance,
                limits=left,
                symmetry=posed.symmetry,
                backend=backend,
                encoder=bounded,
                presolve=(),
                cubes=None,
            )
        except (Unavailable, Unsupported, InputError) as error:
            why = f"{who} did not confirm it: {error}"
            continue
        _hold(second, fewest)
        result = timed(result, {"confirm weights": second.statistics.seconds["total"]})
        if second.status is Status.UNSATISFIABLE:
            evidence = replace(fewest.evidence, confirmed_by=(who,))
            return _with(result, replace(fewest, evidence=evidence))
        why = f"{who} did not confirm it: {second.reason}"
        break
    bound = f"{fewest.backend} says that {fewest.lower_bound} are needed, and {why}"
    evidence = replace(fewest.evidence, missing=fewest.evidence.missing or why)
    if fewest.evidence.checked_by:  # a proof that was checked outweighs a missing word
        return _with(result, replace(fewest, evidence=evidence))
    return _with(result, replace(fewest, lower_bound=0, reason=bound, evidence=evidence))


def _hold(other: Result, fewest: Fewest) -> None:
    """Raise :class:`WrongAnswer` if a network has fewer weights than are said to be needed."""
    if other.status is not Status.SATISFIABLE:
        return
    assert other.network is not None
    said = f"{fewest.backend} claims that {fewest.lower_bound} weights are needed"
    weights = other.network.n_weights
    if weights < fewest.lower_bound:
        raise WrongAnswer(f"{said}; {other.backend} has a network of {weights}")
    raise WrongAnswer(f"{other.backend} shows a network of {weights} weights where fewer were asked for")


def _left(asked: Asked) -> Limits | None:
    left = asked.left()
    return None if left is None else replace(left, threads=1, seed=0)


def _with(result: Result, fewest: Fewest) -> Result:
    return replace(result, fewest=fewest)
