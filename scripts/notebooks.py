"""Run the notebooks of ``docs/notebooks`` and store what their cells show, without Jupyter.

``python scripts/notebooks.py`` runs all of them, ``python scripts/notebooks.py FILE…`` those named. Jupyter
runs them as well; this needs only what the cells import.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"

# What the last expression of a cell shows, by the method that gives it.
_SHOWN = {"_repr_html_": "text/html", "_repr_svg_": "image/svg+xml"}


def run(path: Path) -> dict[str, Any]:
    """The notebook with the outputs of this run; the first cell that fails raises."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "notebook"}
    with _inside(path.parent):
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for number, cell in enumerate(code, start=1):
            cell["execution_count"] = number
            cell["outputs"] = list(_outputs("".join(cell["source"]), number, f"{path.name}[{number}]", names))
    return notebook


def store(notebook: dict[str, Any], path: Path) -> None:
    """Write the notebook as Jupyter does."""
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _outputs(source: str, number: int, name: str, names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a cell prints, then what its last expression shows."""
    tree, printed = ast.parse(source, name), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(printed):
        exec(compile(tree, name, "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), name, "eval"), names)
    if printed.getvalue():
        yield {"name": "stdout", "output_type": "stream", "text": _lines(printed.getvalue())}
    if value is not None:
        data = {kind: _lines(getattr(value, how)()) for how, kind in _SHOWN.items() if hasattr(value, how)}
        data["text/plain"] = _lines(repr(value))
        yield {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    for path in parser.parse_args().files or sorted(FOLDER.glob("*.ipynb")):
        store(run(path), path)
        print(path)


if __name__ == "__main__":
    main()
