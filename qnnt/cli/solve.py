"""``qnnt solve``: train a network, or prove that there is none."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qnnt.cli import completion
from qnnt.cli.incumbents import Incumbents
from qnnt.cli.log import log_file, logged
from qnnt.cli.options import (
    STDOUT,
    EncoderName,
    Errors,
    ExecutorName,
    InstanceFile,
    Json,
    NoSymmetry,
    check_executor,
    executing,
    incoming,
    load,
    require_apart,
    value_of,
    writable,
)
from qnnt.cli.output import print_columns, print_json, write_file
from qnnt.cli.program import OK, UNKNOWN
from qnnt.exceptions import InputError
from qnnt.printable import printable
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.cubes.run import Cubes
    from qnnt.instance import Instance
    from qnnt.result import Fewest, Result
    from qnnt.run import Progress

_LOG = logging.getLogger(__name__)


def solve(
    instance: InstanceFile,
    backend: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.backends,
            help="Backend, see 'qnnt backends'; auto: those that expect to be quickest; "
            "portfolio or portfolio:A+B+…: several that race.",
        ),
    ] = "auto",
    encoder: EncoderName = None,
    errors: Errors = None,
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Seconds, encoding included.")] = None,
    memory_limit: Annotated[
        int | None,
        typer.Option(
            metavar="MIB",
            help="Address space of each process of the run, in MiB; "
            "with dimacs, wcnf, opb and milp:cbc the solver program is limited by itself.",
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(metavar="N", help="Backends that run at a time, else threads of the one that runs.")
    ] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the backend.")] = 0,
    no_symmetry: NoSymmetry = False,
    no_presolve: Annotated[
        bool, typer.Option("--no-presolve", help="Encode the instance as it is, without simplifying it.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(metavar="NETWORK", callback=incoming, help="A network to begin from: the best so far."),
    ] = None,
    cubes: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Split the instance into N parts and join their answers; --threads at a time."
        ),
    ] = None,
    executor: ExecutorName = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --cubes: note each finished part, and go on from there."),
    ] = None,
    then: Annotated[
        str | None,
        typer.Option(
            metavar="GOAL",
            autocompletion=completion.second_goals,
            help="fewest-weights: among the networks that are as good, one with the fewest weights not 0.",
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Leave a proof that no network is better; see 'qnnt check --proof'."
        ),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="UNKNOWN unless a second backend agrees or a proof is accepted."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="NETWORK",
            help="Write the network, the best so far as the run finds it; - for standard output.",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="With -o: keep each better network, as NETWORK-N-errors.json.")
    ] = False,
    json: Json = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say on stderr what is chosen, and why.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Add to a file: what is chosen, each better network and bound, the result.",
        ),
    ] = None,
) -> int:
    """Train a network, or prove that there is none.

    Ctrl-C, SIGTERM and SIGHUP end the run, which shows the best network so far. Exit status: 0 a definite
    answer, 3 UNKNOWN, also if fewest weights or a proof are asked for, and they are not proved, or it is not
    checked.
    """
    from qnnt.limits import Limits, Status

    with value_of(""):
        limits = Limits(time_limit, memory_limit, threads, seed)
    if cubes is None and executor is not None:
        raise InputError("--executor", "is for parts of an instance: give --cubes N, too")
    check_executor(executor, ("--threads", threads))
    split = _split(cubes, journal)
    incumbents = Incumbents(None if output == STDOUT else output, keep=keep)
    if output is not None:
        writable(output, stdout=not json)
    if log is not None:
        writable(log)
    require_apart([output, log, journal], [instance])
    require_apart([log, journal], [start])  # a network may be bettered where it stands
    if proof is not None:
        from qnnt.files.proofs import ProofFolder

        ProofFolder(proof).check_place()
    problem = load(instance, errors)
    from qnnt.cli.progress import progress_line
    from qnnt.network import Network
    from qnnt.pipeline import solve

    known = None if start is None else Network.load(start)
    total, minimizes = problem.dataset.total, problem.goal.minimizes
    with (
        logged("info" if verbose else ""),
        log_file(log, total, minimizes=minimizes) as noted,
        executing(executor) as opened,
        progress_line(total, minimizes=minimizes) as progress,
    ):
        result = solve(
            problem,
            backend=backend,
            encoder=encoder,
            limits=limits,
            symmetry=not no_symmetry,
            start=known,
            presolve=() if no_presolve else None,
            cubes=split and replace(split, executor=opened),
            then=then,
            proof=proof,
            confirm=confirm,
            progress=incumbents.beside(_both(noted, progress)),
        )
        if log is not None:
            _LOG.info("%s: %s", result.status, _verdict(problem, result))
    try:
        incumbents.finish(result)
        if output == STDOUT and result.network is not None:
            write_file(result.network.save, output)
    finally:  # what took long is shown even if it cannot be written
        if json:
            print_json(result.as_dict())
        else:
            with redirect_stdout(sys.stderr if output == STDOUT else sys.stdout):
                _show(problem, result)
    if output is not None and result.status not in (Status.SATISFIABLE, Status.OPTIMAL):
        print(f"{printable(output)}: {_written(problem, result, incumbents)}", file=sys.stderr)
    if proof is not None and (missing := _missing(result)) is not None:
        print(f"{printable(proof)}: no proof: {printable(missing)}", file=sys.stderr)
        return UNKNOWN
    if result.evidence.checked_by and result.evidence.missing is not None:  # it stays, by its proof
        print(f"proved, but not confirmed: {printable(result.evidence.missing)}", file=sys.stderr)
        return UNKNOWN
    unproved = result.fewest is not None and not result.fewest.optimal
    return UNKNOWN if result.status is Status.UNKNOWN or unproved else OK


def _both(
    first: Callable[[Progress], None] | None, second: Callable[[Progress], None] | None
) -> Callable[[Progress], None] | None:
    """Who hears of a run's progress: either, or one after the other."""
    if first is None or second is None:
        return first or second

    def hear(progress: Progress) -> None:
        first(progress)
        second(progress)

    return hear


