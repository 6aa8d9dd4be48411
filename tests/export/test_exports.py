"""What is exported computes what the network computes, on every input of the domain."""

import re
import shutil
import subprocess
from itertools import islice, pairwise, product

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, architectures, domains, networks

import qnnt
from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.domain import Domain
from qnnt.exceptions import InputError, UnknownWord
from qnnt.export.c import c_function
from qnnt.export.formats import export
from qnnt.export.latex import latex, text
from qnnt.export.notes import comment
from qnnt.export.onnx import onnx_model, read_onnx_network
from qnnt.export.python import python_module
from qnnt.network import Network

ODD = (Activation((-1, 0, 4), (-2, 0, 1, 2)), Activation((0,), (-1, 2)))
ACTIVATIONS = ["relu", "sign", ("step", "relu"), ODD, (Activation((), (1,)), "relu")]
COMPILER = shutil.which("cc") or shutil.which("gcc")


def sample(activation, d=5, seed=0):
    """A random network of three layers, sparse and with names that need care."""
    names = [["a*/b", 'the "b"\\', "x_0 % & {$#}"], ["h\n1", "h??/2"], ["\\end{align*}", "y~^ü"]]
    arcs = [(s, t) for a, b in pairwise(names) for s in a for t in b][1:]
    architecture, rng = Architecture(names, arcs), np.random.default_rng(seed)
    vector = rng.integers(Domain(d).lo, Domain(d).hi + 1, architecture.n_parameters)
    return Network.from_vector(architecture, Domain(d), vector, activation)


def every_input(network, most=4000):
    values = range(network.domain.lo, network.domain.hi + 1)
    return np.array(list(islice(product(values, repeat=network.architecture.alpha), most)), dtype=np.int64)


def of_python(network):
    module = {}
    exec(compile(python_module(network), "exported", "exec", dont_inherit=True), module)
    return module["predict"]


def of_latex(network):
    """The formulas read back: names become places of a dictionary, cases are tried one after another."""
    body = latex(network).partition("\\begin{align*}\n")[2].rpartition("\n\\end{align*}")[0]
    body = body.replace(" \\\\\n&\\qquad {}", "")
    names = [name for layer in network.architecture.layers for name in layer]
    for i, name in enumerate(names):
        body = body.replace(text(name), f"v[{i}]")
    functions, formulas = {}, []
    for line in body.replace("\\,", "*").split(" \\\\\n"):
        left, _, right = line.partition(" &= ")
        if left.startswith("v["):
            function, _, total = right.partition("(")
            formulas.append((int(left[2:-1]), function, total[:-1]))
        elif "cases" in right:
            cases = re.findall(r"(-?\d+) & (.*?)(?: \\\\|(?= \\end))", right)
            functions[left[:-3]] = [
                (int(value), when.replace("\\le", "<=").replace("\\ge", ">=")) for value, when in cases
            ]
        else:
            functions[left[:-3]] = right.replace("\\min", "min").replace("\\max", "max")

    def shown(function, z):
        body = functions[function]
        if isinstance(body, str):
            return eval(body, {"z": z})
        return next(value for value, when in body if eval(when, {"z": z}))

    def predict(X):
        rows = []
        for x in X.tolist():
            v = dict(enumerate(x))
            for i, function, total in formulas:
                v[i] = shown(function, eval(total, {"v": v}))
            rows.append([v[i] for i in range(len(names) - network.architecture.omega, len(names))])
        return np.array(rows)

    return predict


