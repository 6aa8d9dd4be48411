"""``--json``, which every command has: one object on standard output and nothing else."""

import json
from pathlib import Path

import pytest
from program import Run

from qnnt import Instance
from qnnt.cli import commands, generate

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", [name for name in commands._COMMANDS if name != "generate"])
def test_every_command_takes_it(qnnt: Run, name: str) -> None:
    assert "--json" in qnnt(name, "--help").out


@pytest.mark.parametrize("name", generate._COMMANDS)
def test_every_way_to_generate_takes_it(qnnt: Run, name: str) -> None:
    assert "--json" in qnnt("generate", name, "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ("teacher", "--d", 3, "--layers", "3,2,1", "--points", 9),
        ("three-sat", "f.cnf"),
        ("balanced-sat", "f.cnf"),
        ("exact-cover", "sets.csv"),
        ("hitting-set", "sets.csv", "--size", 2),
        ("table", "t.csv", "--d", 3, "--target", "kind"),
    ],
)
def test_an_instance_that_was_generated(
    qnnt: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cnf").write_text("p cnf 3 2\n1 -2 3 0\n-1 2 3 0\n")
    Path("sets.csv").write_text("1,1,0\n0,0,1\n1,0,1\n")
    Path("t.csv").write_text("a,b,kind\n1,2,x\n2,2,y\n3,2,x\n1,2,y\n")
    run = qnnt("generate", *words, "-o", "i.json", "--json")
    assert (run.status, run.err) == (0, "")
    (told,) = json.loads(run.out)["instances"]
    instance = Instance.load("i.json")
    assert told == {
        "file": "i.json",
        "kind": instance.meta["kind"],
        "d": instance.domain.d,
        "layers": list(map(len, instance.architecture.layers)),
        "points": instance.dataset.total,
        "unavoidable_errors": instance.choices.unavoidable,
        "goal": str(instance.goal),
    }
    run = qnnt("generate", *words, "--json")
    assert (run.status, run.out) == (2, "")
    assert "--json: is for standard output, and the result is, too: name a file by -o" in run.err


def test_both_parts_of_a_table_and_what_was_left_out(qnnt: Run, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,kind\n" + "".join(f"{i},2,{'xy'[i % 2]}\n" for i in range(10)))
    words = ("--d", 3, "--target", "kind", "--test-share", 0.3, "-o", tmp_path / "i.json", "--json")
    told = json.loads(qnnt("generate", "table", table, *words).out)
    assert [Path(each["file"]).name for each in told["instances"]] == ["i.json", "i-test.json"]
    assert [each["points"] for each in told["instances"]] == [7, 3]
    assert told["dropped"] == ["b"]


def test_a_picture_and_an_export(qnnt: Run, tmp_path: Path) -> None:
    network = tmp_path / "n.json"
    qnnt("solve", EXAMPLES / "teacher.json", "-o", network)
    made = [("draw", "n.svg", "svg"), ("export", "n.c", "c"), ("export", "n.py", "python")]
    for command, name, form in made:
        file = tmp_path / name
        run = qnnt(command, network, "-o", file, "--json")
        assert json.loads(run.out) == {"source": str(network), "file": str(file), "format": form}
        assert file.stat().st_size
    for command in ("draw", "export"):
        run = qnnt(command, network, "--json", *(("--to", "c") if command == "export" else ()))
        assert (run.status, run.out) == (2, "")
