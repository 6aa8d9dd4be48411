"""``qnnt round``: round the weights of a trained dense network to few bits."""

from __future__ import annotations

import json as json_module
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli.options import Json, value_of, writable
from qnnt.cli.output import count, print_columns, print_json, printable
from qnnt.cli.program import FAILED, OK, UNKNOWN
from qnnt.exceptions import InputError, require_word

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qnnt.rounding.calibration import Calibration
    from qnnt.rounding.model import DenseModel
    from qnnt.rounding.network import RoundedNetwork
    from qnnt.rounding.scheme import Scheme
    from qnnt.verify.onnx_file import OnnxReplay

    Data = npt.NDArray[np.float64]

FORMATS = (".onnx", ".npz")


def round_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Dense network, .onnx or .npz.")],
    calibration: Annotated[Path, typer.Option(metavar="X.npy", help="Inputs to fit the rounding to.")],
    bits: Annotated[int, typer.Option(metavar="B", help="Bits of a weight.")] = 2,
    backend: Annotated[str, typer.Option(metavar="NAME", help="Rounding backend.")] = "closest-vector",
    scaling: Annotated[
        str, typer.Option(metavar="NAME", help="Weight scale: symmetric or max.")
    ] = "symmetric",
    per: Annotated[str, typer.Option(metavar="NAME", help="One weight scale per tensor or row.")] = "tensor",
    clip: Annotated[
        str, typer.Option(metavar="NAME", help="Codes out of range: fix beforehand, or clip after.")
    ] = "fix",
    candidates: Annotated[
        int | None,
        typer.Option(metavar="K", help="Integers that a weight may become; default: 2, for gptq all."),
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="What to come near: the real layer, or the real network.")
    ] = "layer",
    calibration_size: Annotated[
        int | None, typer.Option(metavar="N", help="Draw this many rows of X; default: all.")
    ] = None,
    calibration_share: Annotated[
        float | None, typer.Option(metavar="P", help="Draw this share of the rows of X.")
    ] = None,
    evaluate: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--eval", metavar="X.npy y.npy", help="Test data: accuracy before and after."),
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Calibrate on inputs of the test data too.")
    ] = False,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds from the start to the last neuron.")
    ] = None,
    row_time: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds for each neuron; without any limit, 5.")
    ] = None,
    memory_limit: Annotated[
        int | None, typer.Option(metavar="MIB", help="Address space of each neuron's own process.")
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Rows that are solved at once.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the drawing and of the backend.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="Write the network, .onnx or .npz.")
    ] = None,
    form: Annotated[
        str, typer.Option(metavar="NAME", help="Form of the ONNX file: exact or scaled.")
    ] = "exact",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON report with every neuron.")
    ] = None,
    json: Json = False,
) -> int:
    """Round the weights of a trained dense network to few bits.

    Layer after layer, each weight goes up or down so that the layer's pre-activations on the calibration
    inputs stay near those of the real weights. The report tells, for each neuron, the cost of rounding to
    nearest, the cost found, a lower bound, and whether it is proved optimal. A written ONNX file is run by
    onnxruntime and its integers are compared.

    Ctrl-C ends the search: neurons that are not done are rounded by nearest plane, and the whole network is
    shown and written. Exit status: 0 when the search ended by itself or by a time limit, 3 after Ctrl-C.
    """
    start = time.monotonic()
    from qnnt.limits import Limits

    with value_of(""):
        limits = Limits(time_limit, memory_limit, threads, seed)
    _check_output(output, form)
    if report is not None:
        writable(report)
    _check_apart([output, report], [model, calibration, *(evaluate or ())])
    from qnnt.rounding.model import DenseModel

    real = DenseModel.load(model)
    test = None if evaluate is None else (_inputs(evaluate[0], real), _array(evaluate[1]))
    data = _calibration(
        _inputs(calibration, real),
        test,
        calibration_size,
        calibration_share,
        seed,
        allow_overlap=allow_overlap,
    )
    scores = {} if test is None else {"before": _score(real, *test)}
    rounded = _round(
        real,
        data,
        scheme=_scheme(bits, scaling, per),
        backend=backend,
        limits=limits,
        clip=clip,
        candidates=candidates,
        target=target,
        row_time=row_time,
        start=start,
    )
    if test is not None:
        scores["after"] = _score(rounded, *test)
    about: dict[str, Any] = {"model": {"file": str(model), "sizes": list(real.sizes)}, **rounded.report()}
    if test is not None:
        about["evaluation"] = {"inputs": len(test[0]), "measure": _measure(real, test[1]), **scores}
    replay = None
    if output is not None:
        about["output"], replay = _write(rounded, output, form, data.inputs if test is None else test[0])
    if report is not None:
        report.write_text(json_module.dumps(about, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if json:
        print_json(about)
    else:
        _show(about)
    if replay is not None and form == "exact" and not replay.same:
        return FAILED
    return _ended(rounded)


def _ended(rounded: RoundedNetwork) -> int:
    """The exit status, and a word on stderr if Ctrl-C cut the search short."""
    from qnnt.limits import Limit

    if rounded.limit is not Limit.INTERRUPT:
        return OK
    limits = [limit for layer in rounded.layers for limit in layer.row_limits]
    missed, all_of_them = limits.count(Limit.INTERRUPT), count(len(limits), "neuron")
    print(f"interrupted: {missed:,} of {all_of_them} not searched to the end", file=sys.stderr)
    return UNKNOWN


def _check_output(output: Path | None, form: str) -> None:
    """What can be known of the output before the work is done."""
    if output is None:
        return
    if output.suffix not in FORMATS:
        raise InputError(str(output), f"must be named {' or '.join('*' + suffix for suffix in FORMATS)}")
    writable(output)
    if output.suffix == ".onnx":
        from qnnt.files.onnx import require_onnx
        from qnnt.files.onnx_qdq import FORMS

        require_onnx()
        require_word("ONNX form", form, FORMS)


def _check_apart(written: list[Path | None], read: list[Path]) -> None:
    """No file that is read is written, and none is written twice."""
    taken = {path.resolve() for path in read}
    for path in written:
        if path is not None and path.resolve() in taken:
            raise InputError(str(path), "is named twice: what is written needs a name of its own")
        if path is not None:
            taken.add(path.resolve())


def _scheme(bits: int, scaling: str, per: str) -> Scheme:
    from qnnt.rounding.scheme import Scheme

    try:
        return Scheme(bits, scaling, per)  # type: ignore[arg-type] # checked there
    except InputError as error:
        raise InputError(f"--{error.place}", error.message) from None


def _array(path: Path) -> npt.NDArray[Any]:
    import numpy as np

    from qnnt.files.arrays import load_numpy
    from qnnt.files.documents import located

    with located(path):
        array = load_numpy(path)
        if not isinstance(array, np.ndarray):
            raise InputError("", "must be a .npy file, not a .npz file")
        if not array.ndim or not len(array):
            raise InputError("", "has no rows")
        return array


def _inputs(path: Path, model: DenseModel) -> Data:
    """Inputs of the model; those of more dimensions, such as images, are flattened."""
    from qnnt.files.documents import located
    from qnnt.rounding.model import inputs

    array = _array(path)
    with located(path):
        return inputs(array.reshape(len(array), -1), model.sizes[0])


def _calibration(
    pool: Data,
    test: tuple[Data, npt.NDArray[Any]] | None,
    size: int | None,
    share: float | None,
    seed: int,
    *,
    allow_overlap: bool,
) -> Calibration:
    from qnnt.rounding.calibration import draw_calibration

    apart = None if test is None or allow_overlap else test[0]
    return draw_calibration(pool, count=size, share=share, seed=seed, test=apart)


def _measure(model: DenseModel, y: npt.NDArray[Any]) -> str:
    from qnnt.rounding.model import measure

    return measure(model, y)


def _score(network: DenseModel | RoundedNetwork, X: Data, y: npt.NDArray[Any]) -> float:
    from qnnt.rounding.model import score

    try:
        return score(network, X, y)
    except InputError as error:
        raise InputError(f"--eval: {error.place}", error.message) from None


def _round(model: DenseModel, data: Calibration, **options: Any) -> RoundedNetwork:
    from qnnt.cli.progress import live_line
    from qnnt.rounding.network import round_network

    news = ["start"]
    with live_line(lambda: news) as watched:

        def hear(layer: int, progress: Any) -> None:
            rows = f"layer {layer + 1} of {len(model.layers)}", f"{progress.done} of {progress.total} rows"
            news[:] = [*rows, f"cost {progress.cost:.4g}, nearest {progress.nearest_cost:.4g}"]

        return round_network(model, data, progress=hear if watched else None, **options)


def _write(
    rounded: RoundedNetwork, output: Path, form: str, X: Data
) -> tuple[dict[str, Any], OnnxReplay | None]:
    """Write the network; an ONNX file is run by onnxruntime on X and compared."""
    if output.suffix == ".npz":
        rounded.save(output)
        return {"file": str(output)}, None
    from qnnt.files.onnx_qdq import write_onnx
    from qnnt.verify.onnx_file import replay_onnx

    about = write_onnx(rounded, output, form)
    replay = replay_onnx(output, rounded, X)
    return {"file": str(output), **about, "replay": replay.as_dict()}, replay


def _show(about: dict[str, Any]) -> None:
    layers, data = about["layers"], about["calibration"]
    first = layers[0]
    kept_apart = f", {data['left_out']:,} left out as test data" if data["left_out"] is not None else ""
    rows = [
        (
            "model",
            "-".join(map(str, about["model"]["sizes"])) + f", {', '.join(x['activation'] for x in layers)}",
        ),
        ("scheme", f"int{first['bits']}, {first['scaling']}, one scale per {first['per']}"),
        ("backend", f"{about['backend']} ({about['version']})" if about["version"] else about["backend"]),
        ("calibration", f"{data['size']:,} of {data['of']:,} inputs, seed {data['seed']}{kept_apart}"),
    ]
    if "evaluation" in about:
        test = about["evaluation"]
        scores = f"{test['before']:.4f} before, {test['after']:.4f} after"
        rows.append((test["measure"], f"{scores}, on {test['inputs']:,} inputs"))
    if "output" in about:
        rows.append(("output", _written(about["output"])))
    print_columns(rows)
    print_columns(
        [
            ("layer", "neurons", "inputs", "nearest cost", "cost", "lower bound", "proved", "seconds"),
            *(
                (
                    str(layer["layer"]),
                    f"{layer['neurons']:,}",
                    f"{layer['inputs']:,}",
                    *(f"{layer[key]:.6g}" for key in ("nearest_cost", "cost", "lower_bound")),
                    f"{layer['proved']:,}",
                    f"{layer['seconds']:.2f}",
                )
                for layer in layers
            ),
        ]
    )


def _written(output: dict[str, Any]) -> str:
    file = printable(output["file"])
    if "replay" not in output:
        return file
    replay, kinds = output["replay"], ", ".join(dict.fromkeys(output["weights"]))
    run = f"{replay['differing']:,} of {count(replay['integers'], 'integer')} differ"
    return f"{file}: {output['form']}, {kinds}; in onnxruntime {replay['onnxruntime']}, {run}"
