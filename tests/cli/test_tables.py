"""Tables of data on the command line: from rows to an instance, to a network, to predictions."""

import csv
import json

import pytest

from qnnt import Instance, Network
from qnnt.files.tables import csv_rows

LEARN = ("--target", "kind", "--d", 5)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        rows = ([i / 3, "rg"[i % 2], "low" if i < 12 else "high"] for i in range(30))
        csv.writer(file).writerows([["size", "colour", "kind"], *rows])
    return path


def test_rows_left_out_and_new_rows_are_encoded_alike(qnnt, table, tmp_path):
    instance = tmp_path / "i.json"
    made = qnnt("generate", "table", table, *LEARN, "--test-share", 0.3, "-o", instance)
    assert made.status == 0, made.err
    assert [line.split(": ")[0] for line in made.err.splitlines()] == [
        str(tmp_path / name) for name in ("i.json", "i-test.json")
    ]
    network = tmp_path / "n.json"
    assert qnnt("solve", tmp_path / "i.json", "-o", network).status == 0
    train, test = (Instance.load(tmp_path / name) for name in ("i.json", "i-test.json"))
    assert train.encoding == test.encoding == Network.load(network).encoding
    wrong = [
        int(qnnt("check", tmp_path / name, network).out.split()[0]) for name in ("i.json", "i-test.json")
    ]
    run = qnnt("predict", network, table)
    assert run.status == 0
    assert run.err == f"{30 - sum(wrong)} of 30 rows right\n"
    assert run.out.splitlines()[0] == "kind"
    like = tmp_path / "like.json"
    assert qnnt("generate", "table", table, "--like", tmp_path / "i.json", "-o", like).status == 0
    assert qnnt("check", like, network).out.startswith(f"{sum(wrong)} of 30 ")
    own = tmp_path / "own.json"
    assert qnnt("generate", "table", table, *LEARN, "-o", own).status == 0
    refused = qnnt("check", own, network)
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "another encoding: column 'size' differs" in refused.err


def test_predictions_of_rows_without_their_classes(qnnt, table, tmp_path):
    instance, network, rows = (tmp_path / name for name in ("i.json", "n.json", "rows.csv"))
    assert qnnt("generate", "table", table, *LEARN, "-o", instance).status == 0
    assert qnnt("solve", instance, "-o", network).status == 0
    rows.write_text("colour,other,size\nr,?,-4\ng,x,1e9\n")
    run = qnnt("predict", network, rows, "--json")
    assert run.status == 0
    assert json.loads(run.out) == {"predictions": {"kind": ["low", "high"]}, "right": None}
    assert qnnt("predict", network, rows, "-o", tmp_path / "out.csv").out == ""
    assert (tmp_path / "out.csv").read_text() == "kind\nlow\nhigh\n"
    rows.write_text("colour,kind,size\nr,low,-4\ng,,1e9\n")
    run = qnnt("predict", network, rows, "--json")
    assert (run.status, json.loads(run.out)["right"]) == (0, None)
    rows.write_text("colour,size\nblue,3\n")
    refused = qnnt("predict", network, rows)
    assert refused.status == 2
    assert f"{rows}: line 2: column 'colour' has the category 'blue' here" in refused.err
    assert qnnt("predict", network, rows, "--unseen", "ignore", "--instance", instance).status == 0
    assert qnnt("predict", network, rows, "--unseen", "frob").err.startswith(
        "qnnt: error: --unseen: no choice 'frob'"
    )


def test_an_encoding_of_another_network_is_refused(qnnt, table, xor, tmp_path):
    instance, network, output = (tmp_path / name for name in ("i.json", "n.json", "out.csv"))
    assert qnnt("generate", "table", table, *LEARN, "-o", instance).status == 0
    assert qnnt("solve", xor, "-o", network).status == 0
    run = qnnt("predict", network, table, "--instance", instance, "--json", "-o", output)
    assert (run.status, run.out, output.exists()) == (2, "", False)
    assert "encoding: is of other inputs or outputs than the network's" in run.err
    run = qnnt("predict", network, table, "--instance", xor)
    assert "meta: holds no encoding of a table" in run.err


