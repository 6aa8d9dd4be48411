"""Models in the formats of outside solvers, each with a JSON map from variables back to parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qnnt.exceptions import InputError, UnknownWord, Unsupported
from qnnt.files.dimacs import clause_lines, write_cnf
from qnnt.files.documents import compact, document_pieces
from qnnt.files.linear import write_lp, write_mps
from qnnt.files.writing import opened, replacing
from qnnt.models import CpSatModel, Formula, LinearModel, ParameterLift, PseudoBooleanModel


class Format(NamedTuple):
    """What a format can hold: the type of model, and whether it must minimise (None: as it likes)."""

    model: type[Any]
    minimize: bool | None


_FORMATS = {
    "cnf": Format(Formula, False),
    "wcnf": Format(Formula, True),
    "opb": Format(PseudoBooleanModel, None),
    "lp": Format(LinearModel, None),
    "mps": Format(LinearModel, None),
    "cpsat": Format(CpSatModel, None),
}


def formats() -> Mapping[str, Format]:
    """The formats by name."""
    return dict(_FORMATS)


def format_of(name: str) -> Format:
    """The format of a name; raises :class:`UnknownWord` if there is none."""
    if name not in _FORMATS:
        raise UnknownWord("format", name, _FORMATS)
    return _FORMATS[name]


def write_model(model: Any, lift: ParameterLift, path: str | Path, format: str, origin: str = "") -> None:
    """Write a model, and beside it ``<path>.map.json``, which tells the parameters from its variables.

    Formats: ``cnf`` (DIMACS), ``wcnf`` (MaxSAT Evaluation 2022), ``opb``, ``lp``, ``mps``, ``cpsat``
    (protocol buffer; as text if the name ends in ``txt``). ``origin``, such as the command that made the
    instance, is noted in the map and, in the first three, as comments. The file appears whole or not at all.
    Raises :class:`UnknownWord` for an unknown format, :class:`Unsupported` if the format cannot hold the
    model and :class:`InputError` if the file cannot be written.
    """
    _check(model, format)
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise InputError(
            str(path), "cannot be written: no regular file; a model and its map are two files in a folder"
        )
    map_file = target.with_name(f"{target.name}.map.json")
    # Both are whole before either is in place.
    with opened(map_file) as fresh_map, replacing(target) as fresh:
        _WRITERS[format](model, fresh, origin.splitlines())
        fresh_map.write("".join(document_pieces(_map(model, lift, format, origin))).encode())
        fresh_map.flush()


def _check(model: Any, name: str) -> None:
    wanted = format_of(name)
    if not isinstance(model, wanted.model):
        raise Unsupported(f"format {name!r} holds a {wanted.model.__name__}, not a {type(model).__name__}")
    if wanted.minimize is not None and model.minimize != wanted.minimize:
        other, goal = ("cnf", "at-most:N or exactly:N") if model.minimize is False else ("wcnf", "min")
        raise Unsupported(f"format {name!r} does not suit the goal; {other!r} is for {goal}")


def _map(model: Any, lift: ParameterLift, name: str, origin: str) -> dict[str, str]:
    variables = lift.variables()
    parameters: dict[str, list[Any]] = variables["parameters"]
    if name in ("lp", "mps"):
        parameters = {p: [model.names[i] for i in index] for p, index in parameters.items()}
    elif name == "opb":
        parameters = {p: [f"x{i + 1}" for i in index] for p, index in parameters.items()}
    error = "error = offset + unit * objective, minimised"
    meaning = error if model.minimize else "every solution meets the goal"
    return {
        "format": compact("qnnt-variables"),
        "version": "1",
        "model": compact(name),
        **({"origin": compact(origin)} if origin else {}),
        "domain": compact([lift.instance.domain.lo, lift.instance.domain.hi]),
        "goal": compact(str(lift.instance.goal)),
        "meaning": compact("parameter = base + sum of its variables; one that is not in the file counts 0"),
        "base": compact(variables["base"]),
        "objective": compact(meaning),
        "offset": compact(model.offset),
        "unit": compact(model.unit),
        "parameters": compact(parameters),
    }


def _write_cnf(model: Formula, path: Path, comments: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"c {line}\n" for line in comments)
        write_cnf(file, model.hard, model.n_variables)


def _write_wcnf(model: Formula, path: Path, comments: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"c {line}\n" for line in comments)
        file.writelines(clause_lines(model.hard, "h "))
        soft = zip(model.weights.tolist(), model.soft.tolist(), strict=True)
        file.writelines(f"{weight} {literal} 0\n" for weight, literal in soft)


def _write_opb(model: PseudoBooleanModel, path: Path, comments: Sequence[str]) -> None:
    rows = model.rows
    terms = [f"{c:+d} x{v} " for c, v in zip(rows.coef.tolist(), (rows.index + 1).tolist(), strict=True)]
    starts, lower = rows.starts.tolist(), rows.lower.tolist()
    fixed = np.flatnonzero(model.lower == model.upper)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"* #variable= {len(model.lower)} #constraint= {len(rows) + len(fixed)}\n")
        file.writelines(f"* {line}\n" for line in comments)
        if model.minimize:
            costs = ((model.objective[i], i + 1) for i in np.flatnonzero(model.objective))
            file.write(f"min: {''.join(f'{c:+d} x{v} ' for c, v in costs)};\n")
        file.writelines(
            f"{''.join(terms[starts[r] : starts[r + 1]])}>= {bound} ;\n" for r, bound in enumerate(lower)
        )
        file.writelines(f"{'+1' if model.lower[i] else '-1'} x{i + 1} >= {model.lower[i]} ;\n" for i in fixed)


def _write_lp(model: LinearModel, path: Path, _: Sequence[str]) -> None:
    write_lp(model, path)


def _write_mps(model: LinearModel, path: Path, _: Sequence[str]) -> None:
    write_mps(model, path)


def _write_cpsat(model: CpSatModel, path: Path, _: Sequence[str]) -> None:
    if not model.model.export_to_file(str(path)):
        raise OSError(f"the folder {path.parent} does not take it")


_WRITERS: dict[str, Callable[[Any, Path, Sequence[str]], None]] = {
    "cnf": _write_cnf,
    "wcnf": _write_wcnf,
    "opb": _write_opb,
    "lp": _write_lp,
    "mps": _write_mps,
    "cpsat": _write_cpsat,
}
