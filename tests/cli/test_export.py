"""``qnnt export`` writes files and standard output."""

import pytest

from qnnt import Architecture, Domain, Network


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "n.json"
    Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0]).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("n.py", "def predict(X)"),
        ("n.c", "void qnnt_predict("),
        ("n.tex", "\\operatorname{ReLU}"),
        ("n.onnx", "qnnt"),
    ],
)
def test_the_name_tells_the_format(qnnt, network, tmp_path, name, words):
    run = qnnt("export", network, "-o", tmp_path / name)
    assert (run.status, run.out, run.err) == (0, "", "")
    assert words.encode() in (tmp_path / name).read_bytes()


def test_standard_output_and_mistakes(qnnt, network, tmp_path):
    assert "activation0(x[0] - x[1])" in qnnt("export", network, "--to", "c").out
    assert qnnt("export", network, "--to", "python", "-o", "-").out.startswith(
        '"""A quantised neural network'
    )
    for words, expected in (
        ([], "--to: is missing"),
        (["--to", "pyton"], "did you mean 'python'"),
        (["--to", "onnx"], "-: must be a file"),
        (["-o", tmp_path / "no" / "n.c"], "there is no folder"),
    ):
        run = qnnt("export", network, *words)
        assert (run.status, run.out) == (2, "")
        assert expected in run.err
