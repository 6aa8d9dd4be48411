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

    The answer to the model ``NAME.cnf`` is the file ``NAME.cnf``, or ``NAME.cnf.`` and anything, in
    ``answers``. A model is read back by its map and replayed. Formats of which there is no answer at all are
    left out. Raises :class:`InputError` for a folder without manifest or answers, and for damaged files.
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
        else:
            yield _judged(folder, line, name, found[name])


def _answers(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by the names of models that they may answer: the beginnings of their names that end at a dot."""
    found: dict[str, Path] = {}
    for path in paths:
        parts = path.name.split(".")
        for end in range(2, len(parts) + 1):
            if path.is_file() and not path.name.endswith(".map.json"):
                found.setdefault(".".join(parts[:end]), path)
    return found


def _manifest(path: Path) -> Iterator[dict[str, Any]]:
    with located(path):
        for number, text in enumerate(split_lines(read_text(path)), 1):
            try:
                line = json.loads(text)
                kinds = [type(line[key]) for key in ("instance", "answer", "files")]
            except (ValueError, TypeError, KeyError):
                kinds = []
            if kinds != [str, bool, list]:
                raise InputError(f"line {number}", "is no line of a family's manifest")
            yield line


def _judged(folder: Path, line: dict[str, Any], name: str, path: Path) -> Judgement:
    variables = VariableMap.load(folder / f"{name}.map.json")
    answer = variables.read_answer(path)
    instance = Instance.load(folder / f"{line['instance']}.json")
    posed = instance if variables.goal is None else instance.with_goal(variables.goal)
    try:
        errors = check(posed, variables.network(answer, posed)).errors
    except Unsupported:  # it has no model
        errors = None
    except WrongAnswer as error:
        return Judgement(name, "wrong", str(error))
    decide = _minimum if posed.goal.minimizes else _decision
    return Judgement(name, *decide(line, posed, variables, answer, errors))


def _decision(
    line: dict[str, Any], posed: Instance, _: VariableMap, answer: Answer, errors: int | None
) -> tuple[str, str]:
    """Judge the answer to whether a network meets the goal."""
    solvable = line["answer"]
    if answer.status is Status.UNSATISFIABLE:
        return ("wrong", "says that there is none, but there is") if solvable else ("right", "there is none")
    if answer.status not in (Status.SATISFIABLE, Status.OPTIMAL):
        return "unknown", "no verdict"
    if errors is not None and not posed.goal.accepts(errors):
        return "wrong", f"its model is a network with {errors} errors, which misses {posed.goal}"
    if solvable:
        return "right", "" if errors is None else f"its model is a network with {errors} errors"
    if errors is None:
        return "wrong", "says that there is one, but there is none"
    return "wrong", f"its model is a network with {errors} errors: the manifest itself is refuted"


def _minimum(
    line: dict[str, Any], _: Instance, variables: VariableMap, answer: Answer, errors: int | None
) -> tuple[str, str]:
    """Judge the answer to how few errors there can be."""
    low, high = line.get("optimum_between", [0, None])
    claimed = variables.errors(answer)
    if answer.status is Status.UNSATISFIABLE:
        return "wrong", "says that there is no network at all"
    if answer.status not in (Status.SATISFIABLE, Status.OPTIMAL):
        return "unknown", "no verdict"
    if errors is not None and claimed is not None and errors > claimed:
        return "wrong", f"claims {claimed} errors for a network that has {errors}"
    best = claimed if errors is None else errors
    if best is None:
        return "unknown", "neither an objective nor a model"
    if best < low:
        return "wrong", f"claims {best} errors, but at least {low} are unavoidable"
    if answer.status is Status.OPTIMAL and high is not None and best > high:
        return "wrong", f"says that {best} errors are the fewest, but there is a network with {high}"
    if answer.status is Status.SATISFIABLE:
        return "unknown", f"{best} errors, not said to be the fewest"
    return "right", f"{best} errors" + ("" if low == high else f"; known: between {low} and {high}")
