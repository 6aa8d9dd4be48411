"""What the constructions from formulas share: neurons for literals, and outputs for clauses."""

from __future__ import annotations

from collections.abc import Mapping

from qnnt.exceptions import InputError
from qnnt.reductions.sources.cnf import Cnf

_SIGNS = ((1, ""), (-1, "~"))


def literal_names(source: Cnf) -> dict[int, str]:
    """``x3`` and ``~x3`` for the literals 3 and -3, by variable.

    Raises :class:`InputError` if the formula has no variable or an empty clause.
    """
    if not source.n_variables:
        raise InputError("variables", "the construction needs a variable; chain exactly_three before it")
    if not source.clauses.lengths.all():
        raise InputError("clauses", "the construction has no empty clause; chain exactly_three before it")
    return {sign * i: f"{mark}x{i}" for i in range(1, source.n_variables + 1) for sign, mark in _SIGNS}


def clause_outputs(source: Cnf, neurons: Mapping[int, str]) -> tuple[list[str], list[tuple[str, str]]]:
    """An output ``c<j>`` for each clause, and its arcs from the ``neurons`` of its literals, each once."""
    outputs = [f"c{j}" for j in range(1, len(source.clauses) + 1)]
    rows = zip(outputs, source.clauses.rows(), strict=True)
    return outputs, [(neurons[literal], c) for c, clause in rows for literal in dict.fromkeys(clause)]
