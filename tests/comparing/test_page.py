"""The page, driven in a browser: what is clicked is what changes, and no name is taken for HTML."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from qnnt import Status
from qnnt.comparing.page import write_page
from qnnt.comparing.runs import judged

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = "<img src=x onerror=\"document.title='evil'\"></script>&amp;"

DRIVER = """
<pre id="told"></pre><script>
const told = {}, all = (where) => [...document.querySelectorAll(where)];
const column = (i) => all(`#runs tr.run td:nth-child(${i})`).map((cell) => cell.textContent);
const click = (where) => document.querySelector(where).click();
const choose = (id, value, event) => { byId(id).value = value; byId(id).dispatchEvent(new Event(event)); };
told.before = column(1);
click("#runs th:nth-child(6) button");
told.rising = column(6);
click("#runs th:nth-child(6) button");
told.falling = column(6);
choose("search", "CASE-1", "input");
told.searched = column(1);
choose("search", "", "input");
choose("outcome", "wrong", "change");
told.wrong = column(2);
choose("outcome", "", "change");
choose("contestant", "a", "change");
told.contestant = column(2);
click("#runs tr.run");
told.details = all("tr.details dd code").map((code) => code.textContent);
click("#runs tr.run");
told.closed = all("tr.details").length;
choose("contestant", "", "change");
const axes = () => all("#scatter text").map((text) => text.textContent).filter((text) => /second/.test(text));
told.scatter = axes();
choose("up", "c", "change");
told.changed = axes();
told.dots = all("#scatter circle").length;
told.disagreements = all("#wrong li").map((item) => item.textContent);
told.legend = all("#cactus li").map((item) => item.textContent);
told.summary = all("#summary tbody tr:last-child td").map((cell) => cell.textContent);
told.images = all("img").length;
told.title = document.title;
byId("told").textContent = JSON.stringify(told);
</script>
"""


@pytest.fixture
def page(made, tmp_path):
    """Three cases, three contestants; the second case is named to break out, and an answer on it is wrong."""
    runs = [
        made("case-1", "a", 1.0, command="qnnt solve 'case 1'"),
        made("case-1", "b", 0.5),
        made("case-1", "c"),
        made(EVIL, "a", 2.0, errors=1, command="qnnt solve x"),
        made(EVIL, "b", 0.1, status=Status.UNSATISFIABLE, lower_bound=3),
        made(EVIL, "c", 4.0, errors=2),
        made("case-3", "a", command="qnnt solve y"),
        replace(made("case-3", "b", outcome="refused", status=None), seconds=None),
        made("case-3", "c", 3.0),
        made("case-4", "c", 1.0),  # which the others have not run: it does not count
    ]
    path = tmp_path / "report.html"
    write_page(*judged(runs), path)
    return path


def test_it_needs_nothing_else(page):
    text = page.read_text()
    shell = text[: text.index('<script type="application/json"')] + text[text.index("const data =") :]
    assert not re.search(r"(src|href)=|url\(|@import|fetch\(", shell)
    assert "<img" not in text


@pytest.mark.skipif(BROWSER is None, reason="no chromium")
def test_sort_filter_click(page):
    page.write_text(page.read_text().replace("</body>", f"{DRIVER}</body>"))
    folder = f"--user-data-dir={page.parent / 'profile'}"
    shown = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", folder, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told = json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', shown, re.S)[1]))
    assert told["before"] == ["case-1"] * 3 + [EVIL] * 3 + ["case-3"] * 3 + ["case-4"]
    assert told["rising"] == ["0.100", "0.500", "1", "1", "2", "3", "4", "10", "10", "–"]
    assert told["falling"] == ["10", "10", "4", "3", "2", "1", "1", "0.500", "0.100", "–"]
    assert told["searched"] == ["case-1"] * 3
    assert told["wrong"] == ["b"]
    assert told["contestant"] == ["a"] * 3
    assert told["details"] == ["qnnt solve y"]  # the slowest comes first
    assert told["closed"] == 0
    assert told["scatter"] == ["a, seconds", "b, seconds"]
    assert told["changed"] == ["a, seconds", "c, seconds"]
    assert told["dots"] == 3
    claim = "no network meets at-most:2, but a with e has a network with 1 errors"
    assert told["disagreements"] == [f"{EVIL}: b says: {claim}"]
    assert told["legend"] == ["a (2)", "c (2)", "b (1)"]
    assert told["summary"][:2] == ["virtual best", "3"]
    assert (told["images"], told["title"]) == (0, "qnnt compare")
