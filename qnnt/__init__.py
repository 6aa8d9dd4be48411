"""Exact training of quantised neural networks: the public names, loaded when first used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from qnnt.lazy import lazy_names

if TYPE_CHECKING:
    from qnnt import generate as generate
    from qnnt import rounding as rounding
    from qnnt.activation import Activation as Activation
    from qnnt.activation import Activations as Activations
    from qnnt.architecture import Architecture as Architecture
    from qnnt.arrows import Arrow as Arrow
    from qnnt.arrows import Chain as Chain
    from qnnt.arrows import Lift as Lift
    from qnnt.availability import Availability as Availability
    from qnnt.backends.base import Answer as Answer
    from qnnt.backends.base import Backend as Backend
    from qnnt.backends.base import Capability as Capability
    from qnnt.backends.base import Report as Report
    from qnnt.backends.base import Start as Start
    from qnnt.box import Box as Box
    from qnnt.cubes.run import Cubes as Cubes
    from qnnt.dataset import Choices as Choices
    from qnnt.dataset import Dataset as Dataset
    from qnnt.domain import Domain as Domain
    from qnnt.encoders.base import Encoder as Encoder
    from qnnt.exceptions import InputError as InputError
    from qnnt.exceptions import LostTask as LostTask
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
    from qnnt.models import CpSatModel as CpSatModel
    from qnnt.models import Formula as Formula
    from qnnt.models import LinearModel as LinearModel
    from qnnt.models import ParameterLift as ParameterLift
    from qnnt.models import PseudoBooleanModel as PseudoBooleanModel
    from qnnt.models import Rows as Rows
    from qnnt.network import Network as Network
    from qnnt.pipeline import solve as solve
    from qnnt.result import Fewest as Fewest
    from qnnt.result import Result as Result
    from qnnt.result import Statistics as Statistics
    from qnnt.run import Progress as Progress
    from qnnt.sparsity.lemma1 import sparsify as sparsify
    from qnnt.verify.replay import Check as Check
    from qnnt.verify.replay import check as check
    from qnnt.workers.named import open_executor as open_executor

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent unless the caller asks

_PACKAGES = ("generate", "rounding")

_PUBLIC = {
    "Activation": "activation",
    "Activations": "activation",
    "Answer": "backends.base",
    "Architecture": "architecture",
    "Arrow": "arrows",
    "AtMost": "goals",
    "Availability": "availability",
    "Backend": "backends.base",
    "Box": "box",
    "Capability": "backends.base",
    "Chain": "arrows",
    "Check": "verify.replay",
    "Choices": "dataset",
    "CpSatModel": "models",
    "Cubes": "cubes.run",
    "Dataset": "dataset",
    "Domain": "domain",
    "Encoder": "encoders.base",
    "Exactly": "goals",
    "Fewest": "result",
    "Formula": "models",
    "Goal": "goals",
    "InputError": "exceptions",
    "Instance": "instance",
    "Lift": "arrows",
    "Limit": "limits",
    "Limits": "limits",
    "LinearModel": "models",
    "LostTask": "exceptions",
    "Minimize": "goals",
    "Network": "network",
    "ParameterLift": "models",
    "Progress": "run",
    "PseudoBooleanModel": "models",
    "QnntError": "exceptions",
    "Report": "backends.base",
    "Result": "result",
    "Rows": "models",
    "Start": "backends.base",
    "Statistics": "result",
    "Status": "limits",
    "Unavailable": "exceptions",
    "UnknownWord": "exceptions",
    "Unsupported": "exceptions",
    "WrongAnswer": "exceptions",
    "check": "verify.replay",
    "open_executor": "workers.named",
    "solve": "pipeline",
    "sparsify": "sparsity.lemma1",
}

__all__ = ["__version__", *_PACKAGES, *_PUBLIC]


__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(_PACKAGES, "") | _PUBLIC)
