"""``qnnt solve --cubes``: what it prints, the journal, and what it says no to."""

from __future__ import annotations

import json

from cubing import IMPOSSIBLE, LEAST_2


def test_the_parts_are_counted(qnnt, tmp_path):
    IMPOSSIBLE.save(tmp_path / "i.json")
    run = qnnt("solve", tmp_path / "i.json", "--cubes", 6, "--threads", 2)
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("UNSATISFIABLE: every network gets 1 or more of 30 points wrong\n")
    assert "model        7 cubes, 1 refuted by propagation, " in run.out
    assert "backend      sat:cadical153" in run.out


def test_the_same_command_goes_on(qnnt, tmp_path):
    LEAST_2.save(tmp_path / "i.json")
    journal = tmp_path / "j"
    command = ["solve", tmp_path / "i.json", "--cubes", 4, "--journal", journal, "--json"]
    first = json.loads(qnnt(*command).out)
    assert (first["status"], first["errors"]) == ("OPTIMAL", 2)
    assert "from the journal" not in first["statistics"]
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:4]))
    again = json.loads(qnnt(*command).out)
    assert (again["status"], again["errors"]) == ("OPTIMAL", 2)
    assert again["statistics"]["from the journal"] >= 1


def test_what_does_not_go_together_is_named(qnnt, xor, tmp_path):
    def refused(*arguments):
        run = qnnt("solve", xor, *arguments)
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
        return run.err

    assert refused("--journal", tmp_path / "j") == (
        "qnnt: error: --journal: is for parts of an instance: give --cubes N, too\n"
    )
    assert refused("--cubes", 0) == "qnnt: error: --cubes: at least one cube is needed, not 0\n"
    assert "takes no cubes" in refused("--cubes", 4, "--backend", "treewidth")
    assert "one backend" in refused("--cubes", 4, "--backend", "portfolio")
    assert "there is no folder" in refused("--cubes", 4, "--journal", tmp_path / "no" / "j")
    assert "is named twice" in refused("--cubes", 4, "--journal", xor)
    (tmp_path / "other.json").write_bytes(xor.read_bytes())
    assert "is no journal of cubes" in refused("--cubes", 4, "--journal", tmp_path / "other.json")
