"""The readers of files, each with valid files to begin from.

A reader has to give a valid object or an :class:`InputError` that begins with the file's name. What is valid
is written and read once more, and has to be the same.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qnnt import Architecture, Dataset, Domain, Instance, Minimize
from qnnt.box import Box
from qnnt.cubes.journal import Journal, Plan, Refuted
from qnnt.exceptions import InputError
from qnnt.files.arrays import load_numpy
from qnnt.files.certificates import read_certificates, write_certificates
from qnnt.files.documents import located
from qnnt.files.drat import read_drat, write_drat
from qnnt.files.pace import read_gr, read_td
from qnnt.files.veripb import Constraint, read_constraints, read_proof, write_proof
from qnnt.generate.table import table_instance
from qnnt.limits import Status
from qnnt.network import Network
from qnnt.onnx_graphs.allocation import Choice
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.grid import Grid
from qnnt.onnx_graphs.journal import Journal as RoundingJournal
from qnnt.onnx_graphs.journal import Noted
from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.onnx_graphs.unfold import Columns
from qnnt.reductions.catalogue import generate, recall
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.rounding import DenseModel, round_network
from qnnt.rounding.network import RoundedNetwork
from qnnt.rounding.scheme import Affine
from qnnt.rounding.search import SearchedRows
from qnnt.verify.cutting_planes import check_cutting_planes
from qnnt.verify.drat import Clauses, check_drat

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = Instance(Domain(3), Architecture.dense([2, 1]), Dataset([[0, 1], [1, 1]], [[1], [0]]))
LAYER = GraphLayer("n", "Gemm", "y", "x", "W", 1, np.ones((2, 3), np.float32), 0, Columns())


@dataclass(frozen=True)
class Reader:
    """``read`` takes a path that ends in ``suffix``; ``seeds`` are contents that it takes.

    ``packed`` tells whether mutations go into what the file unpacks to, half of the time.
    """

    suffix: str
    read: Callable[[Path], Any]
    seeds: list[bytes]
    packed: bool = False


def expect_read(reader: Reader, path: Path) -> None:
    """Read the file; AssertionError, or whatever the reader raises, if it is not as it should be."""
    try:
        reader.read(path)
    except InputError as error:
        text = str(error)
        assert text.startswith(str(path)), text


def _instance(path: Path) -> None:
    instance = Instance.load(path)
    again = path.with_name("again.json")
    instance.save(again)
    copy = Instance.load(again)
    assert (copy.domain, copy.architecture, copy.goal) == (
        instance.domain,
        instance.architecture,
        instance.goal,
    )
    assert copy.dataset == instance.dataset
    with suppress(InputError):  # it names a place of the instance
        recall(instance)


def _network(path: Path) -> None:
    network = Network.load(path)
    again = path.with_name("again.json")
    network.save(again)
    assert np.array_equal(Network.load(again).vector, network.vector)


def _formula(path: Path) -> None:
    formula = Cnf.read(path)
    again = path.with_name("again.cnf")
    again.write_text(formula.text())
    assert Cnf.read(again) == formula


def _steps(path: Path) -> None:
    with located(path):
        proof, again = read_drat(path).until_empty(), path.with_name("again.drat")
    with again.open("w") as file:
        write_drat(file, proof)
    same = read_drat(again).until_empty()
    assert all(np.array_equal(a, b) for a, b in zip(vars(same).values(), vars(proof).values(), strict=True))
    check_drat(Clauses(np.array([1, -2, 2, -1]), np.array([0, 2, 4])), proof, compile=False)


def _planes(path: Path) -> None:
    with located(path):
        proof, again = read_proof(path), path.with_name("again.pbp")
    with again.open("w") as file:
        write_proof(file, proof)
    assert read_proof(again) == proof
    check_cutting_planes([Constraint.of([(1, 1), (1, -2)], 1), Constraint.of([(2, 2)], 1)], proof)


def _constraints(path: Path) -> None:
    with located(path):
        constraints, again = read_constraints(path), path.with_name("again.opb")
    again.write_text("".join(f"{constraint}\n" for constraint in constraints))
    assert read_constraints(again) == constraints


def _sets(path: Path) -> None:
    cover, hitting = ExactCover.read(path), HittingSet.read(path, 2)
    assert cover.sets == hitting.sets
    if len(cover.sets):
        again = path.with_name("again.hgr")
        again.write_text(cover.text())
        assert ExactCover.read(again) == cover


def _table(path: Path) -> None:
    try:
        table_instance(path, ["y"], 3, [2], Minimize())
    except InputError as error:
        # What fits no instance is no mistake of one place in the file.
        raise InputError(str(path), error.message) from None


def _graph(path: Path) -> None:
    read_gr(path)


def _decomposition(path: Path) -> None:
    read_td(path)
    read_td(path, read_gr(path.with_name("graph.gr")))


def _arrays(path: Path) -> None:
    from qnnt.files.documents import located

    with located(path):
        load_numpy(path)


def _model(path: Path) -> None:
    model = DenseModel.load(path)
    again = path.with_name("again.npz")
    model.save(again)
    assert DenseModel.load(again).sizes == model.sizes


def _rounded(path: Path) -> None:
    RoundedNetwork.load(path)


def _certificates(path: Path) -> None:
    layers, again = read_certificates(path), path.with_name("again.npz")
    write_certificates(layers, again)
    assert [len(rows) for rows in read_certificates(again)] == [len(rows) for rows in layers]


def _journal(path: Path) -> None:
    with Journal(path, SMALL, symmetry=True, asked=2, by="sat") as journal:
        assert journal.plan is None or journal.plan.boxes


def _rounding_journal(path: Path) -> None:
    with _open_rounding_journal(path) as journal:
        noted = journal.noted(LAYER)
        assert noted is None or len(noted.rows.codes) == LAYER.n


def _rounding_journal_seed(path: Path) -> None:
    per_row, none = np.array([0.5, 0.25]), (None, None)
    rows = SearchedRows(
        codes=np.array([[1, -1, 0], [0, 1, 1]]),
        **dict.fromkeys(("cost", "nearest_cost", "lower_bound", "row_seconds"), per_row),
        proved=np.array([True, True]),
        row_status=(Status.OPTIMAL, Status.OPTIMAL),
        row_limits=none,
        reasons=none,
    )
    grid = Grid(per_row[:, None], np.array([[0], [1]]), 3)
    with _open_rounding_journal(path) as journal:
        journal.note(LAYER, Noted(rows, grid, per_row, 7, Affine(0.5, 3, -128, 127), 0.1))
        journal.note_choices(LAYER, (Choice(4, -10, 0.5, False), Choice(2, -20, 0.25, True)))


def _open_rounding_journal(path: Path) -> RoundingJournal:
    import onnx

    feeds = Feeds((), [{"x": np.ones((2, 3), np.float32)}], rows=True, about={})
    return RoundingJournal(path, onnx.ModelProto(), feeds, {"backend": "beam"})


def _of_file(write: Callable[[Path], Any], folder: Path, name: str) -> bytes:
    path = folder / name
    write(path)
    return path.read_bytes()


def _journal_seed(path: Path) -> None:
    with Journal(path, SMALL, symmetry=True, asked=2, by="sat") as journal:
        journal.begin(Plan((Box(((0, -1, 0),)), Box(((0, 1, 1),))), 0, None, 2))
        journal.note_refuted(Refuted(0, None), seconds=0.5)
        journal.note_network(1, [1, 0, -1])


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _onnx_seeds() -> list[bytes]:
    from onnx import TensorProto, helper, numpy_helper

    def model(nodes: list[Any], constants: dict[str, Any]) -> bytes:
        ends = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", w]) for n, w in (("x", 2), ("y", 1))
        ]
        held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
        proto.ir_version = 10
        return bytes(proto.SerializeToString())

    W, b = np.ones((1, 2), np.float32), np.zeros(1, np.float32)
    gemm = helper.make_node("Gemm", ["x", "W", "b"], ["h"], transB=1)
    quantised = [
        helper.make_node("DequantizeLinear", ["Q", "s"], ["W"]),
        helper.make_node("Transpose", ["W"], ["T"]),
        helper.make_node("MatMul", ["x", "T"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    constants = {"Q": np.ones((1, 2), np.int8), "s": np.float32(0.5), "b": b}
    return [
        model([gemm, helper.make_node("Relu", ["h"], ["y"])], {"W": W, "b": b}),
        model(quantised, constants),
    ]


def readers(folder: Path) -> dict[str, Reader]:
    """The readers by name; the folder is for files that they need beside the one that is read."""
    (folder / "graph.gr").write_text("p tw 3 2\n1 2\n2 3\n")
    small = (EXAMPLES / "teacher.json").read_bytes()
    proofs = [
        generate("hitting-set", HittingSet.of([[0, 1], [1, 2]], 3, 1)),
        generate("exact-cover", ExactCover.of([[0, 1], [2]], 3)),
        generate("balanced-sat", Cnf.of([[1, 2], [-1, 2]])),
    ]
    sparse = Architecture([["a", "b"], ["h", "i"], ["y"]], [("a", "h"), ("b", "i"), ("h", "y"), ("i", "y")])
    net = Network.from_vector(sparse, Domain(3), np.zeros(sparse.n_parameters, dtype=np.int64), "sign")
    instances = [
        _of_file(SMALL.save, folder, "seed.json"),
        *(_of_file(instance.save, folder, "seed.json") for instance in proofs),
        b'{"format": "qnnt-instance", "version": 2, "d": 5, "layers": [["a"], ["b"]], "arcs": [["a", "b"]],'
        b' "activation": {"thresholds": [0], "values": [0, 1]}, "data": [{"x": [1], "y": [1], "count": 3}],'
        b' "errors": "min"}',
    ]
    model = DenseModel.from_arrays(
        [np.eye(2) / 3, np.ones((1, 2))], [np.zeros(2), np.zeros(1)], ["relu", "identity"]
    )
    rounded = round_network(model, np.eye(2), bits=2, backend="nearest")
    told = round_network(model, np.eye(2), bits=2, certificates=True).certificates
    return {
        "instance": Reader(".json", _instance, [*instances, small]),
        "packed-instance": Reader(
            ".json.gz", _instance, [gzip.compress(each) for each in instances], packed=True
        ),
        "network": Reader(".json", _network, [_of_file(net.save, folder, "seed.json")]),
        "dimacs": Reader(
            ".cnf",
            _formula,
            [b"c x\np cnf 3 2\n1 -2 0\n3 0\n", b"p cnf 2 2\n1\n2 0 -1\n-2 0\n%\n0\n", b"p cnf 0 0\n"],
        ),
        "drat": Reader(
            ".drat",
            _steps,
            [b"c x\n1 2 0\n\nd 1 -2 0\n-1 0\n0\n", b"a\x02\x05\x00d\x02\x05\x00a\x84\x01\x00a\x00"],
        ),
        "veripb": Reader(
            ".pbp",
            _planes,
            [
                b"pseudo-Boolean proof version 2.0\nf 2\nrup +1 ~x1 +3 x2 >= 2 ;\n"
                b"pol 1 2 + 3 2 * + s 2 d ~x2 + x1 w\noutput NONE\nconclusion UNSAT : 4\n"
                b"end pseudo-Boolean proof\n",
            ],
        ),
        "opb": Reader(".opb", _constraints, [b"* #variable= 2\n+2 x1 -3 ~x2 >= -1 ;\n>= 1 ;\n"]),
        "sets": Reader(
            ".hgr",
            _sets,
            [
                b"c x\np hs 3 2\n1 2\n2 3\n",
                b"p xc 3 3\n1\n\n2 3\n",
                b"0,1,1\n1,0,0\n",
                b"3\n0 1 1\n1 0 0\n",
                b"2 3\n1 1 1\n2 1 2\n1 3\n",
                b"a, b\nb c\n",
                b"True False\nFalse True\n",
            ],
        ),
        "csv": Reader(
            ".csv",
            _table,
            [b"a,b,y\n1,x,0\n2,x,1\n3,z,1\n", b'a;y\n0.5;"u;v"\n1.5;w\n-2;w\n', b"a\ty\n1\t1\n0\t0\n"],
        ),
        "gr": Reader(".gr", _graph, [b"c x\np tw 3 2\n1 2\n2 3\n", b"p tw 0 0\n"]),
        "td": Reader(
            ".td", _decomposition, [b"c x\ns td 2 2 3\nb 1 1 2\nb 2 2 3\n1 2\n", b"s td 1 3 3\nb 1 1 2 3\n"]
        ),
        "npz": Reader(
            ".npz",
            _arrays,
            [
                _npz(a=np.arange(3), b=np.array("x")),
                _npy(np.eye(2)),
                _npy(np.zeros((0, 3), dtype="<U4")),
                _npy(7),
            ],
        ),
        "model": Reader(".npz", _model, [_of_file(model.save, folder, "seed.npz")]),
        "rounded": Reader(".npz", _rounded, [_of_file(rounded.save, folder, "seed.npz")]),
        "certificates": Reader(
            ".npz", _certificates, [_of_file(lambda path: write_certificates(told, path), folder, "seed.npz")]
        ),
        "onnx": Reader(".onnx", _model, _onnx_seeds()),
        "journal": Reader(".jsonl", _journal, [_of_file(_journal_seed, folder, "seed.jsonl")]),
        "rounding-journal": Reader(
            ".jsonl", _rounding_journal, [_of_file(_rounding_journal_seed, folder, "rounding.jsonl")]
        ),
    }


def shown(data: bytes) -> str:
    """The contents on a line, for a message."""
    return json.dumps(data.decode("latin-1"))
