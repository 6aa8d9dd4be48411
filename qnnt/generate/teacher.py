"""Planted instances: data labelled by a random network, so that a solution is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qnnt.activation import ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.networks import network_document
from qnnt.goals import AtMost, Goal
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.rowcodes import distinct_rows
from qnnt.sizes import require_room

_DRAWS = 64  # random networks among which the teacher is chosen
_SAMPLE = 1000  # points on which they are compared


def teacher_instance(
    d: int,
    layers: Sequence[int] | Architecture,
    points: int,
    noise: float = 0.0,
    seed: int = 0,
    student_layers: Sequence[int] | Architecture | None = None,
    goal: Goal | None = None,
    activation: ActivationLike = "relu",
) -> Instance:
    """``points`` random inputs, labelled by a random network over Z_d.

    ``layers`` and ``student_layers`` are architectures, or layer sizes of dense ones.

    Inputs are distinct as long as there are enough; beyond d^α each occurs almost equally often. The share
    ``noise`` (0 to 1) of the points, rounded to a whole number, has one output changed to another value that
    its activation shows. The instance asks for a network of ``student_layers`` (default: the teacher's) under
    ``goal`` (default: at most as many errors as changed points, which the teacher itself meets). The same
    arguments give the same instance; ``meta["teacher"]`` is the teacher as a network file.
    Raises :class:`InputError` for arguments that make no sense.
    """
    student = layers if student_layers is None else student_layers
    _check(d, points, noise, seed)
    domain, architecture, learner = Domain(d), _architecture(layers), _architecture(student)
    shown = Activations.of(activation, domain)
    if noise and shown.output.top < 1:
        raise InputError("noise", f"no output can be changed: it is {shown.output.meaning}")
    if (learner.alpha, learner.omega) != (architecture.alpha, architecture.omega):
        raise InputError("student_layers", "must have as many inputs and outputs as the teacher")
    cells = points * (learner.alpha + learner.omega)
    require_room(8 * cells, "points", f"{points:,} data points need")
    rng = np.random.Generator(np.random.PCG64(seed))
    inputs = random_inputs(domain, architecture.alpha, points, rng)
    teacher = _varied(domain, architecture, shown, inputs[:_SAMPLE], rng)
    labels = teacher.predict(inputs)
    changed = round(noise * points)
    rows = rng.choice(points, size=changed, replace=False)
    columns = rng.integers(architecture.omega, size=changed)
    levels, values = shown.output.levels_of(labels[rows, columns]), shown.output.top + 1
    labels[rows, columns] = shown.output.show((levels + rng.integers(1, values, size=changed)) % values)
    meta = {
        "kind": "teacher",
        "d": d,
        "layers": [len(layer) for layer in architecture.layers],
        "points": points,
        "noise": noise,
        "seed": seed,
        "changed": changed,
        "teacher_errors": changed,
        "teacher": network_document(teacher),
    }
    return Instance(domain, learner, Dataset(inputs, labels), goal or AtMost(changed), meta, shown)


def _architecture(layers: Sequence[int] | Architecture) -> Architecture:
    return layers if isinstance(layers, Architecture) else Architecture.dense(layers)


def _check(d: int, points: int, noise: float, seed: int) -> None:
    if not 2 <= d < 2**27:
        raise InputError("d", f"must be at least 2 (the only output in Z_1 is 0) and below 2^27, not {d}")
    if points < 1:
        raise InputError("points", f"must be at least 1, not {points}")
    if not 0 <= noise <= 1:
        raise InputError("noise", f"must be a share between 0 and 1, not {noise}")
    if seed < 0:
        raise InputError("seed", f"must be at least 0, not {seed}")


def random_inputs(domain: Domain, alpha: int, points: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(points, α) random inputs over Z_d, each distinct one occurring ⌊points / d^α⌋ or one more times."""
    coded = 1  # inputs that differ in these columns differ; the code of d^coded values fits 62 bits
    while coded < alpha and domain.d ** (coded + 1) < 2**62:
        coded += 1
    size = domain.d**coded
    rounds = [rng.permutation(size) for _ in range(points // size)]
    codes = np.concatenate([*rounds, rng.choice(size, size=points % size, replace=False)])
    digits = codes[:, None] // domain.d ** np.arange(coded, dtype=np.int64) % domain.d
    return domain.lo + np.hstack([digits, rng.integers(domain.d, size=(points, alpha - coded))])


def _varied(
    domain: Domain,
    architecture: Architecture,
    activation: Activations,
    inputs: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Network:
    """The one of several random networks whose outputs on the inputs have the most entropy."""

    def entropy(network: Network) -> float:
        _, of_row = distinct_rows(network.predict(inputs))
        shares = np.bincount(of_row) / len(inputs)
        return float(-(shares * np.log(shares)).sum())

    size = architecture.n_parameters
    draws = rng.integers(domain.lo, domain.hi + 1, size=(_DRAWS, size))
    networks = (Network.from_vector(architecture, domain, draw, activation) for draw in draws)
    return max(networks, key=entropy)
