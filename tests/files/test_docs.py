"""The examples of docs/files.md are read as they stand there."""

import json
import re
from pathlib import Path
from typing import get_args

from qnnt import Instance, Network
from qnnt.tables.columns import read_columns
from qnnt.tables.encoding import TableEncoding
from qnnt.tables.stored import AnyColumn

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
INSTANCE, META, NETWORK = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)


def test_the_instance_is_written_as_it_is_shown(tmp_path):
    path = tmp_path / "i.json"
    path.write_text(INSTANCE)
    instance = Instance.load(path)
    assert instance.dataset.total == 3
    instance.save(path)
    assert path.read_text() == INSTANCE


def test_the_network_is_read(tmp_path):
    path = tmp_path / "n.json"
    path.write_text(NETWORK)
    assert Network.load(path).predict([[1, 0]]).tolist() == [[1]]
    assert json.loads(NETWORK)["version"] == 3


def test_the_encoding_does_what_the_table_says():
    meta = json.loads(META)
    encoding = TableEncoding.of({key: meta[key] for key in ("columns", "targets")}, 3)
    rows = [["colour", "weight"], ["red", "2.5"], ["", "2.6"], ["red", "99"], ["red", ""]]
    assert encoding.inputs(read_columns(rows)).tolist() == [[-1, 0, 1], [0, 1, 0], [1, 0, 1], [0, 0, 1]]
    treatments = re.search(r"^\| `treatment`.*?\n\n", PAGE, re.M | re.S)[0]
    described = re.findall(r"^\| `([\w-]+)` \|", treatments, re.M)[1:]
    assert sorted(described) == sorted(str(column.__struct_config__.tag) for column in get_args(AnyColumn))
