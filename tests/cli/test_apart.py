"""No command writes over what it reads, and none writes two things to one place."""

import subprocess
import sys

import pytest

from qnnt import Instance, Network

TABLE = "a,b,y\n0,0,0\n1,0,1\n0,1,1\n1,1,0\n"


@pytest.fixture
def files(qnnt, xor, tmp_path):
    """An instance, a network of it, a table, a formula and a matrix of sets, by name."""
    network, table, formula, sets = (tmp_path / name for name in ("n.json", "t.csv", "f.cnf", "m.csv"))
    assert qnnt("solve", xor, "-o", network).status == 0
    table.write_text(TABLE)
    formula.write_text("p cnf 2 1\n1 -2 0\n")
    sets.write_text("1,1\n")
    return {"xor": xor, "n": network, "t": table, "f": formula, "m": sets, "tmp": tmp_path}


@pytest.mark.parametrize(
    "line",
    [
        "solve {xor} -o {xor}",
        "solve {xor} -o {tmp}/../{tmp.name}/xor.json",
        "solve {xor} --log {xor}",
        "solve {xor} -o {tmp}/new --log {tmp}/new",
        "solve {xor} --cubes 2 --journal {tmp}/new -o {tmp}/new",
        "solve {xor} --start {n} --log {n}",
        "encode {xor} --format cnf -o {xor}",
        "decode {xor} {xor} {t} -o {t}",
        "export {n} --to c -o {n}",
        "predict {n} {t} -o {t}",
        "predict {n} {t} --instance {xor} -o {xor}",
        "draw {xor} -o {xor}",
        "info {xor} --plot {xor}",
        "generate table {t} --d 3 --target y -o {t}",
        "generate table {t} --like {xor} -o {xor}",
        "generate table {t} --d 3 --target y --test-share 0.5 -o {tmp}/a --test-output {tmp}/x/../a",
        "generate three-sat {f} -o {f}",
        "generate exact-cover {m} -o {m}",
        "generate hitting-set {m} --size 1 -o {m}",
    ],
)
def test_nothing_is_written_over_what_is_read(qnnt, files, line):
    (files["tmp"] / "x").mkdir()
    before = {path: path.read_bytes() for path in files["tmp"].iterdir() if path.is_file()}
    run = qnnt(*(word.format(**files) for word in line.split()))
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert "is named twice" in run.err
    assert {path: path.read_bytes() for path in files["tmp"].iterdir() if path.is_file()} == before


def test_a_network_may_be_bettered_where_it_stands(qnnt, files):
    assert qnnt("solve", files["xor"], "--start", files["n"], "-o", files["n"]).status == 0
    assert Network.load(files["n"]).error(Instance.load(files["xor"]).dataset) == 0


def test_a_device_may_be_named_twice(qnnt, files):
    assert qnnt("solve", files["xor"], "-o", "/dev/null", "--log", "/dev/null").status == 0


def test_names_of_maps_and_of_compressed_files_are_not_for_models(qnnt, files):
    assert qnnt("encode", files["xor"], "--format", "cnf", "-o", files["tmp"] / "y.cnf").status == 0
    before = (files["tmp"] / "y.cnf.map.json").read_bytes()
    for name, said in (("y.cnf.map.json", "as the maps of models do"), ("y.cnf.gz", "not compressed")):
        run = qnnt("encode", files["xor"], "--format", "cnf", "-o", files["tmp"] / name)
        assert (run.status, run.err.count("\n")) == (2, 1)
        assert said in run.err
    assert (files["tmp"] / "y.cnf.map.json").read_bytes() == before
    assert not (files["tmp"] / "y.cnf.gz").exists()


def test_standard_input_is_read_once(files):
    ended = subprocess.run(
        [sys.executable, "-m", "qnnt", "check", "-", "-"],
        input=files["xor"].read_bytes(),
        capture_output=True,
    )
    assert ended.returncode == 2
    assert ended.stderr == b"qnnt: error: -: is named twice: standard input can be read only once\n"
