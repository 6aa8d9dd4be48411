"""Pages of the documentation site that are made of other files: a hook of ``mkdocs build``.

The README's sections become pages for engineers, researchers and solver developers, the notebooks become
pages, and the reference lists the public names. Each section of the README is on one page; the build fails if
there is one that :data:`PAGES` does not name.
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

PAGES = {
    "index.md": ("", "The problem", "Limits", "Reference"),
    "engineers.md": ("An example", "Activations", "From Python", "Rounding a trained network"),
    "researchers.md": ("What the theory says", "Hard instances", "Backends", "Proofs"),
    "solver-developers.md": ("Adding a backend", "Models for outside solvers"),
}
TITLES = {
    "engineers.md": "Train on your data",
    "researchers.md": "Theory and backends",
    "solver-developers.md": "Add a backend, take an instance",
}

_DOORS = """
- You have data and want a network that is easy to read, or small: [Train on your data](engineers.md).
- You study the problem, its complexity or its solvers: [Theory and backends](researchers.md).
- You write a solver: [Add a backend, take an instance](solver-developers.md).
"""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made here."""
    from mkdocs.structure.files import File

    pages = {**readme_pages(), **notebook_pages(), "reference.md": reference()}
    pages["contributing.md"] = _moved((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to the README lead to the first page."""
    return markdown.replace("](../README.md)", "](index.md)") if page.file.src_uri != "index.md" else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Names in docstrings, such as ``:class:`~qnnt.Instance```, lose their role."""
    return re.sub(
        r":(?:class|func|meth|mod|data|exc|attr):<code>~?(?:\w+\.)*(\w+)</code>", r"<code>\1</code>", html
    )


def readme_pages() -> dict[str, str]:
    """The pages that the README's sections make."""
    sections = readme_sections((ROOT / "README.md").read_text(encoding="utf-8"))
    placed = [name for names in PAGES.values() for name in names]
    if sorted(placed) != sorted(sections):
        raise ValueError(f"sections of the README and of the site differ: {set(placed) ^ set(sections)}")
    pages = {}
    for page, names in PAGES.items():
        title = f"# {TITLES[page]}\n\n" if page in TITLES else ""
        pages[page] = title + "\n".join(_linked(sections[name], page) for name in names)
    pages["index.md"] = pages["index.md"].replace("## The problem", f"{_DOORS}\n## The problem", 1)
    return pages


def readme_sections(text: str) -> dict[str, str]:
    """The text of each section by its title, "" for what is before the first one."""
    text = text.replace("### Adding a backend", "## Adding a backend")
    first, *rest = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return {"": first} | {part.partition("\n")[0].removeprefix("## "): part for part in rest}


def _linked(text: str, page: str) -> str:
    text = _moved(text)
    where = {_anchor(name): other for other, names in PAGES.items() for name in names}

    def target(link: re.Match[str]) -> str:
        other = where[link[1]]
        return f"](#{link[1]})" if other == page else f"]({other}#{link[1]})"

    return re.sub(r"\]\(#([\w-]+)\)", target, text)


def _moved(text: str) -> str:
    """Links from the project's folder, as they are on the site."""
    text = text.replace("](docs/notebooks)", "](notebooks/training.md)").replace("](docs/", "](")
    return text.replace("](CONTRIBUTING.md)", "](contributing.md)")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


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
