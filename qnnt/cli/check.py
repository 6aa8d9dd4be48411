"""``qnnt check``: replay a network on the data of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qnnt.cli.options import InstanceFile, Json, NetworkFile, load
from qnnt.cli.output import print_columns, print_json, vector
from qnnt.cli.program import OK
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.goals import Goal
    from qnnt.verify.replay import Check

_MOST_POINTS = 20


def check(
    instance: InstanceFile,
    network: NetworkFile,
    json: Json = False,
) -> int:
    """Replay a network: its error count, whether that meets the goal, and the points that are wrong.

    Exit status: 0 whenever the replay ran, whether or not the goal is met.
    """
    from qnnt.network import Network
    from qnnt.verify.replay import check

    problem = load(instance)
    result = check(problem, Network.load(network))
    if json:
        print_json({"goal": str(problem.goal), **result.as_dict()})
    else:
        _show(problem.goal, result)
    return OK


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