def of_onnx(network):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        onnx_model(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda X: session.run(["outputs"], {"inputs": X})[0]


@pytest.mark.parametrize("exported", [of_python, of_latex, of_onnx])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_every_input_has_the_same_outputs(exported, activation):
    network = sample(activation)
    X = every_input(network)
    assert np.array_equal(exported(network)(X), network.predict(X))


@pytest.mark.parametrize("exported", [of_python, of_onnx])
@settings(max_examples=25)
@given(st.data())
def test_any_network_is_exported(exported, data):
    domain, architecture = data.draw(domains()), data.draw(architectures(names=st.text()))
    drawn = data.draw(networks(domain, architecture))
    network = Network.from_vector(architecture, domain, drawn.vector, data.draw(activations(domain)))
    X = every_input(network, 200)
    assert np.array_equal(exported(network)(X), network.predict(X))


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_the_c_function_is_compiled_without_warnings_and_says_the_same(tmp_path, activation):
    network = sample(activation)
    X = every_input(network)
    source, program = tmp_path / "network.c", tmp_path / "network"
    main = """
#include <inttypes.h>
#include <stdio.h>
int main(void)
{
    int64_t x[QNNT_INPUTS], y[QNNT_OUTPUTS];
    for (;;) {
        for (int i = 0; i < QNNT_INPUTS; i++)
            if (scanf("%" SCNd64, &x[i]) != 1)
                return 0;
        qnnt_predict(x, y);
        for (int i = 0; i < QNNT_OUTPUTS; i++)
            printf("%" PRId64 " ", y[i]);
        printf("\\n");
    }
}
"""
    source.write_text(c_function(network) + main, encoding="utf-8")
    flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"]
    subprocess.run([COMPILER, *flags, str(source), "-o", str(program)], check=True)
    lines = "\n".join(" ".join(map(str, row)) for row in X.tolist())
    run = subprocess.run([str(program)], input=lines, capture_output=True, text=True, check=True)
    found = np.array([line.split() for line in run.stdout.splitlines()], dtype=np.int64)
    assert np.array_equal(found, network.predict(X))


@pytest.mark.parametrize("inputs", [[[0, 0]], [[0, 0, 9]], [[0, 0.5, 0]], [["0", "0", "0"]], [0, 0, 0]])
def test_the_numpy_function_refuses_what_the_network_refuses(inputs):
    network = sample("relu")
    for predict in (network.predict, of_python(network)):
        with pytest.raises((ValueError, InputError)):
            predict(inputs)


def test_an_onnx_file_is_read_back_and_a_changed_one_is_not(tmp_path):
    import onnx

    network, path = sample(ODD), tmp_path / "n.onnx"
    export(network, path)
    assert read_onnx_network(path) == network
    model = onnx.load(path)
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.zeros((3, 2), dtype=np.int64), model.graph.initializer[0].name)
    )
    onnx.save(model, path)
    with pytest.raises(InputError, match="is not that of the network in the metadata"):
        read_onnx_network(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(InputError, match="has no qnnt-network"):
        read_onnx_network(path)


def test_an_export_tells_how_the_table_was_encoded(tmp_path):
    rows = [["size", "kind"], ["1.5", "a"], ["2.5", "b"], ["7", "b"], ["8", "b"]]
    instance = qnnt.generate.table_instance(rows, ["kind"], 3, [], qnnt.Minimize())
    network = qnnt.solve(instance).network
    for name in ("n.py", "n.c", "n.tex"):
        export(network, tmp_path / name)
        said = " ".join((tmp_path / name).read_text().split())
        assert "column size: treatment quantiles, edges [2.5, 7.0]" in said
        assert "column kind: classes ['a', 'b']" in said


def test_a_format_that_there_is_not(tmp_path):
    with pytest.raises(UnknownWord, match="no export format 'rust'; there are: python, c, latex, onnx"):
        export(sample("relu"), tmp_path / "n.rs", "rust")
    with pytest.raises(InputError, match="--to: is missing: say python, c, latex, onnx"):
        export(sample("relu"), tmp_path / "n.rs")
    with pytest.raises(InputError, match="cannot be written"):
        export(sample("relu"), tmp_path / "no" / "n.onnx")


@given(st.text(alphabet='*/\\\n"?a '))
def test_a_name_does_not_end_a_comment(name):
    said = comment(name)
    assert not any(mark in said for mark in ("*/", "??", '"', "\\", "\n"))


def test_a_large_domain_takes_no_room():
    network = Network(Architecture.dense([1, 1]), Domain(3_000_001), [2], [1])
    text = python_module(network)
    assert len(text) < 5000
    inputs = [[-1_500_000], [0], [700_000], [1_500_000]]
    assert of_python(network)(inputs).tolist() == network.predict(inputs).tolist()
    for outside in ([[1_500_001]], [[0.5]], [[float("nan")]], [[float("inf")]]):
        with pytest.raises(ValueError, match="inputs must be integers"):
            of_python(network)(outside)


@pytest.mark.parametrize("encoding", [{"columns": 5}, {"columns": ["a"], "targets": None}, {}])
def test_an_encoding_of_another_form_is_left_out(encoding):
    network = Network(Architecture.dense([1, 1]), Domain(3), [1], [0], encoding=encoding)
    assert "column" not in c_function(network)
