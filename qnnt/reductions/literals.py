"""What the constructions from formulas share: neurons for literals, and outputs for clauses.

The literals x1, ¬x1, x2, ¬x2, … are numbered 0, 1, 2, 3, ….
"""

from __future__ import annotations

import numpy as np

from qnnt.architecture import Pairs
from qnnt.exceptions import InputError
from qnnt.reductions.sources.cnf import Cnf
from qnnt.sizes import require_room

_NAME = 64  # bytes that a neuron's name takes


def literal_names(source: Cnf) -> list[str]:
    """``x1``, ``~x1``, ``x2``, ….

    Raises :class:`InputError` if the formula has no variable or an empty clause.
    """
    if not source.n_variables:
        raise InputError("variables", "the construction needs a variable; chain exactly_three before it")
    if not source.clauses.lengths.all():
        raise InputError("clauses", "the construction has no empty clause; chain exactly_three before it")
    require_room(2 * _NAME * source.n_variables, "variables", "the neurons of so many need")
    return [name for i in range(1, source.n_variables + 1) for name in (f"x{i}", f"~x{i}")]


def output_names(prefix: str, source: Cnf, suffix: str = "") -> list[str]:
    """The outputs: one for each variable between ``prefix`` and ``suffix``, then ``c1``, ``c2``, …."""
    variables = [f"{prefix}{i}{suffix}" for i in range(1, source.n_variables + 1)]
    return variables + [f"c{j}" for j in range(1, len(source.clauses) + 1)]


def output_arcs(source: Cnf, hidden: int) -> Pairs:
    """The arcs into the outputs: of variables from both literals, of clauses from theirs, each once.

    ``hidden`` is the number of the first literal's neuron; the outputs follow the last one.
    """
    n, literals, first = source.n_variables, source.clauses.values, np.arange(2 * source.n_variables)
    numbers = 2 * (np.abs(literals) - 1) + (literals < 0)
    codes = np.sort(2 * n * (n + source.clauses.owners) + numbers, kind="stable")
    # A literal that is repeated in a clause is one arc.
    output, literal = np.divmod(codes[np.diff(codes, prepend=-1) > 0], 2 * n)
    arcs = np.column_stack([np.concatenate([first, literal]), np.concatenate([first // 2, output])])
    arcs += [hidden, hidden + 2 * n]
    return arcs
