"""Rounded networks as ONNX files in QDQ form: integers and scales, QuantizeLinear and DequantizeLinear.

Form ``exact`` takes the scales out of the matrix product: the integers are dequantised with scale 1, their
products summed, and the sum is scaled. Every number before the scaling is an integer below 2^24 (in float) or
2^53 (in double, taken where a sum could reach 2^24), so any runtime in any order of summation gets the same
integers. Weights of 8 bits are summed in double too, as onnxruntime would otherwise replace the product by an
integer kernel whose sums of two products saturate at 16 bits on processors with AVX2 only. After the scaling
there are single operations that IEEE 754 fixes to the bit, and Tanh and Sigmoid in double.

Form ``scaled`` is the one that tools for hardware expect: the true scales in each DequantizeLinear. The
sums are floats then, and a value that falls between two integers may be quantised either way.

Weights and biases are stored as ``layerI_weights`` (n, f) and ``layerI_biases`` (n,) int32, weights in the
smallest type that the installed onnx and onnxruntime both have: INT2, INT4, INT8 or INT16. Quantised inputs
are ``layerI_inputs``, sums ``layerI_sums`` (form exact) and pre-activations ``layerI_preactivations``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import Unsupported, require_word
from qnnt.files.onnx import require_onnx
from qnnt.files.writing import write_bytes
from qnnt.rounding.scheme import BIAS_RANGE

if TYPE_CHECKING:
    import onnx

    from qnnt.rounding.layer import RoundedLayer
    from qnnt.rounding.network import RoundedNetwork
    from qnnt.rounding.scheme import Affine

FORMS = ("exact", "scaled")

_OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax"}
_FLOAT_SUMS, _DOUBLE_SUMS = 2**24, 2**53
_OPSETS = {"INT2": 25, "INT4": 21, "INT8": 21, "INT16": 21}
STORED_BITS = {"INT2": 2, "INT4": 4, "INT8": 8, "INT16": 16}


def write_onnx(network: RoundedNetwork, path: str | Path, form: str = "exact") -> dict[str, Any]:
    """Write a network; returns what a report says of the file: form, opset, types of weights and sums.

    Raises :class:`InputError` if the file cannot be written, :class:`UnknownWord` for a form that does not
    exist, :class:`Unsupported` for weights of more than 16 bits, biases of more than 32 or inputs that are
    neither int8 nor uint8, :class:`Unavailable` without onnx and onnxruntime.
    """
    require_onnx()
    require_word("ONNX form", form, FORMS)
    from onnx import helper

    graph = _Graph(form)
    value = "input"
    for i, layer in enumerate(network.layers):
        value = graph.layer(i, layer, network.activations[i], value, last=i + 1 == len(network.layers))
    opset = max(_OPSETS[name] for name in graph.weight_types)
    about = {"form": form, "opset": opset, "weights": graph.weight_types, "sums": graph.sum_types}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "rounded",
            [helper.make_tensor_value_info("input", graph.types.FLOAT, ["N", network.sizes[0]])],
            [helper.make_tensor_value_info("output", graph.types.FLOAT, ["N", network.sizes[-1]])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="qnnt",
    )
    # The newest that onnx writes is often newer than what a runtime reads.
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    helper.set_model_props(model, {"qnnt.form": form})
    _write(model, Path(path))
    return about


def _write(model: onnx.ModelProto, path: Path) -> None:
    import onnx

    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())


class _Graph:
    """Nodes and constants as they are added."""

    def __init__(self, form: str) -> None:
        from onnx import TensorProto

        self.types = TensorProto
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.weight_types: list[str] = []
        self.sum_types: list[str] = []
        self._exact = form == "exact"

    def layer(self, i: int, layer: RoundedLayer, activation: str, value: str, *, last: bool) -> str:
        """Quantise the value, and give the activations of the layer."""
        name = f"layer{i}"
        kind = storage(layer.codes)
        self.weight_types.append(kind)
        zero = self._constant(f"{name}_zero_point", zero_point(layer.inputs))
        scale = self._constant(f"{name}_input_scale", np.float32(layer.input_scale))
        codes = self._constant(f"{name}_weights", packed(layer.codes, kind))
        biases = self._constant(f"{name}_biases", _biases(layer.bias_codes))
        quantised = self._node("QuantizeLinear", [value, scale, zero], f"{name}_inputs")
        y = "output" if last and activation == "identity" else f"{name}_preactivations"
        if self._exact:
            one = self._constant(f"{name}_one", np.float32(1))
            factors = [
                self._node("DequantizeLinear", [quantised, one, zero], f"{name}_x"),
                self._node("DequantizeLinear", [codes, one], f"{name}_w"),
                self._cast(biases, self.types.DOUBLE, f"{name}_b")
                if np.abs(layer.bias_codes).max() > _FLOAT_SUMS  # more than a float holds
                else self._node("DequantizeLinear", [biases, one], f"{name}_b"),
            ]
            sums = self._sums(f"{name}_sums", factors, layer, kind)
            bias_scale = self._constant(f"{name}_scale", short(layer.bias_scale))
            self._node("Mul", [sums, bias_scale], y)
        else:
            scales = short(layer.weight_scale), short(layer.bias_scale)
            axis = {"axis": 0} if scales[0].ndim else {}
            s_w, s_b = (
                self._constant(f"{name}_{w}scale", s) for w, s in zip(("weight_", ""), scales, strict=True)
            )
            x = self._node("DequantizeLinear", [quantised, scale, zero], f"{name}_x")
            w = self._node("DequantizeLinear", [codes, s_w], f"{name}_w", **axis)
            b = self._node("DequantizeLinear", [biases, s_b], f"{name}_b", **axis)
            self.sum_types.append("FLOAT")
            self._node("Gemm", [x, w, b], y, transB=1)
        return self._activation(name, activation, y, last=last)

    def _sums(self, name: str, factors: list[str], layer: RoundedLayer, kind: str) -> str:
        """Exact sums of products of integers, as float."""
        from qnnt.rounding.network import largest_sum

        bound = largest_sum(layer)
        if bound >= _DOUBLE_SUMS:
            raise Unsupported(f"a sum of {name} could reach {bound}, beyond what a double holds exactly")
        wide = kind in ("INT8", "INT16") or bound >= _FLOAT_SUMS
        self.sum_types.append("DOUBLE" if wide else "FLOAT")
        if not wide:
            return self._node("Gemm", factors, name, transB=1)
        doubles = [self._cast(factor, self.types.DOUBLE, f"{factor}_double") for factor in factors]
        return self._cast(self._node("Gemm", doubles, f"{name}_double", transB=1), self.types.FLOAT, name)

    def _activation(self, name: str, activation: str, value: str, *, last: bool) -> str:
        if activation == "identity":
            return value
        output = "output" if last else f"{name}_activations"
        if activation == "relu":
            return self._node("Relu", [value], output)
        double = self._cast(value, self.types.DOUBLE, f"{name}_preactivations_double")
        result = self._node(_OPERATORS[activation], [double], f"{name}_activations_double")
        return self._cast(result, self.types.FLOAT, output)

    def _cast(self, value: str, to: int, output: str) -> str:
        return self._node("Cast", [value], output, to=to)

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: int) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def packed(codes: npt.NDArray[np.int64], kind: str) -> npt.NDArray[Any]:
    """Codes, any shape, in the type of a :func:`storage`; an ONNX tensor holds INT2 and INT4 packed."""
    from onnx import TensorProto, helper

    return codes.astype(helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind)))


def zero_point(code: Affine) -> np.int8 | np.uint8:
    """The zero point, as int8 or uint8: QuantizeLinear clips the codes to the range of that type."""
    for kind in (np.int8, np.uint8):
        limits = np.iinfo(kind)
        if (code.lo, code.hi) == (limits.min, limits.max) and code.lo <= code.zero_point <= code.hi:
            return kind(code.zero_point)
    raise Unsupported(
        f"ONNX files hold inputs as int8 or uint8, not in {code.lo}..{code.hi} around {code.zero_point}"
    )


def _biases(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    if codes.min() < BIAS_RANGE[0] or codes.max() > BIAS_RANGE[1]:
        raise Unsupported("ONNX files hold biases as int32")
    return codes.astype(np.int32)


def short(scales: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The scales (n,) of the rows in single precision; one for all if they are the same."""
    single = scales.astype(np.float32)
    return single[0] if (single == single[0]).all() else single


