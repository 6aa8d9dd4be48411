"""``qnnt check-family``: judge a solver's whole run over a family."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli.options import Json
from qnnt.cli.output import print_columns, print_json
from qnnt.cli.program import FAILED, OK


def check_family(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of 'qnnt generate family'.")],
    answers: Annotated[
        Path,
        typer.Argument(metavar="ANSWERS", help="Folder of what a solver printed: NAME.cnf.log for NAME.cnf."),
    ],
    json: Json = False,
) -> int:
    """Judge a solver's answers to the models of a family: CNF, WCNF and OPB.

    A verdict is held against the known one; a model is carried back to a network and replayed. The answer to
    NAME.cnf is NAME.cnf.log, or the only file of that name with any ending added. Exit status: 1 if an answer
    is wrong.
    """
    from qnnt.comparing.family import JUDGEMENTS, judge_family

    judged = list(judge_family(folder, answers))
    wrong = [each for each in judged if each.word == "wrong"]
    if json:
        print_json([asdict(each) for each in judged])
    else:
        counts = Counter((each.format, each.word) for each in judged)
        formats = dict.fromkeys(each.format for each in judged)
        rows = [[name, *(str(counts[name, word]) for word in JUDGEMENTS)] for name in formats]
        print_columns([["", *JUDGEMENTS], *rows])
        for each in judged:
            if each.word in ("wrong", "missing", "unknown"):
                print(f"{each.word.upper()} {each.model}: {each.reason}", file=sys.stdout)
    return FAILED if wrong else OK
