"""The pages of the site that are made of other files."""

from __future__ import annotations

import re

import pytest


def test_every_section_of_the_readme_is_on_one_page(script):
    pages = script("site_pages").readme_pages()
    text = "\n".join(pages.values())
    for heading in ("## The problem", "## Backends", "## Adding a backend", "## Limits"):
        assert text.count(f"\n{heading}\n") == 1
    assert "](docs/" not in text
    assert "](engineers.md#activations)" in pages["index.md"]


def test_a_section_without_a_page_is_an_error(script, monkeypatch):
    site_pages = script("site_pages")
    monkeypatch.setitem(site_pages.PAGES, "index.md", ("", "The problem"))
    with pytest.raises(ValueError, match="Limits"):
        site_pages.readme_pages()


def test_notebooks_and_docstrings_are_shown(script):
    site_pages = script("site_pages")
    page = site_pages.notebook_pages()["notebooks/training.md"]
    assert page.startswith("# Training a quantised network exactly")
    assert "<svg" in page
    assert "UNSATISFIABLE" in page
    assert "::: qnnt.network.Network\n" in site_pages.reference()
    shown = site_pages.on_page_content("a :class:<code>~qnnt.Instance</code> and :meth:<code>problem</code>")
    assert re.sub("</?code>", "`", shown) == "a `Instance` and `problem`"