def storage(
    codes: npt.NDArray[np.int64],
    opset: int | None = None,
    *,
    blocked: bool = False,
    zero: bool = False,
    columns: int | None = None,
) -> str:
    """INT2, INT4, INT8 or INT16: the smallest that holds the codes and that onnxruntime takes here.

    Without an ``opset`` the file may have the newest one. With one, INT2 and INT4 are taken only if it has
    them. ``blocked`` codes have a scale for each block, and some have a ``zero`` point for each scale. With
    ``columns`` they are a matrix of so many columns, which a MatMul or Gemm takes as it stands.
    """
    for name, bits in STORED_BITS.items():
        fits = codes.min() >= -(2 ** (bits - 1)) and codes.max() < 2 ** (bits - 1)
        known = bits >= 8 or (
            (opset is None or opset >= _OPSETS[name])
            and dequantises(name, blocked=blocked, zero=zero)
            and (columns is None or _multiplies(name, columns % 4))
        )
        if fits and known:
            return name
    raise Unsupported("ONNX files hold weights of at most 16 bits")


@cache
def dequantises(name: str, *, blocked: bool = False, zero: bool = False) -> bool:
    """Whether the installed onnx and onnxruntime dequantise a type; a small model is run to find out."""
    codes = np.array([[-2, -1, 0, 1, -1], [1, 0, -2, 1, 1]], dtype=np.int64)
    scale = np.array([[0.5, 2, 1], [4, 0.25, 1]] if blocked else [0.5, 2], dtype=np.float32)
    zeros = np.arange(scale.size).reshape(scale.shape) % 3 - 1
    each = 2 if blocked else 5
    steps = np.repeat(scale.reshape(2, -1), each, axis=1)[:, :5]
    shifts = np.repeat(zeros.reshape(2, -1), each, axis=1)[:, :5]
    to = {"axis": 1, "block_size": 2} if blocked else {"axis": 0}
    found = _dequantised(name, codes, scale, zeros if zero else None, None, to)
    return found is not None and bool((found == (codes - shifts * zero) * steps).all())


