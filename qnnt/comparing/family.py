"""A solver's whole run over a family, judged: against what the manifest says, and by replay of its models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qnnt.exceptions import InputError, Unsupported, WrongAnswer
from qnnt.files.answers import Answer
from qnnt.files.documents import located, read_text
from qnnt.files.text import split_lines
from qnnt.files.variable_maps import VariableMap
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.verify.replay import check

JUDGEMENTS = ("right", "wrong", "unknown", "missing")


@dataclass(frozen=True)
class Judgement:
    """What an answer to a ``model`` file is worth: one of :data:`JUDGEMENTS`, and why."""

    model: str
    word: str
    reason: str

    @property
    def format(self) -> str:
        """The ending of the model's name."""
        return self.model.rpartition(".")[2]


def judge_family(folder: Path, answers: Path) -> Iterator[Judgement]:
    """Judge what a solver printed on the models of a family that :func:`write_family` made.

    The answer to the model ``NAME.cnf`` is the file ``NAME.cnf.log`` in ``answers``; else the only one that
    is called ``NAME.cnf``, or ``NAME.cnf.`` and anything. A model is read back by its map and replayed.
    Formats of which there is no answer at all are left out. Raises :class:`InputError` for a folder without
    manifest or answers, for two answers to a model, and if a file of the family is damaged; an answer that is
    damaged is ``unknown``.
    """
    if not answers.is_dir():
        raise InputError(str(answers), "is no folder of answers")
    lines = list(_manifest(folder / "manifest.jsonl"))
    models = [(line, name) for line in lines for name in line["files"] if not name.endswith(".json")]
    own = {(folder / name).resolve() for _, name in models}  # if the answers lie beside the models
    found = _answers(path for path in sorted(answers.iterdir()) if path.resolve() not in own)
    answered = {name.rpartition(".")[2] for _, name in models if name in found}
    if not answered:
        hint = f"the answer to {models[0][1]} is {models[0][1]}.log" if models else "the manifest is empty"
        raise InputError(str(answers), f"holds no answer to a model of the family: {hint}")
    for line, name in models:
        if name.rpartition(".")[2] not in answered:
            continue
        if name not in found:
            yield Judgement(name, "missing", "no answer")
            continue
        several = [path for path in found[name] if path.name == f"{name}.log"] or found[name]
        if len(several) > 1:
            both = " and ".join(path.name for path in several[:2])
            raise InputError(str(answers), f"holds two answers to {name}, {both}: one is judged, {name}.log")
        yield _judged(folder, line, name, several[0])


def _answers(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Files by the names of models that they may answer: the beginnings of their names that end at a dot."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        parts = path.name.split(".")
        for end in range(2, len(parts) + 1):
            if path.is_file() and not path.name.endswith(".map.json"):
                found.setdefault(".".join(parts[:end]), []).append(path)
    return found


def _manifest(path: Path) -> Iterator[dict[str, Any]]:
    with located(path):
        for number, text in enumerate(split_lines(read_text(path)), 1):
            try:
                line = json.loads(text)
                sound = _sound(line)
            except (ValueError, TypeError, KeyError, RecursionError):
                sound = False
            if not sound:
                raise InputError(f"line {number}", "is no line of a family's manifest")
            yield line


def _sound(line: dict[str, Any]) -> bool:
    """Whether a line of a manifest tells what is read of it; what is missing is a :class:`KeyError`."""
    kinds = [type(line[key]) for key in ("instance", "answer", "points", "files")]
    low, high = ends = line.get("optimum_between", [0, 0])
    return (
        kinds == [str, bool, int, list]
        and all(isinstance(name, str) for name in line["files"])
        and [type(end) for end in ends] == [int, int]
        and low <= high
    )


def _judged(folder: Path, line: dict[str, Any], name: str, path: Path) -> Judgement:
    variables = VariableMap.load(folder / f"{name}.map.json")
    try:
        answer = variables.read_answer(path)
    except InputError as error:
        return Judgement(name, "unknown", f"the answer cannot be read: {error}")
    posed = variables.posed(Instance.load(folder / f"{line['instance']}.json"))
    errors = None
    try:
        errors = check(posed, variables.network(answer, posed)).errors
    except Unsupported:  # it has no model
        pass
    except WrongAnswer as error:
        return Judgement(name, "wrong", str(error))
    if answer.status not in (Status.SATISFIABLE, Status.OPTIMAL, Status.UNSATISFIABLE):
        return Judgement(name, "unknown", "no verdict")
    refuted = None if errors is None else variables.refuted(answer, posed.goal, errors)
    if refuted is not None:
        return Judgement(name, "wrong", refuted)
    if posed.goal.minimizes:
        best = variables.errors(answer, posed.goal) if errors is None else errors
        return Judgement(name, *_minimum(line, answer, best))
    return Judgement(name, *_decision(line, answer, errors))


def _decision(line: dict[str, Any], answer: Answer, errors: int | None) -> tuple[str, str]:
    """Judge the answer to whether a network meets the goal; its own, if it has one, does."""
    solvable = line["answer"]
    if answer.status is Status.UNSATISFIABLE:
        return ("wrong", "says that there is none, but there is") if solvable else ("right", "there is none")
    if solvable:
        return "right", "" if errors is None else f"its network has {errors} errors"
    if errors is None:
        return "wrong", "says that there is one, but there is none"
    return "wrong", f"its network has {errors} errors: the manifest itself is refuted"


def _minimum(line: dict[str, Any], answer: Answer, best: int | None) -> tuple[str, str]:
    """Judge the answer to how few errors there can be: ``best`` is what it found, or claims."""
    low, high = line.get("optimum_between", [0, line["points"]])
    if answer.status is Status.UNSATISFIABLE:
        return "wrong", "says that there is no network at all"
    if best is None:
        return "unknown", "neither an objective nor a solution"
    if best < low:
        return "wrong", f"says {best} errors, but at least {low} are unavoidable"
    if answer.status is Status.SATISFIABLE:
        return "unknown", f"{best} errors, not said to be the fewest"
    if best > high:
        return "wrong", f"says that {best} errors are the fewest, but there is a network with {high}"
    if low < high:
        return "unknown", f"says that {best} errors are the fewest; known is that {low} to {high} are"
    return "right", f"{best} errors"
