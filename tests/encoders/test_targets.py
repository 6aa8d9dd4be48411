"""What is asked of each input, against the error counted label by label."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from strategies import instances

import qnnt
from qnnt.encoders.targets import targets


@given(instances(max_networks=100, max_points=6))
def test_costs_of_all_choices(instance: qnnt.Instance) -> None:
    """However labels are chosen: the targets allow what the goal does, at the right price."""
    dataset, goal = instance.dataset, targets(instance)
    inputs = sorted({tuple(x) for x in dataset.inputs.tolist()})
    labels = {
        x: sorted(
            {
                tuple(y)
                for z, y in zip(dataset.inputs.tolist(), dataset.labels.tolist(), strict=True)
                if tuple(z) == x
            }
        )
        for x in inputs
    }
    priced = {tuple(x): i for i, x in enumerate(goal.inputs.tolist())}
    for choice in product(*[[None, *[y for y in labels[x] if min(y) >= 0]] for x in inputs]):
        chosen = dict(zip(inputs, choice, strict=True))
        errors = sum(
            int(n)
            for x, y, n in zip(dataset.inputs.tolist(), dataset.labels.tolist(), dataset.counts, strict=True)
            if chosen[tuple(x)] != tuple(y)
        )
        cost, allowed = goal.offset, not goal.infeasible
        for x, i in priced.items():
            mine = [r for r in range(len(goal.of)) if goal.of[r] == i]
            kept = [tuple(goal.levels[r].tolist()) for r in mine]
            if chosen[x] in kept:
                cost += goal.unit * sum(int(goal.gains[r]) for r in mine[: kept.index(chosen[x])])
            else:
                allowed = allowed and not goal.must[i] and chosen[x] not in labels[x]
                cost += goal.unit * sum(int(goal.gains[r]) for r in mine)
        if goal.budget is not None:
            spent = (cost - goal.offset) // goal.unit
            allowed = allowed and (spent == goal.budget if goal.exact else spent <= goal.budget)
        if allowed:
            assert cost == errors
        assert (goal.gains >= 0).all()
        assert goal.infeasible or goal.budget is None or goal.gains.max(initial=0) <= goal.budget
        assert allowed == (instance.goal.accepts(errors))