@cache
def _multiplies(name: str, rest: int) -> bool:
    """Whether onnxruntime multiplies by matrices of a type with 4k + ``rest`` columns; a small one is tried.

    For its kernels of few bits it packs them anew, which goes wrong for INT2 unless ``rest`` is 0
    (onnxruntime 1.32).
    """
    codes = np.arange(8 * (4 + rest)).reshape(8, -1) ** 2 % 7 % 4 - 2
    scale, X = np.ones(4 + rest, np.float32), np.arange(24, dtype=np.float32).reshape(3, 8) % 5 - 2
    found = _dequantised(name, codes, scale, None, X, {"axis": 1})
    # It may store the inputs in 8 bits.
    return found is not None and bool((np.abs(found - X @ codes) < 0.5).all())


def _dequantised(
    name: str,
    codes: npt.NDArray[Any],
    scale: npt.NDArray[Any],
    zeros: npt.NDArray[Any] | None,
    X: npt.NDArray[Any] | None,
    to: dict[str, int],
) -> npt.NDArray[Any] | None:
    """What onnxruntime makes of codes of a type, times inputs X if given; None where it does not."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, name, None)
    if kind is None:
        return None
    try:
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        parts = {"codes": codes.astype(dtype), "scale": scale}
        parts |= {} if zeros is None else {"zeros": zeros.astype(dtype)}
        nodes = [helper.make_node("DequantizeLinear", list(parts), ["values"], **to)]
        nodes += [] if X is None else [helper.make_node("MatMul", ["X", "values"], ["product"])]
        feeds = {} if X is None else {"X": X}
        graph = helper.make_graph(
            nodes,
            "probe",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in feeds.items()],
            [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [None, None])],
            [numpy_helper.from_array(value, part) for part, value in parts.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSETS[name])])
        model.ir_version = helper.find_min_ir_version_for(model.opset_import)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        found: npt.NDArray[Any] = session.run(None, feeds)[0]
    except Exception:  # whatever an older version has against the type
        return None
    return found
