"""``qnnt check``: replay a network on the data of an instance, check a proof about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli.options import Errors, InstanceFile, Json, OptionalNetworkFile, load, require_apart, value_of
from qnnt.cli.output import print_columns, print_json, vector
from qnnt.cli.program import FAILED, OK, UNKNOWN
from qnnt.exceptions import InputError
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.files.proofs import ProofFolder
    from qnnt.goals import Goal
    from qnnt.instance import Instance
    from qnnt.limits import Limits
    from qnnt.proofs.checkers import Checker
    from qnnt.proofs.checking import ProofCheck
    from qnnt.verify.plain import PlainCheck
    from qnnt.verify.replay import Check

_MOST_POINTS = 20
_Shown = tuple[int, int]  # the errors of the network, and its weights that are not 0


def check(
    instance: InstanceFile,
    network: OptionalNetworkFile = None,
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
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="With --proof: refute the claim over a formula from the definition, too."
        ),
    ] = False,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="With --proof: seconds for each formula's checks.")
    ] = None,
    errors: Errors = None,
    json: Json = False,
) -> int:
    """Replay a network, or check a proof, or both.

    Of a network: its error count, whether that meets the goal, and the points that are wrong. Exit status: 0
    if the network meets the goal and the proof holds, 1 if one does not or the network refutes what the proof
    claims, 3 if a check of the proof did not come to an end.
    """
    alone = {"--checker": bool(checker), "--plain": plain, "--time-limit": time_limit is not None}
    for option, asked in alone.items():
        if asked and proof is None:
            raise InputError(option, "is for a proof: give --proof FOLDER, too")
    if network is None and proof is None:
        raise InputError("NETWORK", "is missing; give a network, or --proof FOLDER")
    require_apart([], [instance, network])
    problem = load(instance, errors)
    document: dict[str, Any] = {"goal": str(problem.goal)}
    status, shown = OK, None
    if network is not None:
        from qnnt.network import Network
        from qnnt.verify.replay import check

        given = Network.load(network)
        replayed = check(problem, given)
        shown = replayed.errors, given.n_weights
        document |= replayed.as_dict()
        status = OK if replayed.meets_goal else FAILED
        if not json:
            _show(problem.goal, replayed)
    if proof is not None:
        from qnnt.files.proofs import ProofFolder
        from qnnt.limits import Limits
        from qnnt.proofs.checking import checkers

        with value_of("--time-limit"):
            limits = Limits(time_limit)
        folder, by, verdicts = ProofFolder(proof), checkers(checker or []), set[bool | None]()
        for key, each in (("", folder), ("fewest_weights_", folder.fewest)):
            if each.in_use or (each is folder and not folder.fewest.in_use):
                told, said = _proof(problem, each, by, limits, shown, plain=plain, quiet=json)
                document |= {key + name: what for name, what in told.items()}
                verdicts |= said
        status = FAILED if False in verdicts else status or (UNKNOWN if None in verdicts else OK)
    if json:
        print_json(document)
    return status


def _proof(
    problem: Instance,
    folder: ProofFolder,
    by: Sequence[Checker],
    limits: Limits,
    shown: _Shown | None,
    *,
    plain: bool,
    quiet: bool,
) -> tuple[dict[str, Any], set[bool | None]]:
    """Check one proof, and show what comes of it: the object for JSON, and what was said."""
    from qnnt.proofs.checking import check_proof

    checked = check_proof(problem, folder, by, limits)
    document, verdicts = {"proof": checked.as_dict()}, {checked.accepted}
    if not quiet:
        print("proof:")
        _show_proof(checked)
    second: PlainCheck | None = None
    if plain:
        from qnnt.verify.plain import check_plainly

        second = check_plainly(problem, checked.note.claim, by, limits, weights=checked.note.weights)
        document["plain"] = second.as_dict()
        verdicts.add(second.accepted)
        if not quiet:
            _show_plain(second)
    refuted = None if shown is None else checked.note.refuted_by(*shown)
    if refuted:
        verdicts.add(False)
    settles = checked.settles(problem.goal, shown) if False not in verdicts else None
    document["proof"] |= {"refuted_by_network": refuted, "settles": settles}
    if not quiet:
        _sum_up(checked, second, shown)
        if checked.accepted and settles is None and False not in verdicts:
            print(f"open: {_unsettled(problem.goal, checked, shown)}")
    return document, verdicts


def _show_proof(checked: ProofCheck) -> None:
    """What is claimed, and the verdicts."""
    note = checked.note
    order = "" if note.symmetry else ", neurons not ordered"
    form, row = ("DRAT", "clause") if note.form == "drat" else ("VeriPB", "constraint")
    size = f"{checked.variables:,} variables, {count(checked.clauses, row)}"
    solver = note.solver + (f" ({note.solver_version})" if note.solver_version else "")
    rows = [
        ("claim", str(note)),
        ("formula", f"{size}, by {note.encoder}{order}"),
        ("encoded anew", checked.difference or f"the same, {row} for {row}"),
        ("proof", f"{form}, by {solver}"),
    ]
    words = {True: "accepts it", False: "rejects it", None: "came to no end"}
    for verdict in checked.verdicts:
        why = "" if verdict.accepted else f": {verdict.reason}"
        rows.append((verdict.checker, f"{words[verdict.accepted]}{why} ({verdict.seconds:.2f} s)"))
    print_columns(rows)


def _show_plain(second: PlainCheck) -> None:
    print("the claim once more, over a formula from the definition:")
    if second.check is not None:
        _show_proof(second.check)
    else:
        print_columns([("plain", second.reason)])


def _sum_up(checked: ProofCheck, second: PlainCheck | None, shown: _Shown | None) -> None:
    """In words, what is shown and what is not."""
    note = checked.note
    if shown is not None and note.refuted_by(*shown):
        print(f"not proved: the network refutes the claim that {note}")
        if checked.accepted:
            print(f"the formula has no model, so the encoder {note.encoder} is wrong")
    elif checked.difference is not None:
        print("not proved: the formula is not that of the instance")
    elif checked.accepted is False:
        print("not proved: the proof fails")
    elif second is not None and second.accepted is False:
        why = "its proof fails" if second.check is not None else second.reason
        print(f"not proved: over the formula from the definition, {why}")
    elif checked.accepted is None:
        print("open: no checker rejects the proof, but not all came to an end")
    else:
        print(f"proved: the formula has no model{_consequence(checked, shown)}")
        if second is None or second.accepted is None or note.encoder == "plain":
            if_one = str(note).replace("no network", "a network", 1)
            print(f"trusted: if {if_one}, the formula by {note.encoder} has a model")
        else:
            print("trusted: one of two independent encoders makes a formula that has a model if a network")
            print(f"        {str(note).removeprefix('no network')}")


def _unsettled(goal: Goal, checked: ProofCheck, shown: _Shown | None) -> str:
    """Why the goal is not settled although the proof holds."""
    if shown is None and (goal.minimizes or checked.note.weights is not None):
        return "a proof of a minimum needs a network that reaches it; give NETWORK, too"
    return f"the proof does not settle the goal {goal}"


def _consequence(checked: ProofCheck, shown: _Shown | None) -> str:
    """What follows of the goal and of the network."""
    claim, weights = checked.note.claim, checked.note.weights
    if weights is not None:
        return f", so a network that meets {claim} has {count(weights + 1, 'weight')} or more that are not 0"
    if claim.exact or claim.budget is None:
        return f", so no network meets {claim}"
    least = claim.budget + 1
    if shown is not None and shown[0] == least:
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
