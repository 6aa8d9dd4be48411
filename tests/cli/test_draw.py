"""``qnnt draw`` tells what a file holds and what a picture is to be."""

import pytest

from qnnt import Architecture, Domain, Network

TREE = "c a path\ns td 2 2 3\nb 1 1 2\nb 2 2 3\n1 2\n"


@pytest.fixture
def files(tmp_path, xor):
    Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0]).save(tmp_path / "n.json.gz")
    (tmp_path / "t.td").write_text(TREE)
    return {"network": tmp_path / "n.json.gz", "instance": xor, "tree": tmp_path / "t.td"}


@pytest.mark.parametrize("kind", ["network", "instance", "tree"])
@pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<svg "), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_every_kind_becomes_every_picture(qnnt, files, tmp_path, kind, suffix, magic):
    run = qnnt("draw", files[kind], "-o", tmp_path / f"p.{suffix}")
    assert (run.status, run.out, run.err) == (0, "", "")
    assert (tmp_path / f"p.{suffix}").read_bytes().startswith(magic)


def test_standard_output_titles_and_decompositions(qnnt, files):
    assert ">-1..1}, 2-1" not in (out := qnnt("draw", files["network"], "--title", "A & B").out)
    assert "<title>A &amp; B</title>" in out
    assert "Network: Z_3" in qnnt("draw", files["network"], "-o", "-").out
    assert "4 points with 4 distinct inputs; goal at-most:0" in qnnt("draw", files["instance"]).out
    out = qnnt("draw", files["instance"], "--decomposition").out
    assert "width 2" in out
    assert "h0" in out
    assert "hidden layer 1: h0, h1" in qnnt("draw", files["instance"], "--tables").out
    assert "a network: --tables is for an instance" in qnnt("draw", files["network"], "--tables").err
    assert qnnt("draw", files["instance"], "--tables", "--decomposition").status == 2


@pytest.mark.parametrize(
    ("name", "text", "words", "said"),
    [
        ("a.json", "{}", [], "is no network, no instance and no tree decomposition"),
        ("a.csv", "a,b\n1,2\n", [], "is no network"),
        ("a.json", '{"format": "qnnt-network", "version": 3}', [], "d: is missing"),
        ("a.td", TREE.replace("2 3\n1 2\n", "2 3\n"), [], "no tree: 2 bags and 0 edges"),
        ("a.td", TREE, ["--decomposition"], "is a tree decomposition already"),
        ("a.td", TREE, ["--tables"], "leave out --tables"),
        ("a.td", TREE, ["-o", "p.gif"], "--output: must end in .svg, .png or .pdf, not 'p.gif'"),
        ("a.td", TREE, ["-o", "no/p.svg"], "there is no folder"),
        ("gone.td", None, [], "cannot be read"),
    ],
)
def test_mistakes_are_one_line(qnnt, tmp_path, monkeypatch, name, text, words, said):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / name).write_text(text)
    run = qnnt("draw", name, *words)
    assert (run.status, run.out) == (2, "")
    assert said in run.err
    assert run.err.count("\n") == 1


def test_without_matplotlib_svg_is_left(qnnt, files, tmp_path, monkeypatch):
    monkeypatch.setattr("qnnt.drawing.plot.find_spec", lambda name: None)
    run = qnnt("draw", files["tree"], "-o", tmp_path / "p.png")
    assert run.status == 2
    assert "pip install 'qnnt[plot]'" in run.err
    assert qnnt("draw", files["tree"], "-o", tmp_path / "p.svg").status == 0
