"""``qnnt decode``: from an outside solver's answer to a checked network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli.options import InstanceFile, Json, incoming, load, require_apart, writable
from qnnt.cli.output import print_json, write_file
from qnnt.cli.program import FAILED, OK
from qnnt.wording import count


def decode(
    instance: InstanceFile,
    map: Annotated[Path, typer.Argument(metavar="MAP", help="The FILE.map.json of 'qnnt encode'.")],
    solution: Annotated[
        Path,
        typer.Argument(
            metavar="SOLUTION", callback=incoming, help="What the solver printed; - for standard input."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="NETWORK",
            help="File to write; default: standard output, or none with --json.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Carry an outside solver's answer to a model of 'qnnt encode' back to a network, and replay it.

    Read are v lines of SAT, MaxSAT and pseudo-Boolean solvers, result files of minisat, solution files of
    CBC, HiGHS, SCIP, Gurobi and CPLEX, and CP-SAT's responses as text. Exit status: 1 if the network
    misses the goal of the model, or does not have the errors that the solver claims; it is written all the
    same. It is 2 if the answer holds no solution, as that of UNSATISFIABLE.
    """
    if output is not None:
        writable(output, stdout=not json)
    require_apart([output], [instance, map, solution])
    from qnnt.files.variable_maps import VariableMap
    from qnnt.verify.replay import check

    variables = VariableMap.load(map)
    problem = variables.posed(load(instance))
    answer = variables.read_answer(solution)
    network = variables.network(answer, problem)
    result = check(problem, network)
    if output is not None or not json:
        write_file(network.save, output)
    says = "" if answer.status is None else f"; the solver says {answer.status}"
    goal = problem.goal
    refuted = variables.refuted(answer, goal, result.errors)
    if json:
        status = None if answer.status is None else str(answer.status)
        found = {"errors": result.errors, "points": result.total, "claimed": variables.errors(answer, goal)}
        print_json({"status": status, "goal": str(goal), **found, "wrong": refuted})
        return OK if refuted is None else FAILED
    errors = f"{result.errors:,} of {count(result.total, 'point')} wrong"
    print(f"{errors}, goal {goal}{says}", file=sys.stderr)
    if refuted is not None:
        print(f"the answer is wrong: {refuted}", file=sys.stderr)
    return OK if refuted is None else FAILED
