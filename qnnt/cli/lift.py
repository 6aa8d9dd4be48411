"""``qnnt lift``: from a network back to a solution of the problem that the instance was made from."""

from __future__ import annotations

import sys

from qnnt.cli.options import InstanceFile, Json, NetworkFile, load, require_apart
from qnnt.cli.output import print_json
from qnnt.cli.program import OK


def lift(
    instance: InstanceFile,
    network: NetworkFile,
    json: Json = False,
) -> int:
    """Print the solution of the source that a network stands for, checked against the source.

    For instances of 'qnnt generate' three-sat, balanced-sat (a DIMACS v line), exact-cover and hitting-set
    (how many sets or elements, then each on a line, counted from 1).
    """
    require_apart([], [instance, network])
    problem = load(instance)
    from qnnt.network import Network
    from qnnt.reductions.catalogue import lift

    source, solution = lift(problem, Network.load(network))
    if json:
        values = solution if solution.dtype == bool else solution + 1  # of each variable; or those chosen
        print_json({"kind": problem.meta["kind"], "solution": values.tolist()})
    else:
        sys.stdout.write(source.solution_text(solution))
    return OK
