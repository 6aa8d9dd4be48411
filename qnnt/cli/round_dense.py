"""``qnnt round`` of a dense network in a ``.npz`` file: inputs, weights and biases become integers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnnt.cli.options import executing
from qnnt.cli.output import print_columns
from qnnt.cli.program import FAILED
from qnnt.cli.round_options import RoundOptions, array, ended
from qnnt.exceptions import InputError
from qnnt.printable import printable
from qnnt.wording import count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qnnt.rounding.calibration import Calibration
    from qnnt.rounding.model import DenseModel
    from qnnt.rounding.network import RoundedNetwork
    from qnnt.verify.onnx_file import OnnxReplay

    Data = npt.NDArray[np.float64]


def round_dense(options: RoundOptions) -> tuple[dict[str, Any], int]:
    """Round the network; returns the report and the exit status."""
    from qnnt.rounding.model import DenseModel

    _check(options)
    real = DenseModel.load(options.model)
    evaluate = options.evaluate
    test = None if evaluate is None else (_inputs(evaluate[0], real), array(evaluate[1]))
    data = _calibration(
        _inputs(options.calibration, real),
        test,
        options.calibration_size,
        options.calibration_share,
        options.limits.seed,
        allow_overlap=options.allow_overlap,
    )
    scores = {} if test is None else {"before": _score(real, *test)}
    with executing(options.executor) as executor:
        rounded = _round(
            real,
            data,
            scheme=options.scheme(2, "tensor"),
            target=options.target,
            certificates=options.certificates is not None,
            executor=executor,
            **options.search,
        )
    if test is not None:
        scores["after"] = _score(rounded, *test)
    about: dict[str, Any] = {
        "model": {"file": str(options.model), "sizes": list(real.sizes)},
        **rounded.report(),
    }
    if test is not None:
        about["evaluation"] = {"inputs": len(test[0]), "measure": _measure(real, test[1]), **scores}
    if options.certificates is not None:
        from qnnt.files.certificates import write_certificates

        write_certificates(rounded.certificates, options.certificates)
        about["certificates"] = {"file": str(options.certificates)}
    replay = None
    if options.output is not None:
        X = data.inputs if test is None else test[0]
        about["output"], replay = _write(rounded, options.output, options.form, X)
    limits = [limit for layer in rounded.layers for limit in layer.row_limits]
    status = ended(rounded.limit, limits, "neuron")
    differs = replay is not None and options.form == "exact" and not replay.same
    return about, FAILED if differs else status


def _check(options: RoundOptions) -> None:
    """Options that say something of ONNX graphs only."""
    graphs = {
        "--include": options.include,
        "--exclude": options.exclude,
        "--fold-batch-norm": options.fold_batch_norm,
        "--search-scales": options.search_scales,
        "--bits auto": isinstance(options.bits, str),
        "--budget": options.budget,
        "--block-size": options.block_size,
        "--asymmetric": options.asymmetric,
        "--opset": options.opset,
        "--journal": options.journal,
    }
    for name, value in graphs.items():
        if value:
            raise InputError(name, "is for ONNX models; this is a dense network")
    if options.activations not in (None, "int8"):
        raise InputError("--activations", "must be int8 for a dense network; float is for ONNX models")


def _inputs(path: Path, model: DenseModel) -> Data:
    """Inputs of the model; those of more dimensions, such as images, are flattened."""
    from qnnt.files.documents import located
    from qnnt.rounding.model import inputs

    X = array(path)
    with located(path):
        return inputs(X.reshape(len(X), -1), model.sizes[0])


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


def show_dense(about: dict[str, Any]) -> None:
    """The report, as text."""
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
    if "certificates" in about:
        rows.append(("certificates", printable(about["certificates"]["file"])))
    print_columns(rows)
    print_columns(
        [
            (
                *("layer", "neurons", "inputs", "nearest cost", "cost"),
                *("lower bound", "at most left", "proved", "seconds"),
            ),
            *(
                (
                    str(layer["layer"]),
                    f"{layer['neurons']:,}",
                    f"{layer['inputs']:,}",
                    *(f"{layer[key]:.6g}" for key in ("nearest_cost", "cost", "lower_bound")),
                    f"{layer['most_left']:.1%}",
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