def _split(cubes: int | None, journal: Path | None) -> Cubes | None:
    """How the instance is to be split, if it is."""
    if cubes is None:
        if journal is not None:
            raise InputError("--journal", "is for parts of an instance: give --cubes N, too")
        return None
    from qnnt.cubes.run import Cubes

    with value_of("--cubes"):
        return Cubes(cubes, None if journal is None else writable(journal))


def _missing(result: Result) -> str | None:
    """Why there is no proof that was checked; None if there is one, or if the answer needs none."""
    evidence, fewest = result.evidence, result.fewest
    if not (evidence.network or evidence.checked_by):
        return evidence.missing or str(result.reason)
    if fewest is None or not fewest.lower_bound or fewest.evidence.checked_by:
        return None
    return f"fewest weights: {fewest.evidence.missing}"


def _written(problem: Instance, result: Result, incumbents: Incumbents) -> str:
    if result.network is None:
        if incumbents.replaced:
            return "holds a network that misses the goal, as there is none that meets it"
        return "not written, as there is no network"
    missed = "" if _meets(problem, result) else " and misses the goal"
    return f"written; the network is only the best so far{missed}"


def _meets(problem: Instance, result: Result) -> bool:
    return result.errors is not None and problem.goal.accepts(result.errors)


def _show(problem: Instance, result: Result) -> None:
    print(f"{result.status}: {printable(_verdict(problem, result))}")
    rows = [("goal", result.goal)]
    if result.network is not None:
        rows.append(("errors", _errors(problem, result)))
    if result.fewest is not None:
        rows.append(("weights", _weights(result.fewest, problem)))
    print_columns(rows + result.facts)
    if result.network is not None:
        print(result.network)


def _weights(fewest: Fewest, problem: Instance) -> str:
    shown = f"{fewest.weights:,} of {problem.architecture.n_arcs:,} not 0"
    if fewest.optimal:
        return f"{shown}, and no network that is as good has fewer ({fewest.rests_on})"
    return f"{shown}, the best so far; {fewest.lower_bound:,} or more are needed: {fewest.reason}"


def _errors(problem: Instance, result: Result) -> str:
    from qnnt.limits import Status

    shown = f"{result.errors:,} of {problem.dataset.total:,}"
    if result.status is Status.UNKNOWN:
        shown += ", the best network so far"
        if not _meets(problem, result):
            shown += ", which misses the goal"
    return shown


def _verdict(problem: Instance, result: Result) -> str:
    from qnnt.limits import Status

    points = count(problem.dataset.total, "point")
    if result.status is Status.UNKNOWN:
        return str(result.reason)
    if result.status is Status.UNSATISFIABLE:
        if problem.goal.exact:
            return f"no network gets exactly {problem.goal.budget:,} of {points} wrong"
        return f"every network gets {result.lower_bound:,} or more of {points} wrong"
    found = f"a network gets {result.errors:,} of {points} wrong"
    return f"{found}, and none does better" if result.status is Status.OPTIMAL else found
