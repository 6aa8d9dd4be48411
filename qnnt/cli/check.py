"""``qnnt check``: replay a network on the data of an instance, check a proof about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli.options import Errors, InstanceFile, Json, load, value_of
from qnnt.cli.output import count, print_columns, print_json, vector
from qnnt.cli.program import FAILED, OK, UNKNOWN
from qnnt.exceptions import InputError

if TYPE_CHECKING:
    from qnnt.goals import Goal
    from qnnt.instance import Instance
    from qnnt.proofs.checking import ProofCheck
    from qnnt.verify.replay import Check

_MOST_POINTS = 20


def check(
    instance: InstanceFile,
    network: Annotated[Path | None, typer.Argument(help="Network file, .json or .json.gz.")] = None,
    proof: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Check the proof that 'qnnt solve --proof' left.")
    ] = None,
    checker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROGRAM",
            help="With --proof: have PROGRAM FORMULA PROOF check it, too, as drat-trim does.",
        ),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="With --proof: seconds for all checkers.")
    ] = None,
    errors: Errors = None,
    json: Json = False,
) -> int:
    """Replay a network, or check a proof, or both.

    Of a network: its error count, whether that meets the goal, and the points that are wrong. Exit status: 0
    if the network meets the goal and the proof holds, 1 if one does not, 3 if no check of the proof came to
    an end.
    """
    if proof is None and (checker or time_limit is not None):
        raise InputError(
            "--checker" if checker else "--time-limit", "is for a proof: give --proof FOLDER, too"
        )
    if network is None and proof is None:
        raise InputError("NETWORK", "is missing; give a network, or --proof FOLDER")
    problem = load(instance, errors)
    document: dict[str, Any] = {"goal": str(problem.goal)}
    status, replayed = OK, None
    if network is not None:
        from qnnt.network import Network
        from qnnt.verify.replay import check

        replayed = check(problem, Network.load(network))
        document |= replayed.as_dict()
        status = OK if replayed.meets_goal else FAILED
        if not json:
            _show(problem.goal, replayed)
    if proof is not None:
        checked = _checked(problem, proof, checker or [], time_limit)
        document["proof"] = checked.as_dict()
        status = {True: status, False: FAILED, None: status or UNKNOWN}[checked.accepted]
        if not json:
            _show_proof(checked, replayed)
    if json:
        print_json(document)
    return status


def _checked(problem: Instance, folder: Path, programs: list[str], time_limit: float | None) -> ProofCheck:
    from qnnt.files.proofs import ProofFolder
    from qnnt.limits import Limits
    from qnnt.proofs.checking import check_proof, checkers

    with value_of("--time-limit"):
        limits = Limits(time_limit)
    return check_proof(problem, ProofFolder(folder), checkers(programs), limits)


def _show_proof(checked: ProofCheck, replayed: Check | None) -> None:
    """The verdicts, and in words what they show and what they do not."""
    note = checked.note
    order = "" if note.symmetry else ", neurons not ordered"
    rows = [
        ("claim", f"no network meets {note.claim}"),
        (
            "formula",
            f"{checked.variables:,} variables, {count(checked.clauses, 'clause')}, by {note.encoder}{order}",
        ),
        ("encoded anew", "the same, clause for clause" if checked.difference is None else checked.difference),
        ("proof", f"DRAT, by {note.solver}" + (f" ({note.solver_version})" if note.solver_version else "")),
    ]
    words = {True: "accepts it", False: "rejects it", None: "came to no end"}
    for verdict in checked.verdicts:
        why = "" if verdict.accepted else f": {verdict.reason}"
        rows.append((verdict.checker, f"{words[verdict.accepted]}{why} ({verdict.seconds:.2f} s)"))
    print("proof:")
    print_columns(rows)
    if checked.accepted is None:
        print("open: no checker rejects the proof, but not all came to an end")
    elif not checked.accepted:
        print(
            "not proved: "
            + ("the formula is not that of the instance" if checked.difference else "the proof fails")
        )
    else:
        print(f"proved: the formula has no model{_consequence(checked, replayed)}")
        print(f"trusted: if a network meets {note.claim}, the formula by {note.encoder} has a model")


def _consequence(checked: ProofCheck, replayed: Check | None) -> str:
    """What follows of the goal and of the network."""
    claim = checked.note.claim
    if claim.exact or claim.budget is None:
        return f", so no network meets {claim}"
    least = claim.budget + 1
    if replayed is not None and replayed.errors == least:
        return f", so the network has the fewest errors that are possible, {least:,}"
    return f", so every network has {count(least, 'error')} or more"


def _show(goal: Goal, result: Check) -> None:
    print(f"{result.errors:,} of {count(result.total, 'point')} wrong")
    met = "yes" if result.meets_goal else "no"
    if goal.minimizes:
        met += ", as every network does; a replay proves no minimum"
    print(f"meets goal: {met} ({goal})")
    if len(result.wrong):
        print("wrong points:")
        rows = [("row", "count", "input", "label", "output")]
        for point in result.points(_MOST_POINTS):
            vectors = vector(point["x"]), vector(point["y"]), vector(point["output"])
            rows.append((f"data[{point['row']}]", f"×{point['count']}", *vectors))
        print_columns(rows)
        if len(result.wrong) > _MOST_POINTS:
            print(f"  … and {count(len(result.wrong) - _MOST_POINTS, 'more row')}; --json gives all")
