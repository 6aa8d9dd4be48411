"""Exact training of quantised neural networks: the public names, loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qnnt import rounding as rounding
    from qnnt.activation import Activation as Activation
    from qnnt.architecture import Architecture as Architecture
    from qnnt.dataset import Dataset as Dataset
    from qnnt.domain import Domain as Domain
    from qnnt.exceptions import InputError as InputError
    from qnnt.exceptions import QnntError as QnntError
    from qnnt.exceptions import Unavailable as Unavailable
    from qnnt.exceptions import UnknownWord as UnknownWord
    from qnnt.exceptions import Unsupported as Unsupported
    from qnnt.exceptions import WrongAnswer as WrongAnswer
    from qnnt.goals import AtMost as AtMost
    from qnnt.goals import Exactly as Exactly
    from qnnt.goals import Goal as Goal
    from qnnt.goals import Minimize as Minimize
    from qnnt.instance import Instance as Instance
    from qnnt.limits import Limit as Limit
    from qnnt.limits import Limits as Limits
    from qnnt.limits import Status as Status
    from qnnt.network import Network as Network
    from qnnt.pipeline import solve as solve
    from qnnt.result import Result as Result
    from qnnt.sparsity.lemma1 import sparsify as sparsify
    from qnnt.verify.replay import check as check

__version__ = "0.1.0"

_PACKAGES = ("rounding",)

_PUBLIC = {
    "Activation": "activation",
    "Architecture": "architecture",
    "AtMost": "goals",
    "Dataset": "dataset",
    "Domain": "domain",
    "Exactly": "goals",
    "Goal": "goals",
    "InputError": "exceptions",
    "Instance": "instance",
    "Limit": "limits",
    "Limits": "limits",
    "Minimize": "goals",
    "Network": "network",
    "QnntError": "exceptions",
    "Result": "result",
    "Status": "limits",
    "Unavailable": "exceptions",
    "UnknownWord": "exceptions",
    "Unsupported": "exceptions",
    "WrongAnswer": "exceptions",
    "check": "verify.replay",
    "solve": "pipeline",
    "sparsify": "sparsity.lemma1",
}

__all__ = ["__version__", *_PACKAGES, *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"qnnt.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qnnt' has no attribute {name!r}")
    value = getattr(import_module(f"qnnt.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
