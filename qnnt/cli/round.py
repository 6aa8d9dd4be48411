"""``qnnt round``: round the weights of a trained network to few bits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli import completion
from qnnt.cli.options import ExecutorName, Json, value_of
from qnnt.cli.output import print_json
from qnnt.cli.round_dense import round_dense, show_dense
from qnnt.cli.round_graph import round_onnx, show_graph
from qnnt.cli.round_options import RoundOptions, bits_of, bytes_of, write_report


def round_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="ONNX model, or dense network in .npz.")],
    calibration: Annotated[
        Path,
        typer.Option(metavar="DATA", help="Inputs to fit the rounding to: .npy, .npz by input, or a folder."),
    ],
    bits: Annotated[
        str | None,
        typer.Option(metavar="B", help="Bits of a weight, or auto for ONNX; default: 2, for ONNX 4."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="With --bits auto: the most that the file may have, 1.5MB or 800kB."
        ),
    ] = None,
    backend: Annotated[
        str, typer.Option(metavar="NAME", autocompletion=completion.rounders, help="Rounding backend.")
    ] = "closest-vector",
    scaling: Annotated[
        str, typer.Option(metavar="NAME", help="Weight scale: symmetric or max.")
    ] = "symmetric",
    per: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A weight scale per tensor or row; default: tensor, for ONNX row."),
    ] = None,
    clip: Annotated[
        str, typer.Option(metavar="NAME", help="Codes out of range: fix beforehand, or clip after.")
    ] = "fix",
    candidates: Annotated[
        int | None,
        typer.Option(metavar="K", help="Integers that a weight may become; default: 2, for ONNX 4."),
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="What to come near: the real layer, or the real network.")
    ] = "layer",
    calibration_size: Annotated[
        int | None, typer.Option(metavar="N", help="Draw this many rows of the data; default: all.")
    ] = None,
    calibration_share: Annotated[
        float | None, typer.Option(metavar="P", help="Draw this share of the rows of the data.")
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
        float | None,
        typer.Option(metavar="S", help="Seconds for each row; without any limit, 5, for ONNX 0.2."),
    ] = None,
    memory_limit: Annotated[
        int | None, typer.Option(metavar="MIB", help="Address space of each row's own process.")
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Rows that are solved at once.")] = 1,
    executor: ExecutorName = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the drawing and of the backend.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="Write the network, .onnx or .npz.")
    ] = None,
    form: Annotated[
        str, typer.Option(metavar="NAME", help="Form of the ONNX file: exact or scaled.")
    ] = "exact",
    activations: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Inputs of layers: float or int8; default: float, for .npz int8."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Layers of an ONNX model to round.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Layers of an ONNX model to leave.")
    ] = None,
    fold_batch_norm: Annotated[
        bool, typer.Option("--fold-batch-norm", help="Fold BatchNormalization into the Conv before it.")
    ] = False,
    search_scales: Annotated[
        bool, typer.Option("--search-scales", help="Scales with which rounding costs least, not the range's.")
    ] = False,
    block_size: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="A scale for every N weights of a row, at most 4 bits each; opset 21."
        ),
    ] = None,
    asymmetric: Annotated[
        bool, typer.Option("--asymmetric", help="Zero points for the weights of an ONNX model.")
    ] = False,
    opset: Annotated[
        int | None, typer.Option(metavar="N", help="Convert the model first: 21 has INT4, 25 has INT2.")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Note finished layers; the same command goes on from there."),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what the bounds rest on, .npz, for qnnt check-bounds."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON report with every neuron.")
    ] = None,
    json: Json = False,
) -> int:
    """Round the weights of a trained network to few bits.

    Layer after layer, each weight goes up or down so that the layer's outputs on the calibration inputs stay
    near those of the real weights. The report tells, for each row (a neuron or an output channel), the cost
    of rounding to nearest, the cost found, a lower bound, and whether it is proved optimal. A written ONNX
    file is run by onnxruntime and its integers are compared.

    An ONNX model keeps its graph: each Gemm, MatMul and Conv with constant weights gets integers where it
    stands, and no other node is touched.

    Ctrl-C ends the search: rows that are not done are rounded by nearest plane, and the whole network is
    shown and written. Exit status: 0 when the search ended by itself or by a time limit, 3 after Ctrl-C.
    """
    start = time.monotonic()
    from qnnt.limits import Limits

    with value_of(""):
        limits = Limits(time_limit, memory_limit, threads, seed)
    options = RoundOptions(
        model=model,
        calibration=calibration,
        bits=bits_of(bits),
        budget=None if budget is None else bytes_of(budget),
        backend=backend,
        scaling=scaling,
        per=per,
        clip=clip,
        candidates=candidates,
        target=target,
        calibration_size=calibration_size,
        calibration_share=calibration_share,
        evaluate=evaluate,
        allow_overlap=allow_overlap,
        limits=limits,
        row_time=row_time,
        output=output,
        form=form,
        activations=activations,
        include=include or (),
        exclude=exclude or (),
        fold_batch_norm=fold_batch_norm,
        search_scales=search_scales,
        block_size=block_size,
        asymmetric=asymmetric,
        opset=opset,
        journal=journal,
        certificates=certificates,
        executor=executor,
        start=start,
    )
    options.check(report)
    graph = model.suffix == ".onnx"
    about, status = round_onnx(options) if graph else round_dense(options)
    if report is not None:
        write_report(report, about)
    if json:
        print_json(about)
    elif graph:
        show_graph(about)
    else:
        show_dense(about)
    return status
