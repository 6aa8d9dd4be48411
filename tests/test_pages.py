"""The README and docs/ do what they say: their code runs, and their commands print what is shown."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import re
import shlex
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
from packages import block
from pages import PAGES, commands, core, normal, prepare, shell, steps

RUN = [page for page in PAGES if {"console", "python"} & {language for language, _ in steps(page)}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, in which this process works."""
    (tmp_path / "coin_flips.py").write_text(block("python", "class CoinFlips"))
    monkeypatch.syspath_prepend(tmp_path)  # a block of adding-a-backend.md imports it
    monkeypatch.chdir(prepare(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


@pytest.mark.parametrize("page", RUN)
def test_blocks_do_what_is_shown(folder, qnnt, page):
    """In order, as a later one may use what an earlier one wrote. The README needs the core install only."""
    only = core(folder) if page == "README.md" else {}
    left_out = []
    for language, text in steps(page):
        if language == "console":
            for command, shown in commands(text):
                check(command, shown, folder, None if only else qnnt, only)
        elif language == "python" and only:
            (folder / "block.py").write_text(text)
            run = shell("python block.py", folder, **only)
            assert run.returncode == 0, run.stdout
        elif language == "python" and lacking(text):
            left_out.append(text)
        elif language == "python":
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                if "import torch" in text:
                    warnings.simplefilter("ignore")  # its exporter warns of itself
                exec(compile(text, page, "exec", dont_inherit=True), {"__name__": "page"})
    if left_out:
        pytest.skip(f"all but {len(left_out)} of its blocks ran: torch or onnxscript is not installed")


def lacking(text):
    """Whether a block is about torch, which no extra brings, and torch or its exporter is not installed."""
    return "import torch" in text and not (find_spec("torch") and find_spec("onnxscript"))


def check(command, shown, folder, qnnt, only):
    """Run a command, in this process if it is no more than a call of the program."""
    if qnnt is None or not re.fullmatch(r"qnnt [^|<>;&$*()]*\n", command):
        run = shell(command, folder, **only)
        status, printed = run.returncode, run.stdout
    else:
        run = qnnt(*shlex.split(command)[1:])
        status, printed = run.status, run.out + run.err
    assert normal(printed) == normal(shown), command
    assert status in (0, 10, 20), printed  # a SAT solver ends with 10 or 20
    formulas = re.findall(r"^ .*=  \w+\(.*$", shown, re.M)
    if only and importlib.metadata.version("python-sat") in PAGES["README.md"].read_text(encoding="utf-8"):
        assert all(line in printed for line in formulas), command  # what a newcomer gets, to the letter
