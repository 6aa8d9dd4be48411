"""The notebooks run, and show what is stored in them."""

from __future__ import annotations

import json
import re

import pytest

# Of what may differ from run to run: seconds, versions, coordinates; and networks, as there may be several.
NUMBER = re.compile(r"\d[\d.,]*")


def shown(notebook: dict) -> list:
    """The kinds of output of each cell, and its printed text without numbers behind the first line."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    return [[_shown(output) for output in cell["outputs"]] for cell in cells]


def _shown(output: dict) -> tuple:
    if output["output_type"] == "stream":
        first = "".join(output["text"]).partition("\n")[0]
        return ("stream", first)
    return (*sorted(output["data"]), NUMBER.sub("N", "".join(output["data"]["text/plain"]))[:30])


@pytest.mark.parametrize("name", ["training", "rounding"])
def test_a_notebook_runs_and_shows_what_is_stored(script, name):
    notebooks = script("notebooks")
    path = notebooks.FOLDER / f"{name}.ipynb"
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert shown(notebooks.run(path)) == shown(stored)


def test_every_notebook_is_run(script):
    assert {path.stem for path in script("notebooks").FOLDER.glob("*.ipynb")} == {"training", "rounding"}
