"""What backends, encoders and rounders say of themselves, checked in the same way."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from qnnt.encoders.base import Encoder
from qnnt.exceptions import UnknownWord
from qnnt.testing.cases import PASSED, Finding, Grade, expect


def lists(tested: Any) -> None:
    """Name, summary and availability are as ``qnnt backends`` needs them."""
    named(tested)
    expect(tested.summary != "" and "\n" not in tested.summary, "one line as summary", repr(tested.summary))
    state = tested.availability()
    told = state.version if state.available else state.reason
    expect(bool(told), "a version if it is available, else the reason", repr(state))


def named(tested: Any) -> None:
    """It has a name."""
    expect(isinstance(tested.name, str) and tested.name != "", "a name", repr(tested.name))


def pickles(tested: Any) -> Finding:
    """It travels to child processes."""
    copy = pickle.loads(pickle.dumps(tested))
    expect(type(copy) is type(tested), f"a copy of type {type(tested)}", type(copy))
    expect(copy.name == tested.name, f"a copy named {tested.name!r}", repr(copy.name))
    return PASSED


def variants(tested: Any) -> Finding:
    """Each variant has a name of its own within the family; a word that is none is declined."""
    make: Any = type(tested)
    if not hasattr(make, "variants"):
        return Finding(Grade.DECLINED, "it has no variants")
    words, family = tuple(make.variants()), tested.name.partition(":")[0]
    names = [make(word).name for word in words]
    wanted = [f"{family}:{word}" if word else family for word in words]
    expect(names == wanted and len(set(names)) == len(names), f"variants named {wanted}", names)
    try:
        made = make("no-such-variant")
    except UnknownWord:
        return PASSED
    raise AssertionError(f"expected UnknownWord for variant 'no-such-variant'; it made {made.name!r}")


def registered(tested: Any, find: Callable[[str], Any]) -> Finding:
    """If its name is registered, ``find`` leads there."""
    name, kind = tested.name, type(tested)
    try:
        found = find(name)
    except UnknownWord:
        return Finding(Grade.DECLINED, f"no entry point is named {name.partition(':')[0]!r}")
    expect(type(found) is kind and found.name == name, f"{name!r} to be a {kind.__name__}", repr(found))
    return PASSED


def switched(encoder: Encoder, symmetry: bool) -> Encoder:
    """The same encoder with its switch set; encoders are dataclasses."""
    return cast(Encoder, replace(cast(Any, encoder), symmetry=symmetry))


def alternative(refusal: str | None) -> str | None:
    """A refusal, after a look at whether it names an alternative; None is none."""
    if refusal is not None:
        expect("try " in refusal, "a refusal that names an alternative: '…; try NAME'", repr(refusal))
    return refusal