def test_a_network_without_a_table_reads_its_inputs(qnnt, xor, tmp_path):
    network, rows = tmp_path / "n.json", tmp_path / "rows.csv"
    assert qnnt("solve", xor, "-o", network).status == 0
    rows.write_text("x1,x0\n0,1\n1,1\n")
    assert qnnt("predict", network, rows).out == "y\n1\n0\n"
    rows.write_text("x1,x0\n0,1\n1,1.5\n")
    assert (
        "rows.csv: line 3: column 'x0' has '1.5' here, which is not in Z_3"
        in qnnt("predict", network, rows).err
    )


def test_a_class_may_hold_a_carriage_return(qnnt, table, tmp_path):
    odd, instance, network, out = (tmp_path / name for name in ("o.csv", "i.json", "n.json", "out.csv"))
    with odd.open("w", newline="") as file:
        rows = [[*row[:2], f"x\r{row[2]}"] for _, row in csv_rows(table)]
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    words = ("--target", "x\rkind", "--d", 5)
    assert qnnt("generate", "table", odd, *words, "-o", instance).status == 0
    assert qnnt("solve", instance, "-o", network).status == 0
    assert qnnt("predict", network, odd, "-o", out).status == 0
    with out.open(newline="") as file:
        assert {len(row) for row in csv.reader(file)} == {1}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--d", 3], "--target: is missing"),
        (["--target", "kind"], "--d: is missing"),
        (
            ["--target", "kind", "--d", 3, "--test-share", 0.2],
            "--test-share: makes two instances: name a file",
        ),
        (
            ["--target", "kind", "--d", 3, "--test-output", "x.json"],
            "--test-output: is for the rows left out",
        ),
        (["--like", "i.json", "--d", 3], "--d: cannot be chosen beside --like"),
        (["--like", "i.json", "--missing", "impute"], "--missing: cannot be chosen beside --like"),
        (["--like", "i.json", "--seed", 0], "--seed: cannot be chosen beside --like"),
        (["--target", "kind", "--d", 3, "--seed", 0], "--seed: is for the rows left out"),
        (["--target", "kind", "--d", 3, "--unseen", "error"], "--unseen: is for the rows left out"),
        (
            ["--target", "kind", "--d", 3, "--missing", "drop"],
            "--missing: no choice 'drop'; there are: error, ",
        ),
    ],
)
def test_options_that_do_not_fit(qnnt, table, options, expected):
    run = qnnt("generate", "table", table, *options)
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert expected in run.err


def test_a_table_is_no_set_system(qnnt, tmp_path):
    rows = tmp_path / "rows.csv"
    for text in (
        "length,width,kind\n5.1,3.5,setosa\n4.9,3,setosa\n",
        "id,size\n1,20\n2,30\n3,7\n",
        "5.1,a\n4.9,b\n1.5,c\n",
    ):
        rows.write_text(text)
        run = qnnt("generate", "hitting-set", rows, "--size", 2)
        assert (run.status, run.out) == (2, "")
        assert "a table of data becomes an instance by 'qnnt generate table'" in run.err
    rows.write_text("a,b\nb,c\nc,d\n")
    assert qnnt("generate", "hitting-set", rows, "--size", 2).status == 0


@pytest.mark.parametrize("backend", ["auto", "sat", "milp:cbc"])
def test_a_domain_of_a_million_is_declined_at_once(qnnt, table, tmp_path, backend):
    path = tmp_path / "large.json"
    assert qnnt("generate", "table", table, "--target", "kind", "--d", 10**6, "-o", path).status == 0
    run = qnnt("solve", path, "--backend", backend)
    assert run.status == 2
    assert "take a smaller d, or try encoder cpsat-textbook" in run.err


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_first_row_tells_the_separator_even_if_it_goes_over_several_lines(tmp_path, mark):
    path = tmp_path / "t.csv"
    path.write_text(f'"a\nb"{mark} "c,;d"{mark}e\n1{mark}2{mark}3\n')
    assert list(csv_rows(path)) == [(1, ["a\nb", "c,;d", "e"]), (3, ["1", "2", "3"])]
