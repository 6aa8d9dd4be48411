"""The pages of the site that are made of other files."""

from __future__ import annotations

import re


def test_links_of_the_readme_lead_to_pages(script):
    page = script("site_pages")._moved("README.md")
    links = re.findall(r"\]\(([\w/.-]+\.md)", page)
    assert {"engineer.md", "contributing.md", "notebooks/training.md"} <= set(links)
    assert not any(link.startswith("docs/") for link in links)


def test_notebooks_and_docstrings_are_shown(script):
    site_pages = script("site_pages")
    page = site_pages.notebook_pages()["notebooks/training.md"]
    assert page.startswith("# Training a quantised network exactly")
    assert "<svg" in page
    assert "UNSATISFIABLE" in page
    assert "::: qnnt.network.Network\n" in site_pages.reference()
    shown = site_pages.on_page_content("a :class:<code>~qnnt.Instance</code> and :meth:<code>problem</code>")
    assert re.sub("</?code>", "`", shown) == "a `Instance` and `problem`"
