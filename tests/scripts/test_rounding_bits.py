from __future__ import annotations

import pytest

from qnnt.cli.program import run


def test_budgets_beside_the_same_bits_for_all(script, capfd, tmp_path):
    bits = script("rounding_bits")
    options = ("--bits", "2,8", "--budgets", "9kB,11kB", "--backend", "gptq", "--train", "100")
    options += ("--epochs", "1", "--calibration", "40")
    assert run(bits.app, "rounding_bits", [str(tmp_path), *options]) == 0
    table = (tmp_path / "table.md").read_text()
    assert capfd.readouterr().out.strip() == table.strip()
    two, eight, less, more = (
        line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith(("| 2", "| 8", "| a"))
    )
    assert [int(line[2].replace(",", "")) for line in (less, more)] <= [9000, 11000]
    assert float(two[5]) > float(less[5]) >= float(more[5]) >= float(eight[5]) - 1e-3
    assert (tmp_path / "bits.png").stat().st_size > 10_000


def test_a_killed_run_gives_the_same_file(script, capfd, tmp_path):
    resume = script("rounding_resume")
    options = ("--megabytes", "0.2", "--calibration", "32", "--backend", "gptq", "--threads", "1")
    assert run(resume.app, "rounding_resume", [str(tmp_path), *options]) == 0
    out = capfd.readouterr().out
    assert "the two files are the same" in out
    whole, killed, rest = [line.split("|") for line in out.splitlines() if line.count("|") == 5][2:]
    for line in (whole, killed, rest):
        assert float(line[2]) > 0
        assert 20 < float(line[4].replace(",", "")) < 4096
    assert (tmp_path / "journal.jsonl").read_bytes().count(b'"layer":') == 8


@pytest.mark.parametrize("megabytes", [0.2, 2.0])
def test_the_model_has_the_size_that_was_asked_for(script, megabytes):
    model = script("rounding_resume").large(megabytes, 0)
    assert model.ByteSize() == pytest.approx(megabytes * 1e6, rel=0.03)
