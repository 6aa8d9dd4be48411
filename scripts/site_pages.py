"""Pages of the documentation site that are made of other files: a hook of ``mkdocs build``.

The README is the first page, the notebooks become pages, and the reference lists the public names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qnnt

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made here."""
    from mkdocs.structure.files import File

    pages = {"index.md": _moved("README.md"), "contributing.md": _moved("CONTRIBUTING.md")}
    pages |= {**notebook_pages(), "reference.md": reference()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to the README lead to the first page."""
    return markdown.replace("](../README.md", "](index.md") if page.file.src_uri != "index.md" else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Names in docstrings, such as ``:class:`~qnnt.Instance```, lose their role."""
    return re.sub(
        r":(?:class|func|meth|mod|data|exc|attr):<code>~?(?:\w+\.)*(\w+)</code>", r"<code>\1</code>", html
    )


def _moved(name: str) -> str:
    """A page of the project's folder, with links as they are on the site."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("](CONTRIBUTING.md)", "](contributing.md)")
    return text.replace("](docs/notebooks)", "](notebooks/training.md)").replace("](docs/", "](")


def notebook_pages() -> dict[str, str]:
    """Each notebook as a page: its text, its code and what the cells show."""
    pages = {}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        pages[f"notebooks/{path.stem}.md"] = "\n\n".join(_cell(cell) for cell in cells) + "\n"
    return pages


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    return "\n\n".join([f"```python\n{source}\n```", *map(_output, cell["outputs"])])


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text'])}```"
    data = output["data"]
    for kind in ("text/html", "image/svg+xml"):
        if kind in data:
            return f"<div>{''.join(data[kind])}</div>".replace("\n", " ")
    return f"```text\n{''.join(data['text/plain'])}\n```"


def reference() -> str:
    """The public names with their docstrings."""
    names = sorted(qnnt._PUBLIC.items(), key=lambda item: item[0].lower())
    listed = "\n\n".join(f"::: qnnt.{module}.{name}" for name, module in names)
    rounding = "\n\n".join(
        f"::: qnnt.{module}.{name}" for name, module in sorted(qnnt.rounding._PUBLIC.items())
    )
    return f"# Reference\n\nThe names of `qnnt`, then those of `qnnt.rounding`.\n\n{listed}\n\n{rounding}\n"
