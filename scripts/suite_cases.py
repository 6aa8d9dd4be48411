"""Cases of the suite, and what is known of them from how they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from qnnt.comparing.runner import Case
from qnnt.instance import Instance


def seeded(family: str, shape: str, seeds: int, make: Callable[[int], Instance]) -> Iterator[Case]:
    """A case for each seed 0, 1, … of a random shape."""
    for seed in range(seeds):
        yield Case(f"{family}-{shape}-s{seed}", family, partial(make, seed))


def knowing(instance: Instance, **known: int) -> Instance:
    """The instance with what is known of its errors in ``meta``: ``errors`` or ``bound``."""
    return replace(instance, meta={**instance.meta, "known": known})


def answered(instance: Instance, answer: bool) -> Instance:
    """The instance with what it says of the errors that its goal can be met, or cannot."""
    budget = instance.goal.budget or 0
    return knowing(instance, errors=budget) if answer else knowing(instance, bound=budget + 1)
