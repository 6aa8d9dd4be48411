"""Models in the formats of outside solvers, each with a JSON map from variables back to parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qnnt.exceptions import InputError, UnknownWord, Unsupported
from qnnt.files.dimacs import write_cnf, write_wcnf
from qnnt.files.documents import compact, document_pieces
from qnnt.files.linear import write_lp, write_mps
from qnnt.files.opb import write_opb
from qnnt.files.writing import opened, replacing
from qnnt.models import CpSatModel, Formula, LinearModel, ParameterLift, PseudoBooleanModel

_MAP_ENDING = ".map.json"


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


def map_of(path: Path) -> Path:
    """Where the map of a model goes; raises :class:`InputError` if a model cannot have this name."""
    if path.name.endswith(_MAP_ENDING):
        raise InputError(str(path), f"ends in {_MAP_ENDING}, as the maps of models do: name another file")
    if path.suffix == ".gz":
        raise InputError(str(path), "ends in .gz, but models are not compressed: name another file")
    return path.with_name(f"{path.name}{_MAP_ENDING}")


def write_model(model: Any, lift: ParameterLift, path: str | Path, format: str, origin: str = "") -> None:
    """Write a model, and beside it ``<path>.map.json``, which tells the parameters from its variables.

    Formats: ``cnf`` (DIMACS), ``wcnf`` (MaxSAT Evaluation 2022), ``opb``, ``lp``, ``mps``, ``cpsat``
    (protocol buffer; as text if the name ends in ``txt``). ``origin``, such as the command that made the
    instance, is noted in the map and, in the first three, as comments. The file appears whole or not at all.
    Raises :class:`UnknownWord` for an unknown format, :class:`Unsupported` if the format cannot hold the
    model and :class:`InputError` if the file cannot be written, or has the name of a map or of a compressed
    file.
    """
    _check(model, format)
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise InputError(
            str(path), "cannot be written: no regular file; a model and its map are two files in a folder"
        )
    map_file = map_of(target)
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
        write_wcnf(file, model.hard, model.soft, model.weights)


def _write_opb(model: PseudoBooleanModel, path: Path, comments: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        write_opb(file, model, comments)


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
